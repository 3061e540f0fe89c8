//! The locks without slots as [`lock_api`] knows them.

#[cfg(feature = "std")]
use std::time::{Duration, Instant};

use super::{RawBypass, RawTicket};
use crate::wait::Wait;

/// What both have in common: each is locked by an attempt in hand, which is an `Algorithm`.
macro_rules! raw_mutex {
    ($raw:ty $(, const $bound:ident)?: $new:expr) => {
        // SAFETY: one attempt at a time is inside.
        unsafe impl<$(const $bound: u32,)? W: Wait> lock_api::RawMutex for $raw {
            const INIT: Self = $new;

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

        #[cfg(feature = "std")]
        // SAFETY: an attempt that is out of time has withdrawn.
        unsafe impl<$(const $bound: u32,)? W: Wait> lock_api::RawMutexTimed for $raw {
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
    };
}

raw_mutex! { RawTicket<W>: Self::new() }
raw_mutex! { RawBypass<BOUND, W>, const BOUND: Self::new() }

// SAFETY: unlocking always serves the next in line.
unsafe impl<W: Wait> lock_api::RawMutexFair for RawTicket<W> {
    #[inline]
    unsafe fn unlock_fair(&self, (): ()) {
        self.unlock();
    }
}

// SAFETY: if there is a line, only its head can be the next one in.
unsafe impl<const B: u32, W: Wait> lock_api::RawMutexFair for RawBypass<B, W> {
    #[inline]
    unsafe fn unlock_fair(&self, (): ()) {
        self.unlock_fair();
    }
}
