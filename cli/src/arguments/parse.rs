//! Arguments by a verb's table, as `getopt_long` reads them: letters in a bunch, values behind them or as
//! the next argument, long names cut short.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::arguments::{Id, Opt, VERBS, Verb};
use crate::exit::Failure;
use crate::message::shown;

/// What was given.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// The options in their order, each with its value (empty if it has none).
    pub options: Vec<(Id, OsString)>,
    pub operands: Vec<OsString>,
}

impl Parsed {
    pub fn has(&self, id: Id) -> bool {
        self.options.iter().any(|(given, _)| *given == id)
    }

    /// The last value given.
    pub fn value(&self, id: Id) -> Option<&OsStr> {
        self.options
            .iter()
            .rev()
            .find(|(given, _)| *given == id)
            .map(|(_, value)| value.as_os_str())
    }
}

/// Takes a verb's arguments apart.
///
/// # Errors
///
/// Wrong usage, with what to write instead.
pub fn parse(
    verb: &Verb,
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<Parsed, Failure> {
    let mut arguments = arguments.into_iter();
    let mut parsed = Parsed::default();
    while let Some(argument) = arguments.next() {
        let bytes = argument.as_bytes();
        if bytes == b"--" {
            break;
        }
        if let Some(long) = bytes.strip_prefix(b"--") {
            let (name, value) = match long.iter().position(|byte| *byte == b'=') {
                Some(at) => (&long[..at], Some(&long[at + 1..])),
                None => (long, None),
            };
            let option = long_option(verb, name)?;
            let value = match (option.value, value) {
                (None, None) => OsString::new(),
                (None, Some(_)) => {
                    let name = option.names[0];
                    return Err(wrong(verb, format!("--{name} has no value; write --{name}")));
                }
                (Some(_), Some(value)) => OsString::from_vec(value.to_vec()),
                (Some(_), None) if option.may_lack_value() => OsString::new(),
                (Some(_), None) => next_value(verb, option, &mut arguments)?,
            };
            parsed.options.push((option.id, value));
        } else if bytes.len() > 1 && bytes[0] == b'-' {
            bunch(verb, &bytes[1..], &mut arguments, &mut parsed)?;
        } else {
            parsed.operands.push(argument);
            if parsed.operands.len() >= verb.options_end_at {
                break;
            }
        }
    }
    parsed.operands.extend(arguments);
    Ok(parsed)
}

/// Letters behind one dash.
fn bunch(
    verb: &Verb,
    mut letters: &[u8],
    arguments: &mut impl Iterator<Item = OsString>,
    parsed: &mut Parsed,
) -> Result<(), Failure> {
    while let Some((letter, rest)) = letters.split_first() {
        let letter = char::from(*letter);
        let found = verb.options.iter().find(|option| option.letters.contains(letter));
        let Some(option) = found else {
            return Err(wrong(verb, format!("there is no option {}", shown(format!("-{letter}")))));
        };
        if option.value.is_none() {
            parsed.options.push((option.id, OsString::new()));
            letters = rest;
            continue;
        }
        let value = if rest.is_empty() {
            next_value(verb, option, arguments)?
        } else {
            OsString::from_vec(rest.to_vec())
        };
        parsed.options.push((option.id, value));
        return Ok(());
    }
    Ok(())
}

fn next_value(
    verb: &Verb,
    option: &Opt,
    arguments: &mut impl Iterator<Item = OsString>,
) -> Result<OsString, Failure> {
    arguments
        .next()
        .ok_or_else(|| wrong(verb, format!("a value is missing: write {}", option.shown())))
}

/// By its whole name, or by as much of it as is no other option's.
fn long_option(verb: &Verb, name: &[u8]) -> Result<&'static Opt, Failure> {
    let names =
        || verb.options.iter().flat_map(|option| option.names.iter().map(|name| (*name, *option)));
    if let Some((_, option)) = names().find(|(known, _)| known.as_bytes() == name) {
        return Ok(option);
    }
    let mut begun = names().filter(|(known, _)| known.as_bytes().starts_with(name));
    let given = shown(OsString::from_vec([b"--", name].concat()));
    let Some((first, option)) = begun.next() else {
        let text = String::from_utf8_lossy(name);
        let near = names().map(|(known, _)| (distance(known, &text), known)).min();
        let hint = match near {
            Some((distance, known)) if distance <= 2 => format!("; write --{known}"),
            _ => others_with(name),
        };
        return Err(wrong(verb, format!("there is no option {given}{hint}")));
    };
    match begun.find(|(_, other)| other.id != option.id) {
        Some((second, _)) => {
            Err(wrong(verb, format!("{given} is --{first} or --{second}; write the whole name")))
        }
        None => Ok(option),
    }
}

