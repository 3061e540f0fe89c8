//! Linux futexes: private between the threads of a process, shared between processes.

use core::time::Duration;

use rustix::io::Errno;
use rustix::thread::futex::{self, Flags, Timespec};

use super::Futex;
use super::yielding::YIELDS;
use crate::atomic::{AtomicU32, crash_point};

/// Between the threads of one process.
pub(crate) struct Private;

/// Between all who map the same memory.
#[cfg(all(feature = "shared", not(bakery_lock_no_rmw)))]
pub(crate) struct Shared;

impl Futex for Private {
    fn wait(word: &AtomicU32, expected: u32, at_most: Duration) -> bool {
        wait(word, Flags::PRIVATE, expected, at_most)
    }

    fn wake_all(word: &AtomicU32) {
        wake_all(word, Flags::PRIVATE);
    }
}

#[cfg(all(feature = "shared", not(bakery_lock_no_rmw)))]
impl Futex for Shared {
    fn wait(word: &AtomicU32, expected: u32, at_most: Duration) -> bool {
        wait(word, Flags::empty(), expected, at_most)
    }

    fn wake_all(word: &AtomicU32) {
        wake_all(word, Flags::empty());
    }
}

fn wait(word: &AtomicU32, flags: Flags, expected: u32, at_most: Duration) -> bool {
    // A time that does not fit is beyond everybody's patience.
    let timeout = Timespec::try_from(at_most).ok();
    crash_point("about to sleep");
    // Every other outcome (woken, the word changed, a signal) means the same: look again.
    futex::wait(word, flags, expected, timeout.as_ref()) == Err(Errno::TIMEDOUT)
}

fn wake_all(word: &AtomicU32, flags: Flags) {
    const EVERYBODY: u32 = i32::MAX as u32;
    crash_point("about to wake");
    // It fails for a bad address only, and `word` is a reference.
    YIELDS.time_wake_up(|| futex::wake(word, flags, EVERYBODY));
}
