//! Mutants without touching the sources: one operation, known by where it stands, is weaker than
//! the source says.
//!
//! The mutant is chosen once, before a model runs, for the whole process.

use std::fmt;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering as Std};
use std::sync::{Mutex, OnceLock};

use crate::atomic::{AcqRel, Acquire, Ordering, Relaxed, Release, SeqCst};

/// What stands at a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Fence,
    Load,
    Store,
    Update,
    /// An update that matters for its effect alone.
    Raise,
    /// [`Wake::fence`](crate::algorithm::Wake::fence), or that after an update.
    WakeFence,
    /// [`Wake::wake`](crate::algorithm::Wake::wake).
    Wake,
}

/// What a mutant has instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Instead {
    Nothing,
    Weaker(Ordering),
}

impl Instead {
    const NAMED: [(&str, Self); 5] = [
        ("dropped", Self::Nothing),
        ("AcqRel", Self::Weaker(AcqRel)),
        ("Acquire", Self::Weaker(Acquire)),
        ("Release", Self::Weaker(Release)),
        ("Relaxed", Self::Weaker(Relaxed)),
    ];

    fn named(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(other, _)| *other == name).map(|(_, instead)| *instead)
    }
}

impl fmt::Display for Instead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Self::NAMED.iter().find(|(_, instead)| instead == self);
        f.pad(named.expect("no mutant is SeqCst").0)
    }
}

/// A place in the sources, and what stands there.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// From the root of the workspace.
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) column: u32,
    /// Its mutants.
    pub(crate) weaker: Vec<Instead>,
}

/// The mutants of an operation: one step weaker in every way, or not done, where the code around
/// can go on without.
fn weaker(operation: Operation, asked: Ordering) -> Vec<Instead> {
    match (operation, asked) {
        (Operation::Store, Release) => vec![Instead::Weaker(Relaxed), Instead::Nothing],
        (Operation::Fence, SeqCst) => vec![Instead::Weaker(AcqRel), Instead::Nothing],
        (
            Operation::Fence
            | Operation::Store
            | Operation::Raise
            | Operation::WakeFence
            | Operation::Wake,
            _,
        ) => vec![Instead::Nothing],
        (_, AcqRel) => vec![Instead::Weaker(Acquire), Instead::Weaker(Release)],
        (_, Acquire | Release) => vec![Instead::Weaker(Relaxed)],
        _ => vec![],
    }
}

/// `file:line:column`, as the process that runs a model is told.
impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl Site {
    pub(crate) fn is(&self, other: &Self) -> bool {
        (self.line, self.column, &self.file) == (other.line, other.column, &other.file)
    }

    /// The site and its mutants on a line, for another process.
    pub(crate) fn to_line(&self) -> String {
        let weaker: Vec<_> = self.weaker.iter().map(Instead::to_string).collect();
        format!("{self} {}", weaker.join(" "))
    }

    pub(crate) fn from_line(line: &str) -> Option<Self> {
        let mut words = line.split(' ').filter(|word| !word.is_empty());
        let (file, line, column) = place(words.next()?)?;
        Some(Self { file, line, column, weaker: words.map(Instead::named).collect::<Option<_>>()? })
    }
}

/// The parts of `file:line:column`.
fn place(text: &str) -> Option<(String, u32, u32)> {
    let mut parts = text.rsplitn(3, ':');
    let column = parts.next()?.parse().ok()?;
    let line = parts.next()?.parse().ok()?;
    Some((parts.next()?.to_owned(), line, column))
}

struct Mutant {
    file: String,
    line: u32,
    column: u32,
    instead: Instead,
}

type Caller = &'static Location<'static>;

static MUTANT: OnceLock<Mutant> = OnceLock::new();
static RECORDING: AtomicBool = AtomicBool::new(false);
static PASSED: Mutex<Vec<(Caller, Vec<Instead>)>> = Mutex::new(Vec::new());

/// Puts a mutant in force: what to have instead at `file:line:column`.
pub(crate) fn mutate(site: &str, instead: &str) -> Option<()> {
    let (file, line, column) = place(site)?;
    MUTANT.set(Mutant { file, line, column, instead: Instead::named(instead)? }).ok()
}

/// Notes each site that is passed from here on.
pub(crate) fn record() {
    RECORDING.store(true, Std::Relaxed);
}

/// The sites passed since.
pub(crate) fn recorded() -> Vec<Site> {
    let passed = PASSED.lock().expect("no panic while it is held");
    let site = |(caller, weaker): &(Caller, Vec<Instead>)| Site {
        file: from_root(caller.file()).to_owned(),
        line: caller.line(),
        column: caller.column(),
        weaker: weaker.clone(),
    };
    passed.iter().map(site).collect()
}

/// The ordering that an operation is given: as asked, or weaker, or none and it is not to be done.
#[track_caller]
pub(crate) fn ordering(operation: Operation, asked: Ordering) -> Option<Ordering> {
    match at(operation, asked) {
        None => Some(asked),
        Some(Instead::Weaker(weaker)) => Some(weaker),
        Some(Instead::Nothing) => None,
    }
}

/// What the mutant in force has instead of the operation that calls this, if it is the one.
#[track_caller]
pub(crate) fn at(operation: Operation, asked: Ordering) -> Option<Instead> {
    let caller = Location::caller();
    if RECORDING.load(Std::Relaxed) {
        note(caller, operation, asked);
    }
    let mutant = MUTANT.get()?;
    let is_it = mutant.line == caller.line()
        && mutant.column == caller.column()
        && mutant.file == from_root(caller.file());
    is_it.then_some(mutant.instead)
}

fn note(caller: Caller, operation: Operation, asked: Ordering) {
    let mut passed = PASSED.lock().expect("no panic while it is held");
    if !passed.iter().any(|(other, _)| std::ptr::eq(*other, caller)) {
        passed.push((caller, weaker(operation, asked)));
    }
}

/// The sources are included by a path that leads out of this crate and back in.
fn from_root(file: &str) -> &str {
    file.rsplit_once("../").map_or(file, |(_, file)| file)
}
