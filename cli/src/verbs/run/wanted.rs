//! What `bakery run` is asked for.

use std::env;
use std::ffi::{OsStr, OsString};
use std::time::Duration;

use bakery_lock::shared::{Kind, Options};

use crate::arguments::options;
use crate::arguments::{Id, Opt, Parsed, Verb, parse, values};
use crate::between::{Between, address};
use crate::command;
use crate::ending::Limit;
use crate::exit::{Failure, status};
use crate::hold::bytes::{MOST_JOBS, Together};
use crate::hold::line::LOOK_EVERY;
use crate::message::shown;
use crate::name::Name;
use crate::waiting::Manner;

/// The time between `--max-time`'s TERM and KILL.
const KILL_AFTER: Duration = Duration::from_secs(10);

/// How long a place is kept in line.
const KEEP_FOR: Duration = Duration::from_mins(2);

/// What is about this machine's locks alone.
const LOCAL: [&Opt; 9] = [
    &options::CLOSE,
    &options::NO_FORK,
    &options::COLLAPSE,
    &options::KEEP_PLACE,
    &options::KEEP_FOR,
    &options::UNTIL,
    &options::SLOTS,
    &options::KIND,
    &options::DIR,
];

/// A place that is kept when the time is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeepPlace {
    /// Whose try goes on there. Empty: that of the same command.
    pub key: OsString,
    pub time: Duration,
}

/// When to let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// When the command has ended, whatever it leaves behind.
    Exit,
    /// When nobody has the descriptor any more.
    Closed,
}

/// What to do when the last one died inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnOwnerDied {
    Run,
    Fail,
    /// This first, by the shell.
    Repair(OsString),
}

#[expect(clippy::struct_excessive_bools, reason = "options are")]
pub struct Wanted {
    pub name: Name,
    /// `None`: on this machine.
    pub between: Option<Between>,
    pub words: Vec<OsString>,
    /// `None`: alone.
    pub together: Option<Together>,
    /// `None`: as long as it takes.
    pub time: Option<Duration>,
    pub conflict: u8,
    pub is_skipped: bool,
    pub collapses: bool,
    pub keep_place: Option<KeepPlace>,
    pub is_inherited: bool,
    pub has_no_fork: bool,
    pub until: Until,
    pub limit: Limit,
    pub on_owner_died: OnOwnerDied,
    pub joins_within: bool,
    pub report: Option<OsString>,
    pub is_dry: bool,
    pub is_verbose: bool,
    pub is_quiet: bool,
    pub manner: Manner,
    /// Of the segment, when it is made.
    pub options: Options,
    pub dir: Option<OsString>,
}

