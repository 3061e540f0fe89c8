//! Locks with slots, for threads that come without one.

use core::marker::PhantomData;

use super::lease;
use super::ticket::RawTicket;
use crate::algorithm::{Slot, Withdraw};
use crate::atomic::{Acquire, AtomicBool, Relaxed, Release, const_fn};
use crate::attempt::{self, Attempt};
use crate::local::lot::ThreadLot;
use crate::wait::{Deadline, Notice, Wait};

/// An algorithm with a gate and a flag for each of its slots: see
/// [`RawSlotted`](crate::RawSlotted).
pub(crate) struct Slotted<A, F, W> {
    pub(crate) algorithm: A,
    /// The line for the last slot.
    gate: RawTicket<W>,
    notice: Notice,
    /// Which slots are in use, from before the doorway until after the departure. Each is raised by
    /// its thread only, when it is down, and lowered by the thread that raised it.
    pub(crate) busy: F,
}

/// The slot by which a thread is inside. To be given back on the thread that got it.
#[derive(Debug)]
pub struct SlottedGuard {
    pub(super) slot: Slot,
    not_send: PhantomData<*const ()>,
}

impl SlottedGuard {
    #[inline]
    pub(super) fn new(slot: Slot) -> Self {
        Self { slot, not_send: PhantomData }
    }
}

// SAFETY: it is a number.
unsafe impl Sync for SlottedGuard {}

/// A slot for the length of an attempt, given back unless the attempt succeeds.
struct Seat<'a, A: Withdraw, F: AsRef<[AtomicBool]>, W: Wait> {
    lock: &'a Slotted<A, F, W>,
    slot: Slot,
}

/// No two attempts have the same slot at the same time: leased indices are unique among threads,
/// the last slot is behind a gate, and a thread whose slot is in use is turned away, or shown to the
/// last one if a thread that had its index before may still be there. So
/// [`Algorithm`](crate::algorithm::Algorithm)'s contract holds.
impl<A: Withdraw, F: AsRef<[AtomicBool]>, W: Wait> Slotted<A, F, W> {
    const_fn! {
        /// `busy` has a flag for each slot, and none of them is raised.
        pub(crate) const fn new(algorithm: A, busy: F) -> Self {
            Self { algorithm, gate: RawTicket::new(), notice: Notice::new(), busy }
        }
    }

    #[inline]
    pub(crate) fn lock(&self) -> SlottedGuard {
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
    pub(crate) fn try_lock(&self) -> Option<SlottedGuard> {
        let seat = self.seat(RawTicket::try_lock)?;
        attempt::try_lock::<_, _, W>(&self.algorithm, seat.slot, self.lot()).then(|| seat.keep())
    }

    pub(crate) fn lock_until(&self, deadline: &impl Deadline) -> Option<SlottedGuard> {
        let Some(seat) = self.seat(|gate| gate.lock_until(deadline)) else {
            // Whoever waits for itself waits as long as it wants to.
            while deadline.left().is_some() {
                W::pause();
            }
            return None;
        };
        Attempt::<_, _, W>::enter_until(&self.algorithm, seat.slot, self.lot(), deadline)?
            .wait_until(deadline)
            .then(|| seat.keep())
    }

    /// The thread that got the guard is inside.
    #[inline]
    pub(crate) fn unlock(&self, SlottedGuard { slot, .. }: SlottedGuard) {
        let seat = Seat { lock: self, slot };
        attempt::leave::<_, _, W>(&self.algorithm, seat.slot, self.lot());
    }

    /// Whether any thread is inside or about to be.
    #[inline]
    pub(crate) fn is_locked(&self) -> bool {
        self.busy.as_ref().iter().any(|busy| busy.load(Relaxed))
    }

    /// A seat in this thread's slot, or in the last one once `gate` has let the thread in. `None` if it
    /// does not; or if this thread has its slot in use, for the lock is its own or it is waiting for it.
    #[inline]
    fn seat(&self, gate: impl FnOnce(&RawTicket<W>) -> bool) -> Option<Seat<'_, A, F, W>> {
        if let Some(index) = lease::index()
            && Slot::new(index) < self.last()
        {
            let seat = self.sit_down(Slot::new(index));
            if seat.is_some() || !lease::was_left_in_use(index) {
                return seat;
            }
        }
        if gate(&self.gate) { self.sit_down(self.last()) } else { None }
    }

    /// A seat in a slot that no other thread takes meanwhile, unless it is in use.
    #[inline]
    fn sit_down(&self, slot: Slot) -> Option<Seat<'_, A, F, W>> {
        let busy = &self.busy.as_ref()[slot.index()];
        // Acquire: the slot may have been left by a thread that had given its index back before.
        // Forbids: this thread's accesses to the slot's registers, and those inside, before that one's.
        if busy.load(Acquire) {
            return None;
        }
        busy.store(true, Relaxed);
        lease::hold();
        self.algorithm.join(slot);
        Some(Seat { lock: self, slot })
    }

    fn last(&self) -> Slot {
        #[expect(clippy::cast_possible_truncation, reason = "slots are numbered in 32 bits")]
        Slot::new(self.algorithm.capacity() as u32 - 1)
    }

    fn lot(&self) -> ThreadLot<'_> {
        ThreadLot::new(&self.notice)
    }
}

impl<A: Withdraw, F: AsRef<[AtomicBool]>, W: Wait> Seat<'_, A, F, W> {
    /// For an attempt that has succeeded.
    #[inline]
    fn keep(self) -> SlottedGuard {
        let slot = self.slot;
        core::mem::forget(self);
        SlottedGuard::new(slot)
    }
}

impl<A: Withdraw, F: AsRef<[AtomicBool]>, W: Wait> Drop for Seat<'_, A, F, W> {
    #[inline]
    fn drop(&mut self) {
        lease::release();
        // Release: see `sit_down`. Forbids: an access to the slot's registers, or inside, behind it.
        self.lock.busy.as_ref()[self.slot.index()].store(false, Release);
        if self.slot == self.lock.last() {
            self.lock.gate.unlock();
        }
    }
}
