//! Whether owners that leave a lock have to look for sleepers.
//!
//! Looking takes a fence between the write that lets the next one in and the look, which would be
//! most of what leaving costs; and most locks are hardly ever slept at. So an owner that sees nobody
//! asleep leaves *unheeding*, without a fence or a look. One that sees a sleeper *heeds*: it fences,
//! and looks. So do all after it, since sections happen one after the other, until many in a row
//! have seen nobody asleep.
//!
//! Whoever sleeps says so, fences, and then looks whether owners heed. If they do, it sleeps soundly.
//! If not, it only naps: its wake-up may be lost, as the owner may have looked at the notice before.

use core::cell::Cell;
use core::time::Duration;

#[cfg(target_has_atomic = "32")]
use super::{Channel, Futex};
use crate::atomic::{Acquire, AtomicU32, Register32, Relaxed, Release, SeqCst, const_fn, fence};

/// How long the first nap is, unless the sleeper has waited for longer already. Each is twice as long as
/// the last, so that one that is too long is so by no more than what the sleeper has waited before.
#[cfg_attr(not(feature = "std"), allow(dead_code, reason = "only with std somebody sleeps"))]
const NAP: Duration = Duration::from_millis(2);

/// How many owners in a row see nobody asleep before the next one stops heeding. Long enough to make
/// up for a nap that is too long; short enough for locks that are rarely slept at.
#[allow(dead_code, reason = "models have their own")]
pub(crate) const QUIET: u32 = 1_000;

/// One lock's notice. Words, for which every value is valid, since processes share it.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Notice {
    /// How many sleep, or are about to. One that is killed meanwhile, or panics, is counted for ever.
    asleep: AtomicU32,
    /// `UNHEEDED`; or `SEEN`, and how many owners in a row have seen nobody asleep since. Owners
    /// alone write it.
    heeded: Register32,
}

const UNHEEDED: u32 = 0;
const SEEN: u32 = 1;

impl Notice {
    const_fn! {
        /// Nobody sleeps.
        pub(crate) const fn new() -> Self {
            Self { asleep: AtomicU32::new(0), heeded: Register32::new(UNHEEDED) }
        }
    }

    /// Whether somebody sleeps here, or is about to. That nobody does counts behind a `SeqCst` fence
    /// only.
    #[inline]
    pub(crate) fn has_sleepers(&self) -> bool {
        self.asleep.load(Relaxed) != 0
    }

    /// For the owner, before it leaves: whether it has to fence and to wake. Owners stop heeding
    /// after so many in a row that saw nobody asleep.
    #[inline]
    pub(crate) fn heed<const AFTER: u32>(&self) -> bool {
        let either = self.asleep.load(Relaxed) | self.heeded.load(Relaxed);
        either != 0 && self.heeds::<AFTER>()
    }

    #[inline(never)]
    fn heeds<const AFTER: u32>(&self) -> bool {
        let heeded = self.heeded.load(Relaxed);
        if !self.has_sleepers() {
            if heeded > AFTER {
                return !self.try_stop();
            }
            self.note(heeded + 1);
        } else if heeded != SEEN {
            self.note(SEEN);
        }
        true
    }

    fn note(&self, heeded: u32) {
        // Release: whoever reads it sees as well what those who left before have written.
        self.heeded.store(heeded, Release);
    }

    /// Owners heed no more, unless somebody has gone to sleep that relies on it.
    fn try_stop(&self) -> bool {
        self.heeded.store(UNHEEDED, Relaxed);
        // Orders this before the look: whoever says that it sleeps, and then sees that owners heed,
        // is seen here.
        fence(SeqCst);
        let stops = !self.has_sleepers();
        if !stops {
            self.note(SEEN);
        }
        stops
    }

    /// Sleeps at one of the lock's places, unless `still` is false. May return for no reason.
    #[cfg(target_has_atomic = "32")]
    #[cfg_attr(not(feature = "std"), allow(dead_code, reason = "as above"))]
    pub(crate) fn sleep<F: Futex>(
        &self,
        futex: &F,
        place: &Channel,
        still: impl Fn() -> bool,
        at_most: Duration,
    ) {
        let (mut nap, mut left) = (NAP.max(futex.has_waited()), at_most);
        self.asleep.fetch_add(1, Relaxed);
        loop {
            let limit = Cell::new(left);
            let slept = place.sleep(futex, &still, || {
                // Acquire: the last look before the sleep sees what those have written who left
                // unheeding.
                if self.heeded.load(Acquire) == UNHEEDED {
                    limit.set(left.min(nap));
                }
                limit.get()
            });
            left = left.saturating_sub(limit.get());
            if !slept || left.is_zero() {
                break;
            }
            nap *= 2;
        }
        self.asleep.fetch_sub(1, Relaxed);
    }
}
