//! Whether owners that leave a lock have to look for sleepers.
//!
//! Looking takes a fence between the write that lets the next one in and the look, which would be
//! most of what leaving costs; and most locks are hardly ever slept at. So an owner that sees nobody
//! asleep leaves *unheeding*, without a fence or a look. One that sees a sleeper *heeds*: it fences,
//! and looks. So do all after it, since sections happen one after the other, until many in a row
//! have seen nobody asleep.
//!
//! Whoever sleeps says so first, behind a fence of its own. It sleeps soundly if owners heed. If not,
//! it only naps: its wake-up may be lost, as the owner may have looked at the notice before.

use core::time::Duration;

#[cfg(target_has_atomic = "32")]
use super::{Channel, Futex};
use crate::atomic::{Acquire, AtomicU32, Register32, Relaxed, Release, SeqCst, const_fn, fence};

/// How long a nap is.
#[cfg_attr(not(feature = "std"), allow(dead_code, reason = "only with std somebody sleeps"))]
const NAP: Duration = Duration::from_millis(2);

/// How many owners in a row see nobody asleep before they stop heeding. Long enough to make up for
/// a nap too long, once in a while; short enough for whoever sleeps rarely.
#[allow(dead_code, reason = "models have their own")]
pub(crate) const QUIET: u32 = 1_000;

/// One lock's notice. Words, for which every value is valid, since processes share it.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Notice {
    /// How many sleep, or are about to. One that is killed meanwhile is counted for ever.
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

    /// Whether somebody may sleep here. Behind a `SeqCst` fence; an owner calls [`heed`](Self::heed)
    /// instead, before its own.
    #[inline]
    pub(crate) fn has_sleepers(&self) -> bool {
        self.asleep.load(Relaxed) != 0
    }

    /// For the owner, before it leaves: whether it has to fence and to wake. Owners stop heeding
    /// after `QUIET` of them in a row that saw nobody asleep.
    #[inline]
    pub(crate) fn heed<const QUIET: u32>(&self) -> bool {
        let either = self.asleep.load(Relaxed) | self.heeded.load(Relaxed);
        either != 0 && self.still_heeds::<QUIET>()
    }

    #[inline(never)]
    fn still_heeds<const QUIET: u32>(&self) -> bool {
        let heeded = self.heeded.load(Relaxed);
        let now = if self.has_sleepers() {
            SEEN
        } else if heeded <= QUIET {
            heeded + 1
        } else if self.may_stop() {
            return false;
        } else {
            SEEN
        };
        if now != heeded {
            // Release: whoever reads it sees as well what those who left before have written.
            self.heeded.store(now, Release);
        }
        true
    }

    /// Owners heed no more, unless somebody has gone to sleep that relies on it.
    fn may_stop(&self) -> bool {
        self.heeded.store(UNHEEDED, Relaxed);
        // Orders this before the look: whoever says that it sleeps, and then sees that owners heed,
        // is seen here.
        fence(SeqCst);
        !self.has_sleepers()
    }

    /// Sleeps at one of the lock's places, unless `still` is false. May return for no reason.
    #[cfg(target_has_atomic = "32")]
    #[cfg_attr(not(feature = "std"), allow(dead_code, reason = "as above"))]
    pub(crate) fn sleep<F: Futex>(
        &self,
        place: &Channel,
        still: impl Fn() -> bool,
        at_most: Duration,
    ) {
        self.asleep.fetch_add(1, Relaxed);
        place.sleep::<F>(still, || self.limit(at_most));
        self.asleep.fetch_sub(1, Relaxed);
    }

    /// How long one may sleep that would sleep so long, and has said that it sleeps.
    #[cfg_attr(not(feature = "std"), allow(dead_code, reason = "as above"))]
    fn limit(&self, at_most: Duration) -> Duration {
        // Acquire: the last look before the sleep sees what those have written who left unheeding.
        if self.heeded.load(Acquire) == UNHEEDED { at_most.min(NAP) } else { at_most }
    }
}
