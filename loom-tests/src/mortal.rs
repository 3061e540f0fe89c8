//! Threads that die between two of their steps, as a process that is killed does: whatever they
//! were about to do, they do no more.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::threads::{ThreadId, current};

std::thread_local! {
    /// Which thread dies, and after how many steps. All threads of a model run on one thread of the
    /// system.
    static MORTAL: Cell<Option<(ThreadId, usize)>> = const { Cell::new(None) };
}

struct Died;

/// To be called at the start of each execution.
pub(crate) fn forget() {
    MORTAL.set(None);
}

/// Before each step of any thread.
pub(crate) fn step() {
    if let Some((thread, left)) = MORTAL.get()
        && thread == current().id()
    {
        if left == 0 {
            // Not a panic, which would be reported; and nothing of the library's has a destructor
            // here that would go on.
            resume_unwind(Box::new(Died));
        }
        MORTAL.set(Some((thread, left - 1)));
    }
}

/// Of whose life something is left out, in the midst of which nobody dies.
pub(crate) struct Spared(Option<(ThreadId, usize)>);

/// Lets this thread not die for a while, if it is the mortal one.
pub(crate) fn spare() -> Spared {
    let mine = MORTAL.get().filter(|(thread, _)| *thread == current().id());
    if mine.is_some() {
        MORTAL.set(None);
    }
    Spared(mine)
}

impl Drop for Spared {
    fn drop(&mut self) {
        if self.0.is_some() {
            MORTAL.set(self.0);
        }
    }
}

/// Lets this thread do so many steps of its life. Whether that was all of it.
pub(crate) fn live(steps: usize, life: impl FnOnce()) -> bool {
    MORTAL.set(Some((current().id(), steps)));
    let end = catch_unwind(AssertUnwindSafe(life));
    MORTAL.set(None);
    match end {
        Ok(()) => true,
        Err(end) if end.is::<Died>() => false,
        Err(panic) => resume_unwind(panic),
    }
}
