//! The ticket lock for [`lock_api`].

use core::fmt;
use core::marker::PhantomData;
#[cfg(feature = "std")]
use std::time::{Duration, Instant};

use crate::algorithm::{Slot, TicketInHand, TicketQueue};
use crate::attempt::{self, Attempt};
use crate::local::lot::ThreadLot;
#[cfg(feature = "std")]
use crate::wait::Deadline;
use crate::wait::{DefaultWait, Wait};

/// A [`TicketQueue`] as a raw mutex. 16 bytes; first come first served.
pub struct RawTicket<W = DefaultWait> {
    queue: TicketQueue,
    wait: PhantomData<fn() -> W>,
}

/// Tickets need no slots.
const NO_SLOT: Slot = Slot::new(0);

impl<W: Wait> RawTicket<W> {
    /// An unlocked mutex, for use with [`lock_api::Mutex::from_raw`] where the first ticket
    /// matters.
    #[must_use]
    pub const fn new(queue: TicketQueue) -> Self {
        Self { queue, wait: PhantomData }
    }

    #[inline]
    pub(super) fn lock(&self) {
        let hand = TicketInHand::new(&self.queue);
        Attempt::<_, _, W>::enter_when_open(&hand, NO_SLOT, self.lot()).wait();
    }

    #[inline]
    pub(super) fn try_lock(&self) -> bool {
        let hand = TicketInHand::new(&self.queue);
        attempt::try_lock::<_, _, W>(&hand, NO_SLOT, self.lot())
    }

    #[cfg(feature = "std")]
    pub(super) fn lock_until(&self, deadline: &impl Deadline) -> bool {
        let hand = TicketInHand::new(&self.queue);
        Attempt::<_, _, W>::enter_until(&hand, NO_SLOT, self.lot(), deadline)
            .is_some_and(|attempt| attempt.wait_until(deadline))
    }

    /// The caller is inside.
    #[inline]
    pub(super) fn unlock(&self) {
        let hand = TicketInHand::new(&self.queue);
        attempt::leave::<_, _, W>(&hand, NO_SLOT, self.lot());
    }

    #[inline]
    fn lot(&self) -> ThreadLot {
        ThreadLot::of(&self.queue)
    }
}

impl<W> fmt::Debug for RawTicket<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RawTicket").field(&self.queue).finish()
    }
}

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
        self.queue.is_busy()
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
