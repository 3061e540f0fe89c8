//! The ticket lock as [`lock_api`] knows it.

#[cfg(feature = "std")]
use std::time::{Duration, Instant};

use super::RawTicket;
use crate::algorithm::TicketQueue;
use crate::wait::Wait;

// SAFETY: `TicketInHand` is an `Algorithm`: one attempt at a time is inside.
unsafe impl<W: Wait> lock_api::RawMutex for RawTicket<W> {
    const INIT: Self = Self::new(TicketQueue::new());

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

// SAFETY: unlocking always serves the next in line.
unsafe impl<W: Wait> lock_api::RawMutexFair for RawTicket<W> {
    #[inline]
    unsafe fn unlock_fair(&self, (): ()) {
        self.unlock();
    }
}

#[cfg(feature = "std")]
// SAFETY: an attempt that is out of time has withdrawn.
unsafe impl<W: Wait> lock_api::RawMutexTimed for RawTicket<W> {
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