impl Wanted {
    pub fn of(verb: &Verb, parsed: &Parsed) -> Result<Self, Failure> {
        let (name, words) = name_and_words(verb, parsed)?;
        let between = address::of(verb, parsed)?;
        if between.is_some() {
            address::refuse(verb, parsed, &LOCAL)?;
            if let Name::File(_) = name {
                return Err(address::refuse_file(verb, &name.shown()));
            }
        }
        let wrong = |what: String| parse::wrong(verb, what);
        let time = |id| match parsed.value(id) {
            None => Ok(None),
            Some(value) => values::time(value).map(Some).ok_or_else(|| {
                wrong(format!("{} is no time; write 1.5, 90s, 10m, or 2h", shown(value)))
            }),
        };
        let number = |id, least, most| match parsed.value(id) {
            None => Ok(None),
            Some(value) => values::number(value, least, most).map(Some).ok_or_else(|| {
                wrong(format!("{} is no number from {least} to {most}", shown(value)))
            }),
        };
        let word = |id, words: [&str; 2]| match parsed.value(id) {
            None => Ok(false),
            Some(value) => {
                words.iter().position(|word| value == *word).map(|at| at == 1).ok_or_else(|| {
                    let [first, second] = words;
                    wrong(format!("{} is neither; write {first} or {second}", shown(value)))
                })
            }
        };

        let jobs = number(Id::Jobs, 1, MOST_JOBS)?;
        let together = match (parsed.has(Id::Shared), jobs) {
            (false, None) => None,
            (true, None) => Some(Together::Shared),
            (false, Some(jobs)) => Some(Together::Jobs(jobs)),
            (true, Some(_)) => {
                return Err(wrong("-s lets in all who share, -j some: write one of them".into()));
            }
        };
        let is_skipped = parsed.has(Id::Skip);
        let patience = if is_skipped || parsed.has(Id::Nonblock) {
            Some(Duration::ZERO)
        } else {
            time(Id::Wait)?.map_or_else(|| from_environment(verb), |time| Ok(Some(time)))?
        };
        let conflict =
            number(Id::ConflictExitCode, 0, 255)?.and_then(|code| u8::try_from(code).ok());
        let default = if is_skipped { 0 } else { status::BUSY };
        let limit = Limit {
            max_time: time(Id::MaxTime)?,
            kill_after: time(Id::KillAfter)?.unwrap_or(KILL_AFTER),
        };
        let keep_for = time(Id::KeepFor)?.unwrap_or(KEEP_FOR);
        let keep_place = parsed
            .value(Id::KeepPlace)
            .map(|key| KeepPlace { key: key.to_owned(), time: keep_for });
        let has_no_fork = parsed.has(Id::NoFork);
        let is_closed = word(Id::Until, ["exit", "closed"])?;
        let wanted = Self {
            name,
            between,
            words,
            together,
            time: patience,
            conflict: conflict.unwrap_or(default),
            is_skipped,
            collapses: parsed.has(Id::Collapse),
            keep_place,
            is_inherited: !parsed.has(Id::Close),
            has_no_fork,
            until: if is_closed || has_no_fork { Until::Closed } else { Until::Exit },
            limit,
            on_owner_died: match parsed.value(Id::OnOwnerDied) {
                None => OnOwnerDied::Run,
                Some(value) if value == "run" => OnOwnerDied::Run,
                Some(value) if value == "fail" => OnOwnerDied::Fail,
                Some(value) => OnOwnerDied::Repair(value.to_owned()),
            },
            joins_within: word(Id::Nested, ["refuse", "join"])?,
            report: parsed.value(Id::Report).map(OsStr::to_owned),
            is_dry: parsed.has(Id::DryRun),
            is_verbose: parsed.has(Id::Verbose),
            is_quiet: parsed.has(Id::Quiet),
            manner: Manner::of(parsed.has(Id::Quiet), parsed.has(Id::Verbose)),
            options: segment_options(verb, parsed)?,
            dir: parsed.value(Id::Dir).map(OsStr::to_owned),
        };
        wanted.check(parsed).map_err(wrong)?;
        Ok(wanted)
    }

