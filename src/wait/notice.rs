//! Whether owners that leave a lock have to look for sleepers.
//!
//! Looking takes a fence between the write that lets the next one in and the look, which would be
//! most of what leaving costs; and most locks are never slept at. So an owner looks for a notice
//! before it leaves, without a fence, and leaves without a look while there is none.
//!
//! One that wants to sleep posts the notice. It cannot know whether the owner had looked before, so
//! it only naps, until some owner has heeded the notice. From then on every owner does: sections
//! happen one after the other, so whoever leaves later sees the notice too.

use core::time::Duration;

use crate::atomic::{Acquire, Register32, Relaxed, Release, const_fn};

/// How long a nap is. The wake-up before it may be lost; none is after.
#[cfg_attr(not(feature = "std"), allow(dead_code, reason = "only with std somebody sleeps"))]
const NAP: Duration = Duration::from_millis(2);

/// One lock's notice. It stays, once it is posted. Words, for which every value is valid, since
/// processes share it.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Notice {
    posted: Register32,
    heeded: Register32,
}

const NO: u32 = 0;
const YES: u32 = 1;

impl Notice {
    const_fn! {
        /// None yet.
        pub(crate) const fn new() -> Self {
            Self { posted: Register32::new(NO), heeded: Register32::new(NO) }
        }
    }

    /// Whether somebody may sleep here. Behind a `SeqCst` fence; an owner calls [`heed`](Self::heed)
    /// instead.
    #[inline]
    pub(crate) fn is_posted(&self) -> bool {
        self.posted.load(Relaxed) != NO
    }

    /// For the owner, before it leaves: whether it has to wake.
    #[inline]
    pub(crate) fn heed(&self) -> bool {
        self.is_posted() && self.note_heeded()
    }

    #[inline(never)]
    fn note_heeded(&self) -> bool {
        if self.heeded.load(Relaxed) == NO {
            // Release: whoever reads it sees as well what those who left before have written.
            self.heeded.store(YES, Release);
        }
        true
    }

    /// How long one may sleep that would sleep so long.
    #[cfg_attr(not(feature = "std"), allow(dead_code, reason = "as above"))]
    pub(crate) fn limit(&self, at_most: Duration) -> Duration {
        // Acquire: the last look before the sleep sees what those have written who left unheeding.
        if self.heeded.load(Acquire) != NO {
            return at_most;
        }
        self.posted.store(YES, Relaxed);
        at_most.min(NAP)
    }
}
