//! The locks without slots as others know them: [`lock_api`] 0.5 and 0.4, and `mutex-traits`.

#[cfg(feature = "std")]
use std::time::{Duration, Instant};

use super::{RawBypass, RawTicket};
use crate::wait::Wait;

/// What both have in common: each is locked by an attempt in hand, which is an `Algorithm`.
macro_rules! raw_mutex {
    ($raw:ty $(, const $bound:ident)?) => {
        // SAFETY: one attempt at a time is inside.
        unsafe impl<$(const $bound: u32,)? W: Wait> lock_api::RawMutex for $raw {
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

        #[cfg(feature = "std")]
        // SAFETY: an attempt that is out of time has withdrawn.
        unsafe impl<$(const $bound: u32,)? W: Wait> lock_api::RawMutexTimed for $raw {
            type Duration = Duration;
            type Instant = Instant;

            fn try_lock_for(&self, timeout: Duration) -> Option<()> {
                self.lock_for(timeout).then_some(())
            }

            fn try_lock_until(&self, deadline: Instant) -> Option<()> {
                self.lock_until(&deadline).then_some(())
            }
        }

        #[cfg(feature = "lock_api_04")]
        // SAFETY: as above.
        unsafe impl<$(const $bound: u32,)? W: Wait> lock_api_04::RawMutex for $raw {
            const INIT: Self = Self::new();

            type GuardMarker = lock_api_04::GuardSend;

            #[inline]
            fn lock(&self) {
                self.lock();
            }

            #[inline]
            fn try_lock(&self) -> bool {
                self.try_lock()
            }

            #[inline]
            unsafe fn unlock(&self) {
                self.unlock();
            }

            #[inline]
            fn is_locked(&self) -> bool {
                self.is_locked()
            }
        }

        #[cfg(all(feature = "lock_api_04", feature = "std"))]
        // SAFETY: as above.
        unsafe impl<$(const $bound: u32,)? W: Wait> lock_api_04::RawMutexTimed for $raw {
            type Duration = Duration;
            type Instant = Instant;

            fn try_lock_for(&self, timeout: Duration) -> bool {
                self.lock_for(timeout)
            }

            fn try_lock_until(&self, deadline: Instant) -> bool {
                self.lock_until(&deadline)
            }
        }

        #[cfg(feature = "mutex-traits")]
        impl<$(const $bound: u32,)? W: Wait> mutex_traits::ConstInit for $raw {
            const INIT: Self = Self::new();
        }

        #[cfg(feature = "mutex-traits")]
        // SAFETY: one attempt at a time is inside.
        unsafe impl<$(const $bound: u32,)? W: Wait> mutex_traits::RawMutex for $raw {
            type GuardMarker = ();

            #[inline]
            fn lock(&self) {
                self.lock();
            }

            #[inline]
            fn try_lock(&self) -> bool {
                self.try_lock()
            }

            #[inline]
            unsafe fn unlock(&self) {
                self.unlock();
            }

            #[inline]
            fn is_locked(&self) -> bool {
                self.is_locked()
            }
        }

        #[cfg(feature = "std")]
        impl<$(const $bound: u32,)? W: Wait> $raw {
            /// Without end, if that is later than an `Instant` can say.
            fn lock_for(&self, timeout: Duration) -> bool {
                let Some(deadline) = Instant::now().checked_add(timeout) else {
                    self.lock();
                    return true;
                };
                self.lock_until(&deadline)
            }
        }
    };
}

raw_mutex! { RawTicket<W> }
raw_mutex! { RawBypass<BOUND, W>, const BOUND }

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

#[cfg(feature = "lock_api_04")]
// SAFETY: unlocking always serves the next in line.
unsafe impl<W: Wait> lock_api_04::RawMutexFair for RawTicket<W> {
    #[inline]
    unsafe fn unlock_fair(&self) {
        self.unlock();
    }
}

#[cfg(feature = "lock_api_04")]
// SAFETY: if there is a line, only its head can be the next one in.
unsafe impl<const B: u32, W: Wait> lock_api_04::RawMutexFair for RawBypass<B, W> {
    #[inline]
    unsafe fn unlock_fair(&self) {
        self.unlock_fair();
    }
}