    /// What does not go together, with what to write instead.
    fn check(&self, parsed: &Parsed) -> Result<(), String> {
        let has = |id| parsed.has(id);
        let is_file = matches!(self.name, Name::File(_));
        let refused = [
            (
                self.together.is_some() && has(Id::Exclusive),
                "-x is alone, and -s and -j are not: write one of them",
            ),
            (
                self.has_no_fork && !self.is_inherited,
                "-F and -o together would let go at once; write one of them",
            ),
            (
                self.until == Until::Closed && !self.is_inherited,
                "with -o nobody has the descriptor that --until closed waits for; write one of them",
            ),
            (
                self.has_no_fork && parsed.value(Id::Until).is_some_and(|until| until == "exit"),
                "with -F nobody is there to let go when the command ends; leave one of -F and --until exit out",
            ),
            (
                self.has_no_fork && (self.limit.max_time.is_some() || self.report.is_some()),
                "with -F nobody is there for --max-time or --report; leave -F out",
            ),
            (
                has(Id::KillAfter) && self.limit.max_time.is_none(),
                "--kill-after goes with --max-time TIME",
            ),
            (
                self.collapses && self.together.is_some(),
                "--collapse is for one at a time; leave -s or -j out",
            ),
            (
                self.collapses && self.time.is_some_and(|time| time.is_zero()),
                "--collapse waits, and -n and --skip do not: write one of them",
            ),
            (
                self.keep_place.is_some() && self.time.is_none_or(|time| time.is_zero()),
                "--keep-place keeps the place of one whose time is over: add -w TIME, and leave -n and --skip out",
            ),
            (
                self.keep_place.is_some() && self.collapses,
                "--keep-place comes again, and --collapse leaves it to another: write one of them",
            ),
            (
                has(Id::KeepFor) && self.keep_place.is_none(),
                "--keep-for goes with --keep-place: write --keep-place --keep-for TIME",
            ),
            (
                is_file && matches!(self.together, Some(Together::Jobs(_))),
                "-j needs a name without a slash",
            ),
            (
                self.between.is_some()
                    && matches!(self.together, Some(Together::Jobs(_)))
                    && has(Id::OnOwnerDied),
                "between machines those of -j do not tell of deaths; leave one of -j and --on-owner-died out",
            ),
            (is_file && self.collapses, "--collapse needs a name without a slash"),
            (
                is_file && has(Id::OnOwnerDied),
                "a file's lock does not tell of deaths: --on-owner-died needs a name without a slash",
            ),
            (
                is_file && (has(Id::Slots) || has(Id::Kind)),
                "--slots and --kind need a name without a slash",
            ),
        ];
        refused.iter().find(|(is_so, _)| *is_so).map_or(Ok(()), |(_, why)| Err((*why).to_owned()))
    }
}

fn name_and_words(verb: &Verb, parsed: &Parsed) -> Result<(Name, Vec<OsString>), Failure> {
    let Some((name, words)) = parsed.operands.split_first() else {
        return Err(parse::wrong(verb, "which lock? write bakery run NAME -- COMMAND"));
    };
    let name = Name::new(name.clone())?;
    let shown = name.shown();
    match (parsed.value(Id::Command), words) {
        (None, []) => {
            Err(parse::wrong(verb, format!("what is to run? write bakery run {shown} -- COMMAND")))
        }
        (None, words) => Ok((name, words.to_vec())),
        (Some(string), []) => Ok((name, command::by_shell(string))),
        (Some(_), _) => Err(parse::wrong(
            verb,
            format!(
                "-c takes one argument, and no command follows: write bakery run {shown} -c STRING, in quotes"
            ),
        )),
    }
}

/// `BAKERY_WAIT`, where neither `-n` nor `-w` says it.
fn from_environment(verb: &Verb) -> Result<Option<Duration>, Failure> {
    match env::var_os("BAKERY_WAIT") {
        Some(value) if !value.is_empty() => values::time(&value).map(Some).ok_or_else(|| {
            let what =
                format!("BAKERY_WAIT is {}, which is no time; set it to 90s or 10m", shown(&value));
            parse::wrong(verb, what)
        }),
        _ => Ok(None),
    }
}

fn segment_options(verb: &Verb, parsed: &Parsed) -> Result<Options, Failure> {
    let mut options = Options::new().look_every(LOOK_EVERY);
    if let Some(value) = parsed.value(Id::Slots) {
        let slots = values::number(value, 2, 4096).ok_or_else(|| {
            parse::wrong(verb, format!("{} is no number from 2 to 4096", shown(value)))
        })?;
        options = options.slots(slots);
    }
    if let Some(value) = parsed.value(Id::Kind) {
        let kind: Option<Kind> = value.to_str().and_then(|kind| kind.parse().ok());
        let Some(kind) = kind.filter(|kind| kind.can_recover()) else {
            let known = Kind::ALL.iter().filter(|kind| kind.can_recover()).map(Kind::to_string);
            let known = known.collect::<Vec<_>>().join(", ");
            return Err(parse::wrong(
                verb,
                format!("{} is no kind; write one of {known}", shown(value)),
            ));
        };
        options = options.kind(kind);
    }
    Ok(options)
}
