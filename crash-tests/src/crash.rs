//! Death at a step: a process that is armed with a number kills itself before its crash point of
//! that number.

use std::panic::Location;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering::Relaxed};

use rustix::process::{Signal, getpid, kill_process};

/// How many points this process has passed, or is at.
static PASSED: AtomicU64 = AtomicU64::new(0);
/// The point to die at; 0 for none.
static ARMED: AtomicU64 = AtomicU64::new(0);
/// Where to say what became of it: memory that outlives the process.
static TRACE: AtomicPtr<Trace> = AtomicPtr::new(std::ptr::null_mut());

/// How far a process has come.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    passed: AtomicU64,
    /// In the program's constants, which a forked child has at the same address.
    at: AtomicPtr<Location<'static>>,
}

impl Trace {
    pub(crate) fn wipe(&self) {
        self.passed.store(0, Relaxed);
        self.at.store(std::ptr::null_mut(), Relaxed);
    }

    /// How many points its process has passed or died at, and where the last of them stands.
    pub(crate) fn read(&self) -> (u64, String) {
        let at = self.at.load(Relaxed);
        // SAFETY: written by `point` only, from a static reference of this same program.
        let at = unsafe { at.as_ref() };
        let place = at.map_or("nowhere".to_owned(), |at| format!("{}:{}", at.file(), at.line()));
        (self.passed.load(Relaxed), place)
    }
}

/// Counts this process's points from here on.
pub(crate) fn begin(trace: &'static Trace) {
    PASSED.store(0, Relaxed);
    TRACE.store((&raw const *trace).cast_mut(), Relaxed);
}

/// Lets this process die at the point that is the `nth` from now.
pub(crate) fn arm(nth: u64) {
    ARMED.store(PASSED.load(Relaxed) + nth, Relaxed);
}

/// A point to die at.
#[track_caller]
pub(crate) fn point() {
    let trace = TRACE.load(Relaxed);
    // SAFETY: set by `begin`, from a reference that does not end.
    let Some(trace) = (unsafe { trace.as_ref() }) else { return };
    let passed = PASSED.load(Relaxed) + 1;
    PASSED.store(passed, Relaxed);
    trace.at.store(std::ptr::from_ref(Location::caller()).cast_mut(), Relaxed);
    trace.passed.store(passed, Relaxed);
    if passed == ARMED.load(Relaxed) {
        die();
    }
}

/// Ends this process as nothing else does: no destructor, no handler.
pub(crate) fn die() -> ! {
    let _ = kill_process(getpid(), Signal::KILL);
    unreachable!("nobody survives SIGKILL");
}
