//! What a `bakery run` or a `flock` in the list of processes has been asked for, from its command line.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::arguments::{Id, parse, values};
use crate::looking::{Mode, processes};
use crate::verbs::{self, run::place};

/// A place in line that is kept for the next try of a `bakery run --keep-place`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Empty: the same command.
    pub key: OsString,
    pub until: SystemTime,
}

/// What it was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wrapper {
    pub verb: String,
    /// The lock.
    pub name: OsString,
    /// The command, if it runs one.
    pub words: Vec<OsString>,
    pub why: Option<OsString>,
    pub wait: Option<Duration>,
    pub mode: Mode,
    /// What `--keep-place` says.
    pub key: Option<OsString>,
}

impl Wrapper {
    /// `None`: the process is no wrapper, or does not show what it is.
    pub fn of(pid: u32) -> Option<Self> {
        Self::parse(&processes::command_line(pid)?)
    }

    fn parse(line: &[OsString]) -> Option<Self> {
        let (program, rest) = line.split_first()?;
        let (verb, arguments) = match Path::new(program).file_name()?.to_str()? {
            "flock" => (&verbs::flock::VERB, rest),
            "bakery" => {
                let (verb, arguments) = rest.split_first()?;
                (crate::arguments::verb(verb.to_str()?)?, arguments)
            }
            _ => return None,
        };
        let parsed = parse::parse(verb, arguments.iter().cloned()).ok()?;
        let operands = parsed.operands.as_slice();
        let (name, words) = match parsed.value(Id::Fd) {
            Some(number) => (number, operands),
            None => operands.split_first().map(|(name, words)| (name.as_os_str(), words))?,
        };
        let mode = if parsed.has(Id::Shared) {
            Mode::Shared
        } else {
            let jobs = parsed.value(Id::Jobs).and_then(|jobs| values::number(jobs, 1, u32::MAX));
            jobs.map_or(Mode::Exclusive, Mode::Jobs)
        };
        let words = match parsed.value(Id::Command) {
            Some(string) => vec![OsString::from("-c"), string.to_owned()],
            None => words.to_vec(),
        };
        Some(Self {
            verb: verb.name.to_owned(),
            name: name.to_owned(),
            words,
            why: parsed.value(Id::Why).map(OsStr::to_owned),
            wait: parsed.value(Id::Wait).and_then(values::time),
            mode,
            key: parsed.value(Id::KeepPlace).map(OsStr::to_owned),
        })
    }

    /// Whether this process keeps a place for somebody who is not there.
    pub fn keeps(&self, pid: u32) -> Option<Kept> {
        let name = processes::name(pid).filter(|_| self.verb == place::VERB.name)?;
        let until = place::kept_until(name.to_str()?)?;
        Some(Kept { key: self.key.clone().unwrap_or_default(), until })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &[&str]) -> Option<Wrapper> {
        Wrapper::parse(&line.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn a_wrappers_command_line_says_what_it_is_about() {
        let run = of(&["/usr/bin/bakery", "run", "x", "-w2m", "--why", "r 4", "--", "ls", "-l"]);
        let run = run.unwrap();
        assert_eq!((run.verb.as_str(), run.name.to_str()), ("run", Some("x")));
        assert_eq!(run.words, ["ls", "-l"]);
        assert_eq!((run.why, run.wait), (Some("r 4".into()), Some(Duration::from_mins(2))));
        let together = of(&["bakery", "run", "-j", "3", "x", "-c", "make it"]).unwrap();
        assert_eq!(
            (together.mode, together.words),
            (Mode::Jobs(3), vec!["-c".into(), "make it".into()])
        );
        let flock = of(&["flock", "-s", "/l", "sh", "-c", "true"]).unwrap();
        assert_eq!((flock.mode, flock.words.len()), (Mode::Shared, 3));
        let flock = of(&["bakery", "flock", "--fd", "9", "make", "it"]).unwrap();
        assert_eq!((flock.name, flock.words), ("9".into(), vec!["make".into(), "it".into()]));
    }

    #[test]
    fn what_is_no_wrapper_is_none() {
        for line in [
            &[][..],
            &["bakery"],
            &["sh", "run", "x"],
            &["bakery", "what"],
            &["bakery", "run", "-?"],
        ] {
            assert_eq!(of(line), None, "{line:?}");
        }
    }
}