/// ` here; run, hold, status and wait have it`, if other verbs have the option of this name.
fn others_with(name: &[u8]) -> String {
    let has = |verb: &&&Verb| {
        verb.options.iter().any(|option| option.names.iter().any(|known| known.as_bytes() == name))
    };
    let verbs: Vec<_> = VERBS.iter().filter(has).map(|verb| verb.name).collect();
    match verbs.as_slice() {
        [] => String::new(),
        [one] => format!(" here; {one} has it"),
        [others @ .., last] => format!(" here; {} and {last} have it", others.join(", ")),
    }
}

/// Wrong usage of this verb.
pub fn wrong(verb: &Verb, message: impl AsRef<str>) -> Failure {
    let (message, name) = (message.as_ref(), verb.name);
    Failure::usage(format!("{name}: {message} (`bakery {name} --help` has all of it)"))
}

/// How many characters have to be changed, added or taken away to make one of the other (Levenshtein).
pub fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().take(64).enumerate() {
        let mut above_left = row[0];
        row[0] = at + 1;
        for (column, found) in other.iter().enumerate() {
            let changed = above_left + usize::from(letter != *found);
            above_left = row[column + 1];
            row[column + 1] = changed.min(above_left + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verbs;

    fn of(verb: &'static Verb, arguments: &[&str]) -> Result<Parsed, Failure> {
        parse(verb, arguments.iter().map(OsString::from))
    }

    fn given(parsed: &Parsed) -> Vec<(Id, &str)> {
        parsed.options.iter().map(|(id, value)| (*id, value.to_str().unwrap())).collect()
    }

    #[test]
    fn letters_and_names_are_read_as_getopt_does() {
        let flock = &verbs::flock::VERB;
        let parsed =
            of(flock, &["-en", "-w", "1.5", "-w2", "--wait=3", "--time", "4", "l", "-n", "--"]);
        let parsed = parsed.unwrap();
        let waits = ["1.5", "2", "3", "4"].map(|value| (Id::Wait, value));
        assert_eq!(
            given(&parsed),
            [&[(Id::Exclusive, ""), (Id::Nonblock, "")][..], &waits].concat()
        );
        assert_eq!(parsed.operands, ["l", "-n", "--"]);
        // One option's two names have a beginning in common.
        assert_eq!(given(&of(flock, &["--nonb", "l"]).unwrap()), [(Id::Nonblock, "")]);
    }

    #[test]
    fn a_command_has_its_own_options() {
        let run = &verbs::run::VERB;
        for arguments in [
            &["-n", "name", "-s", "--", "cmd", "-x", "--", "y"][..],
            &["name", "-ns", "--", "cmd", "-x", "--", "y"],
            &["-n", "-s", "name", "cmd", "-x", "--", "y"],
            &["-n", "-s", "--", "name", "cmd", "-x", "--", "y"],
        ] {
            let parsed = of(run, arguments).unwrap();
            assert_eq!(given(&parsed), [(Id::Nonblock, ""), (Id::Shared, "")], "{arguments:?}");
            assert_eq!(parsed.operands, ["name", "cmd", "-x", "--", "y"], "{arguments:?}");
        }
    }

    #[test]
    fn wrong_usage_says_what_to_write() {
        let run = &verbs::run::VERB;
        for (arguments, hint) in [
            (&["--shard"][..], "write --shared"),
            (&["--no"], "--nonblock or --no-fork"),
            (&["-w"], "-w, --wait TIME"),
            (&["--wait"], "-w, --wait TIME"),
            (&["--skip=1"], "write --skip"),
            (&["-Z"], "no option -Z"),
            (&["--frobnicate"], "no option --frobnicate"),
        ] {
            let failure = of(run, arguments).unwrap_err();
            assert!(failure.status == 64 && failure.message.contains(hint), "{failure}");
        }
    }

    #[test]
    fn a_distance_counts_changes() {
        assert_eq!(distance("wait", "wait"), 0);
        assert_eq!(distance("wait", "wat"), 1);
        assert_eq!(distance("", "four"), 4);
        assert_eq!(distance("shared", "sharde"), 2);
    }
}
