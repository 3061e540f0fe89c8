//! Linux futexes: private between the threads of a process, shared between processes.

use core::time::Duration;

use rustix::io::Errno;
use rustix::thread::futex::{self, Flags, Timespec};

use super::Futex;
use super::yielding::YIELDS;
use crate::atomic::{AtomicU32, crash_point};

/// Between the threads of one process.
pub(crate) struct Private;

impl Futex for Private {
    fn wait(&self, word: &AtomicU32, expected: u32, at_most: Duration) -> bool {
        wait(word, Flags::PRIVATE, expected, at_most)
    }

    fn wake_all(word: &AtomicU32) {
        wake(word, Flags::PRIVATE, EVERYBODY);
    }
}

#[cfg(all(feature = "shared", not(bakery_lock_no_rmw)))]
pub(crate) use shared::{Several, Shared};

#[cfg(all(feature = "shared", not(bakery_lock_no_rmw)))]
mod shared {
    use core::marker::PhantomData;
    use core::ptr;
    use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

    use rustix::thread::futex::{Wait, WaitFlags, WaitvFlags, waitv};
    use rustix::time::{ClockId, clock_gettime};

    use super::{AtomicU32, Duration, EVERYBODY, Errno, Flags, Futex, Timespec, crash_point};

    /// Between all who map the same memory.
    pub(crate) struct Shared;

    impl Futex for Shared {
        fn wait(&self, word: &AtomicU32, expected: u32, at_most: Duration) -> bool {
            super::wait(word, Flags::empty(), expected, at_most)
        }

        fn wake_all(word: &AtomicU32) {
            super::wake(word, Flags::empty(), EVERYBODY);
        }
    }

    impl Shared {
        /// Wakes one who sleeps on the word.
        pub(crate) fn wake_one(word: &AtomicU32) {
            super::wake(word, Flags::empty(), 1);
        }
    }

    /// Words to sleep on all at once: as many as the kernel takes.
    pub(crate) struct Several<'a> {
        first: (&'a AtomicU32, u32),
        words: Vec<Wait>,
        lives: PhantomData<&'a AtomicU32>,
    }

    /// Whether the kernel cannot do it (before Linux 5.16), or may not.
    static IS_MISSING: AtomicBool = AtomicBool::new(false);

    impl<'a> Several<'a> {
        const MOST: usize = 128;

        /// Whether that can be done, as far as is known.
        pub(crate) fn is_possible() -> bool {
            !IS_MISSING.load(Relaxed)
        }

        /// The first one, with the value that it has to have.
        pub(crate) fn new(word: &'a AtomicU32, expected: u32) -> Self {
            let mut all = Self { first: (word, expected), words: Vec::new(), lives: PhantomData };
            all.push(word, expected);
            all
        }

        /// One more, if there is room. Whether there is.
        pub(crate) fn push(&mut self, word: &'a AtomicU32, expected: u32) -> bool {
            let has_room = self.words.len() < Self::MOST;
            if has_room {
                let mut wait = Wait::new();
                wait.val = expected.into();
                wait.uaddr.ptr = ptr::from_ref(word).cast_mut().cast();
                wait.flags = WaitFlags::SIZE_U32;
                self.words.push(wait);
            }
            has_room
        }

        /// Sleeps as [`Futex::wait`] does; on the first word alone where the kernel can do no more.
        pub(crate) fn wait(&self, at_most: Duration) -> bool {
            let (first, expected) = self.first;
            if self.words.len() == 1 || !Self::is_possible() {
                return Shared.wait(first, expected, at_most);
            }
            // By this clock. `None`: beyond what it can tell.
            let end = Timespec::try_from(at_most)
                .ok()
                .and_then(|at_most| clock_gettime(ClockId::Monotonic).checked_add(at_most));
            crash_point("about to sleep");
            match waitv(&self.words, WaitvFlags::empty(), end.as_ref(), ClockId::Monotonic) {
                Err(Errno::TIMEDOUT) => true,
                // One was woken, or had changed; or a signal.
                Ok(_) | Err(Errno::AGAIN | Errno::INTR) => false,
                Err(_) => {
                    IS_MISSING.store(true, Relaxed);
                    Shared.wait(first, expected, at_most)
                }
            }
        }
    }
}

fn wait(word: &AtomicU32, flags: Flags, expected: u32, at_most: Duration) -> bool {
    // A time that does not fit is beyond everybody's patience.
    let timeout = Timespec::try_from(at_most).ok();
    crash_point("about to sleep");
    // Every other outcome (woken, the word changed, a signal) means the same: look again.
    futex::wait(word, flags, expected, timeout.as_ref()) == Err(Errno::TIMEDOUT)
}

const EVERYBODY: u32 = i32::MAX as u32;

fn wake(word: &AtomicU32, flags: Flags, at_most: u32) {
    crash_point("about to wake");
    // It fails for a bad address only, and `word` is a reference.
    YIELDS.time_wake_up(|| futex::wake(word, flags, at_most));
}
