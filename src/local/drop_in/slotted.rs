//! Locks with slots for [`lock_api`], whose threads come without one.

use core::fmt;
use core::marker::PhantomData;
use core::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use crate::algorithm::{Slot, TicketQueue, Withdraw};
use crate::attempt::{self, Attempt};
use crate::local::Fixed;
use crate::local::drop_in::{RawTicket, lease};
use crate::local::lot::ThreadLot;
use crate::wait::{DefaultWait, Wait};

/// A lock with slots as a raw mutex for any number of threads.
///
/// Each thread leases a small index when it first locks any such mutex, and gives it back when it
/// ends. In a mutex of capacity N, threads with indices below N - 1 have the slot of that index to
/// themselves; all others share the last slot, for which they queue in a ticket lock. So `lock`
/// works for any number of threads, and the algorithm's order holds among the N that are in it: a
/// thread that shares the last slot counts as having come when it got that slot.
///
/// # Panics
///
/// `lock` panics if this thread has locked the mutex already, or is waiting for it, and has a slot
/// to itself; sharing the last slot it waits for ever, as with most mutexes. `try_lock` answers no
/// in both cases.
///
/// There is no mutex without slots:
///
/// ```compile_fail,E0080
/// static NOBODY: bakery_lock::BakeryMutex<u32, 0> = bakery_lock::BakeryMutex::new(0);
/// ```
pub struct RawSlotted<A: Fixed, W: Wait = DefaultWait> {
    algorithm: A,
    /// The line for the last slot.
    gate: RawTicket<W>,
    /// Which slots are in use, from before the doorway until after the departure. Each is written
    /// by its thread only.
    busy: A::Flags,
}

/// The slot by which a thread is inside. To be given back on the thread that got it.
#[derive(Debug)]
pub struct SlottedGuard {
    slot: Slot,
    not_send: PhantomData<*const ()>,
}

// SAFETY: it is a number.
unsafe impl Sync for SlottedGuard {}

/// A slot for the length of an attempt, given back unless the attempt succeeds.
struct Seat<'a, A: Fixed, W: Wait> {
    lock: &'a RawSlotted<A, W>,
    slot: Slot,
}

impl<A: Fixed + Withdraw, W: Wait> RawSlotted<A, W> {
    /// A seat in this thread's slot. If that is the last one, once `gate` has let the thread in;
    /// `None` if it does not, or if the slot is in use: by this thread, whose lock it is or which
    /// is waiting for it.
    #[inline]
    fn seat(&self, gate: impl FnOnce(&RawTicket<W>) -> bool) -> Option<Seat<'_, A, W>> {
        let slot = lease::index().map_or(self.last(), |index| Slot::new(index).min(self.last()));
        if slot == self.last() && !gate(&self.gate) {
            return None;
        }
        let busy = &self.busy.as_ref()[slot.index()];
        if busy.load(Relaxed) {
            return None;
        }
        busy.store(true, Relaxed);
        lease::hold();
        self.algorithm.join(slot);
        Some(Seat { lock: self, slot })
    }

    fn lot(&self) -> ThreadLot {
        ThreadLot::of(&self.algorithm)
    }
}

impl<A: Fixed, W: Wait> RawSlotted<A, W> {
    fn last(&self) -> Slot {
        #[expect(clippy::cast_possible_truncation, reason = "slots are numbered in 32 bits")]
        Slot::new(self.algorithm.capacity() as u32 - 1)
    }
}

impl<A: Fixed, W: Wait> Seat<'_, A, W> {
    /// For an attempt that has succeeded.
    #[inline]
    fn keep(self) -> SlottedGuard {
        let slot = self.slot;
        core::mem::forget(self);
        SlottedGuard { slot, not_send: PhantomData }
    }
}

impl<A: Fixed, W: Wait> Drop for Seat<'_, A, W> {
    #[inline]
    fn drop(&mut self) {
        lease::release();
        self.lock.busy.as_ref()[self.slot.index()].store(false, Relaxed);
        if self.slot == self.lock.last() {
            self.lock.gate.unlock();
        }
    }
}

impl<A: Fixed, W: Wait> fmt::Debug for RawSlotted<A, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawSlotted")
            .field("capacity", &self.algorithm.capacity())
            .field("busy", &self.busy)
            .finish_non_exhaustive()
    }
}

// SAFETY: no two attempts have the same slot at the same time: leased indices are unique among
// threads, the last slot is behind a gate, and a thread whose slot is in use is turned away. So
// `Algorithm`'s contract holds.
unsafe impl<A: Fixed + Withdraw, W: Wait> lock_api::RawMutex for RawSlotted<A, W> {
    const INIT: Self = {
        assert!(size_of::<A::Flags>() > 0, "a mutex needs a slot");
        let gate = RawTicket::new(TicketQueue::new());
        Self { algorithm: A::INIT, gate, busy: A::NO_FLAGS }
    };

    type Guard = SlottedGuard;

    #[inline]
    fn lock(&self) -> SlottedGuard {
        let waiting = |gate: &RawTicket<W>| {
            gate.lock();
            true
        };
        let Some(seat) = self.seat(waiting) else {
            panic!("this thread has locked this mutex already");
        };
        Attempt::<_, _, W>::enter_when_open(&self.algorithm, seat.slot, self.lot()).wait();
        seat.keep()
    }

    #[inline]
    fn try_lock(&self) -> Option<SlottedGuard> {
        let seat = self.seat(RawTicket::try_lock)?;
        attempt::try_lock::<_, _, W>(&self.algorithm, seat.slot, self.lot()).then(|| seat.keep())
    }

    #[inline]
    unsafe fn unlock(&self, guard: SlottedGuard) {
        let seat = Seat { lock: self, slot: guard.slot };
        attempt::leave::<_, _, W>(&self.algorithm, seat.slot, self.lot());
    }

    /// Whether any thread is inside or about to be.
    #[inline]
    fn is_locked(&self) -> bool {
        self.busy.as_ref().iter().any(|busy| busy.load(Relaxed))
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

    /// A thread that has locked this mutex already gets no for an answer, at once.
    fn try_lock_until(&self, deadline: Instant) -> Option<SlottedGuard> {
        let seat = self.seat(|gate| gate.lock_until(&deadline))?;
        Attempt::<_, _, W>::enter_until(&self.algorithm, seat.slot, self.lot(), &deadline)?
            .wait_until(&deadline)
            .then(|| seat.keep())
    }
}
