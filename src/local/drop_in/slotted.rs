//! Locks with slots for [`lock_api`], whose threads come without one.

use core::fmt;
use core::marker::PhantomData;
use core::sync::atomic::AtomicU32;
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
/// Each thread leases a small index when it first locks any such mutex, and gives it back when it ends. In a mutex of
/// capacity N, threads with indices below N - 1 have the slot of that index to themselves; all others share the last
/// slot, for which they queue in a ticket lock. So `lock` works for any number of threads, and the algorithm's order
/// holds among the N that are in it: a thread that shares the last slot counts as having come when it got that slot.
///
/// # Panics
///
/// `lock` panics if this thread has locked the mutex already and has a slot to itself; sharing the last slot it waits
/// for ever, as with most mutexes. `try_lock` answers no in both cases.
pub struct RawSlotted<A: Fixed, W: Wait = DefaultWait> {
    algorithm: A,
    /// The line for the last slot.
    gate: RawTicket<W>,
    /// The slot that is inside plus one, or 0. Written by whoever is inside.
    owner: AtomicU32,
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
    fn last(&self) -> Slot {
        #[expect(clippy::cast_possible_truncation, reason = "slots are numbered in 32 bits")]
        Slot::new(self.algorithm.capacity() as u32 - 1)
    }

    /// The slot for this thread, if it is the last one only when `gate` has let it in.
    #[inline]
    fn seat(&self, gate: impl FnOnce(&RawTicket<W>) -> bool) -> Option<Seat<'_, A, W>> {
        let slot = self.slot();
        (slot != self.last() || gate(&self.gate)).then(|| self.take(slot))
    }

    /// The same, waiting at the gate.
    #[inline]
    fn seat_at_last(&self) -> Seat<'_, A, W> {
        let slot = self.slot();
        if slot == self.last() {
            self.gate.lock();
        }
        self.take(slot)
    }

    #[inline]
    fn slot(&self) -> Slot {
        lease::index().map_or(self.last(), |index| Slot::new(index).min(self.last()))
    }

    #[inline]
    fn take(&self, slot: Slot) -> Seat<'_, A, W> {
        lease::hold();
        self.algorithm.join(slot);
        Seat { lock: self, slot }
    }

    /// Whether this thread is inside already, with a slot of its own.
    #[inline]
    fn is_inside(&self, seat: &Seat<'_, A, W>) -> bool {
        // Only a thread with this slot writes this value, and that is this thread.
        self.owner.load(Relaxed) == seat.slot.number() + 1
    }

    fn lot(&self) -> ThreadLot {
        ThreadLot::of(&self.algorithm)
    }
}

impl<A: Fixed, W: Wait> Seat<'_, A, W> {
    #[inline]
    fn keep(self) -> SlottedGuard {
        let slot = self.slot;
        self.lock.owner.store(slot.number() + 1, Relaxed);
        core::mem::forget(self);
        SlottedGuard { slot, not_send: PhantomData }
    }
}

impl<A: Fixed, W: Wait> Drop for Seat<'_, A, W> {
    #[inline]
    fn drop(&mut self) {
        lease::release();
        if self.slot.index() == self.lock.algorithm.capacity() - 1 {
            self.lock.gate.unlock();
        }
    }
}

impl<A: Fixed, W: Wait> fmt::Debug for RawSlotted<A, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawSlotted")
            .field("capacity", &self.algorithm.capacity())
            .field("owner", &self.owner.load(Relaxed).checked_sub(1))
            .finish_non_exhaustive()
    }
}

// SAFETY: no two threads have the same slot at the same time: leased indices are unique among threads, the last slot is
// behind a gate, and a thread that is inside with its slot is turned away. So `Algorithm`'s contract holds.
unsafe impl<A: Fixed + Withdraw, W: Wait> lock_api::RawMutex for RawSlotted<A, W> {
    const INIT: Self = Self {
        algorithm: A::INIT,
        gate: RawTicket::new(TicketQueue::new()),
        owner: AtomicU32::new(0),
    };

    type Guard = SlottedGuard;

    #[inline]
    fn lock(&self) -> SlottedGuard {
        let seat = self.seat_at_last();
        assert!(!self.is_inside(&seat), "this thread has locked this mutex already");
        Attempt::<_, _, W>::enter_when_open(&self.algorithm, seat.slot, self.lot()).wait();
        seat.keep()
    }

    #[inline]
    fn try_lock(&self) -> Option<SlottedGuard> {
        let seat = self.seat(RawTicket::try_lock)?;
        let mine = !self.is_inside(&seat)
            && attempt::try_lock::<_, _, W>(&self.algorithm, seat.slot, self.lot());
        mine.then(|| seat.keep())
    }

    #[inline]
    unsafe fn unlock(&self, guard: SlottedGuard) {
        self.owner.store(0, Relaxed);
        attempt::leave::<_, _, W>(&self.algorithm, guard.slot, self.lot());
        drop(Seat { lock: self, slot: guard.slot });
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.owner.load(Relaxed) != 0
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
        if self.is_inside(&seat) {
            return None;
        }
        Attempt::<_, _, W>::enter_until(&self.algorithm, seat.slot, self.lot(), &deadline)?
            .wait_until(&deadline)
            .then(|| seat.keep())
    }
}
