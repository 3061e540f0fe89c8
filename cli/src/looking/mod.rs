//! What is known of a lock by those who look at it: who is inside, who waits, what they are about. It
//! takes nothing.
//!
//! [`segment`] asks the library, [`file`] the kernel. Both name [`processes`] by what they run
//! ([`wrapper`]), and find by their [`descriptors`] those that keep a lock. [`names`] knows what locks
//! there are.

pub mod descriptors;
pub mod file;
pub mod holders;
pub mod names;
pub mod processes;
pub mod segment;
pub mod wrapper;

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use bakery_lock::shared::{Death, Error, Status};

use crate::exit::{Failure, status};
use crate::looking::descriptors::{FileId, Scan};
use crate::looking::wrapper::{Kept, Wrapper};
use crate::verbs::run::place;

/// How a lock is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    #[default]
    Exclusive,
    Shared,
    Jobs(u32),
}

/// A lock, as it was at some moment.
#[derive(Debug)]
pub struct Look {
    /// As it was asked for.
    pub name: OsString,
    pub path: PathBuf,
    pub mode: Mode,
    pub holders: Vec<Holder>,
    pub queue: Vec<Waiter>,
    /// Who waits for a place in the queue, as all slots are taken: in no order.
    pub outside: Vec<Waiter>,
    /// What the library says. Of a file, that of its line, if there is one.
    pub status: Option<Status>,
    /// Whether it is a file, locked by flock(2).
    pub is_file: bool,
    /// Why not all who have it could be seen.
    pub unseen: Option<String>,
}

/// Somebody inside.
#[derive(Clone, Debug, Default)]
pub struct Holder {
    /// `None`: it cannot be seen who.
    pub pid: Option<u32>,
    pub command: Vec<OsString>,
    /// The `bakery run` that has started it.
    pub wrapper: Option<u32>,
    /// One that was there, and is not any more: whoever has the descriptor keeps the lock.
    pub gone: Option<u32>,
    pub since: Option<SystemTime>,
    pub token: Option<u64>,
    pub why: Option<OsString>,
    /// Who keeps the lock by a descriptor.
    pub keepers: Vec<Keeper>,
    pub is_pause: bool,
    /// It has it for somebody who is to come again.
    pub kept: Option<Kept>,
}

/// A process that has a descriptor by which a lock is held.
#[derive(Clone, Debug)]
pub struct Keeper {
    pub pid: u32,
    pub descriptor: u32,
    pub name: OsString,
}

/// Somebody in line.
#[derive(Clone, Debug, Default)]
pub struct Waiter {
    pub pid: u32,
    pub command: Vec<OsString>,
    /// `None`: only just, or it is not known.
    pub since: Option<SystemTime>,
    /// When it gives up.
    pub until: Option<SystemTime>,
    pub why: Option<OsString>,
    pub mode: Mode,
    /// It stands in line for somebody who is to come again.
    pub kept: Option<Kept>,
}

impl Look {
    pub fn is_free(&self) -> bool {
        self.holders.is_empty()
    }

    pub fn is_paused(&self) -> bool {
        self.holders.iter().any(|holder| holder.is_pause)
    }

    /// `free`, `held`, `paused`.
    pub fn state(&self) -> &'static str {
        match (self.is_free(), self.is_paused()) {
            (true, _) => "free",
            (false, true) => "paused",
            (false, false) => "held",
        }
    }

    /// How many may be inside at a time, if that is a number.
    pub fn jobs(&self) -> Option<u32> {
        match self.mode {
            Mode::Exclusive => Some(1),
            Mode::Jobs(jobs) => Some(jobs),
            Mode::Shared => None,
        }
    }

    /// Who died inside last, if that is known.
    pub fn last_death(&self) -> Option<&Death> {
        let status = self.status.as_ref().filter(|_| !self.is_file)?;
        status.last_death.as_ref()
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.queue.len() + self.outside.len()
    }

    /// The one inside for the longest.
    pub fn first_holder(&self) -> Option<&Holder> {
        self.holders.iter().min_by_key(|holder| holder.since.unwrap_or_else(SystemTime::now))
    }
}

impl Waiter {
    /// As one of the library's participants, or one that sleeps in the kernel.
    fn new(pid: u32, name: &str, since: Option<SystemTime>) -> Self {
        let wrapper = Wrapper::of(pid).unwrap_or_default();
        let kept = wrapper.keeps(pid);
        let Wrapper { verb, words, why, wait, mode, .. } = wrapper;
        // A place-holder is asked to wait by one try after the other.
        let wait = wait.filter(|_| verb != place::VERB.name);
        let command = if words.is_empty() { command_of(pid, name) } else { words };
        let until = wait.and_then(|wait| since.unwrap_or_else(SystemTime::now).checked_add(wait));
        Self { pid, command, since, until, why, mode, kept }
    }
}

/// A process's command line if it is the process of this name, or else the name alone: numbers of
/// processes mean something else in another pid namespace.
fn command_of(pid: u32, name: &str) -> Vec<OsString> {
    let is_it = processes::name(pid).is_some_and(|found| found.to_string_lossy() == name);
    is_it.then(|| processes::command_line(pid)).flatten().unwrap_or_else(|| vec![name.into()])
}

/// How long ago that was.
pub fn ago(since: Option<SystemTime>) -> Option<Duration> {
    SystemTime::now().duration_since(since?).ok()
}

/// What is looked at, before it is known who has descriptors.
enum Half {
    Segment(segment::Half),
    File(file::Half),
}

/// What came of it.
pub type Looked = (OsString, Result<Option<Look>, Failure>);

/// Looks at these locks. `None`: there is no such lock.
pub fn at(names: &[OsString]) -> Vec<Looked> {
    let halves: Vec<_> =
        names.iter().map(|name| (name.clone(), names::find(name).and_then(begin))).collect();
    let found = || halves.iter().filter_map(|(_, half)| half.as_ref().ok()?.as_ref());
    let files: HashSet<FileId> = found().filter_map(Half::file).collect();
    let in_line: HashSet<u32> = found().flat_map(Half::in_line).collect();
    let scan = Scan::of(&files, &in_line);
    halves
        .into_iter()
        .map(|(name, half)| {
            let look = half.map(|half| half.map(|half| half.complete(name.clone(), &scan)));
            (name, look)
        })
        .collect()
}

/// Looks at one.
pub fn at_one(name: &OsStr) -> Result<Option<Look>, Failure> {
    at(&[name.to_owned()]).pop().map_or(Ok(None), |(_, look)| look)
}

fn begin(place: names::Place) -> Result<Option<Half>, Failure> {
    Ok(match place {
        names::Place::Segment(path) => segment::begin(path)?.map(Half::Segment),
        names::Place::File(path) => file::begin(path)?.map(Half::File),
    })
}

impl Half {
    /// The file whose descriptors have to be looked for.
    fn file(&self) -> Option<FileId> {
        match self {
            Self::Segment(half) => half.file(),
            Self::File(half) => Some(half.id),
        }
    }

    /// Who has none that matters.
    fn in_line(&self) -> Vec<u32> {
        match self {
            Self::Segment(half) => half.in_line(),
            Self::File(_) => Vec::new(),
        }
    }

    fn complete(self, name: OsString, scan: &Scan) -> Look {
        match self {
            Self::Segment(half) => half.complete(name, scan),
            Self::File(half) => half.complete(name, scan),
        }
    }
}

/// The library's refusal to let it be looked at.
pub fn refused(error: Error) -> Failure {
    let status =
        if matches!(error, Error::BadName { .. }) { status::USAGE } else { status::CANNOT_OPEN };
    Failure::new(status, error)
}
