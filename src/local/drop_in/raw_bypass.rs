//! The lock that may be passed as [`lock_api`] knows it.

#[cfg(feature = "std")]
use std::time::{Duration, Instant};

use super::RawBypass;
use crate::wait::Wait;

// SAFETY: `BypassInHand` is an `Algorithm`: one attempt at a time is inside.
unsafe impl<const B: u32, W: Wait> lock_api::RawMutex for RawBypass<B, W> {
    const INIT: Self = Self::new();

    type Guard = ();

    #[inline]
    fn lock(&self) {
        self.lock();
    }

    #[inline]
    fn try_lock(&self) -> Option<()> {
        self.try_lock().then_some(())
    }

    #[inline]
    unsafe fn unlock(&self, (): ()) {
        self.unlock();
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.is_locked()
    }
}

// SAFETY: if there is a line, only its head can be the next one in.
unsafe impl<const B: u32, W: Wait> lock_api::RawMutexFair for RawBypass<B, W> {
    #[inline]
    unsafe fn unlock_fair(&self, (): ()) {
        self.unlock_fair();
    }
}

#[cfg(feature = "std")]
// SAFETY: an attempt that is out of time has withdrawn.
unsafe impl<const B: u32, W: Wait> lock_api::RawMutexTimed for RawBypass<B, W> {
    type Duration = Duration;
    type Instant = Instant;

    fn try_lock_for(&self, timeout: Duration) -> Option<()> {
        let Some(deadline) = Instant::now().checked_add(timeout) else {
            self.lock();
            return Some(());
        };
        self.try_lock_until(deadline)
    }

    fn try_lock_until(&self, deadline: Instant) -> Option<()> {
        self.lock_until(&deadline).then_some(())
    }
}
