//! Locks with slots as [`lock_api`] knows them.

use core::fmt;
use std::time::{Duration, Instant};

use super::slotted::{Slotted, SlottedGuard};
#[cfg(feature = "lock_api_04")]
use crate::algorithm::Slot;
use crate::algorithm::Withdraw;
#[cfg(feature = "lock_api_04")]
use crate::atomic::{AtomicU32, Relaxed};
use crate::local::Fixed;
use crate::wait::{DefaultWait, Wait};

/// A lock with slots as a raw mutex for any number of threads.
///
/// Each thread leases a small index when it first locks any such mutex, and gives it back when it
/// ends; at most 1,024 threads have one at a time. In a mutex of capacity N, threads with indices below
/// N - 1 have the slot of that index to themselves; all others share the last slot, for which they
/// queue in a ticket lock. So `lock` works for any number of threads, and the algorithm's order holds
/// among the N that are in it: a thread that shares the last slot counts as having come when it got
/// that slot.
///
/// A thread that ends with a guard, because it leaked it or because a later destructor drops it, gives
/// its index back all the same. Until the guard is dropped the next thread with that index shares the
/// last slot of that one mutex.
///
/// A forked child's thread keeps the index of the thread that forked it. On Linux the indices of its
/// parent's other threads are free in the child.
///
/// Mutexes of it are `const`-constructible, and have `try_lock_for` and `try_lock_until`; `try_lock` may
/// fail for both of two that try at the same moment. Guards are not `Send`. There is no poisoning.
///
/// # Panics
///
/// `lock` panics if this thread has locked the mutex already, or is waiting for it, and has a slot
/// to itself that it knows to be in use by itself; otherwise it waits for ever, as with most mutexes. It
/// does not know if it shares the last slot, or if a thread before it has ended with a guard and left
/// it the index. `try_lock_for` of a time without end does the same. `try_lock` answers no in any case.
///
/// # With `lock_api` 0.4
///
/// The feature `lock_api_04` gives it that version's traits too. Its guards carry nothing, so the lock
/// itself notes the slot of whoever is inside.
///
/// There is no mutex without slots:
///
/// ```compile_fail,E0080
/// use bakery_lock::BakeryMutexWith;
///
/// static NOBODY: BakeryMutexWith<u32, 0> = BakeryMutexWith::new(0);
/// ```
pub struct RawSlotted<A: Fixed, W: Wait = DefaultWait> {
    lock: Slotted<A, A::Flags, W>,
    /// The slot of whoever got in by `lock_api` 0.4, whose guards know of none. Read and written inside.
    #[cfg(feature = "lock_api_04")]
    inside: AtomicU32,
}

impl<A: Fixed, W: Wait> fmt::Debug for RawSlotted<A, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawSlotted")
            .field("capacity", &self.lock.algorithm.capacity())
            .field("busy", &self.lock.busy)
            .finish_non_exhaustive()
    }
}

// SAFETY: `Slotted` keeps to `Algorithm`'s contract.
unsafe impl<A: Fixed + Withdraw, W: Wait> lock_api::RawMutex for RawSlotted<A, W> {
    const INIT: Self = {
        assert!(size_of::<A::Flags>() > 0, "a mutex needs a slot");
        Self {
            lock: Slotted::new(A::INIT, A::NO_FLAGS),
            #[cfg(feature = "lock_api_04")]
            inside: AtomicU32::new(0),
        }
    };

    type Guard = SlottedGuard;

    #[inline]
    fn lock(&self) -> SlottedGuard {
        self.lock.lock()
    }

    #[inline]
    fn try_lock(&self) -> Option<SlottedGuard> {
        self.lock.try_lock()
    }

    #[inline]
    unsafe fn unlock(&self, guard: SlottedGuard) {
        self.lock.unlock(guard);
    }

    /// Whether any thread is inside or about to be.
    #[inline]
    fn is_locked(&self) -> bool {
        self.lock.is_locked()
    }
}

// SAFETY: there is one way of unlocking.
unsafe impl<A: Fixed + Withdraw, W: Wait> lock_api::RawMutexFair for RawSlotted<A, W> {
    #[inline]
    unsafe fn unlock_fair(&self, guard: SlottedGuard) {
        // SAFETY: the same contract.
        unsafe { lock_api::RawMutex::unlock(self, guard) }
    }
}

// SAFETY: an attempt that is out of time has withdrawn, and given its slot back.
unsafe impl<A: Fixed + Withdraw, W: Wait> lock_api::RawMutexTimed for RawSlotted<A, W> {
    type Duration = Duration;
    type Instant = Instant;

    fn try_lock_for(&self, timeout: Duration) -> Option<SlottedGuard> {
        match Instant::now().checked_add(timeout) {
            Some(deadline) => self.try_lock_until(deadline),
            None => Some(lock_api::RawMutex::lock(self)),
        }
    }

    /// A thread that has locked this mutex already gets no for an answer, when the time is over.
    fn try_lock_until(&self, deadline: Instant) -> Option<SlottedGuard> {
        self.lock.lock_until(&deadline)
    }
}

#[cfg(feature = "lock_api_04")]
mod version_04 {
    use super::{
        Duration, Fixed, Instant, RawSlotted, Relaxed, Slot, SlottedGuard, Wait, Withdraw,
    };

    impl<A: Fixed + Withdraw, W: Wait> RawSlotted<A, W> {
        /// Relaxed, here and below: written and read by whoever is inside, which sees its own last
        /// write.
        #[inline]
        fn note(&self, guard: &SlottedGuard) {
            self.inside.store(guard.slot.number(), Relaxed);
        }
    }

    // SAFETY: as for version 0.5.
    unsafe impl<A: Fixed + Withdraw, W: Wait> lock_api_04::RawMutex for RawSlotted<A, W> {
        const INIT: Self = <Self as lock_api::RawMutex>::INIT;

        /// A slot belongs to its thread.
        type GuardMarker = lock_api_04::GuardNoSend;

        #[inline]
        fn lock(&self) {
            self.note(&self.lock.lock());
        }

        #[inline]
        fn try_lock(&self) -> bool {
            self.lock.try_lock().map(|guard| self.note(&guard)).is_some()
        }

        #[inline]
        unsafe fn unlock(&self) {
            self.lock.unlock(SlottedGuard::new(Slot::new(self.inside.load(Relaxed))));
        }

        #[inline]
        fn is_locked(&self) -> bool {
            self.lock.is_locked()
        }
    }

    // SAFETY: there is one way of unlocking.
    unsafe impl<A: Fixed + Withdraw, W: Wait> lock_api_04::RawMutexFair for RawSlotted<A, W> {
        #[inline]
        unsafe fn unlock_fair(&self) {
            // SAFETY: the same contract.
            unsafe { lock_api_04::RawMutex::unlock(self) }
        }
    }

    // SAFETY: as for version 0.5.
    unsafe impl<A: Fixed + Withdraw, W: Wait> lock_api_04::RawMutexTimed for RawSlotted<A, W> {
        type Duration = Duration;
        type Instant = Instant;

        fn try_lock_for(&self, timeout: Duration) -> bool {
            lock_api::RawMutexTimed::try_lock_for(self, timeout)
                .map(|guard| self.note(&guard))
                .is_some()
        }

        fn try_lock_until(&self, deadline: Instant) -> bool {
            self.lock.lock_until(&deadline).map(|guard| self.note(&guard)).is_some()
        }
    }
}
