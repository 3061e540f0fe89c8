//! The ticket lock, for threads that come without a slot.

use core::fmt;
use core::marker::PhantomData;

use crate::algorithm::{Slot, TicketInHand, TicketQueue};
use crate::atomic::const_fn;
use crate::attempt::{self, Attempt};
use crate::local::lot::ThreadLot;
use crate::local::rows::{Rows, room};
use crate::wait::{Deadline, DefaultWait, Notice, Wait};

/// A [`TicketQueue`] as a raw mutex. 56 bytes; first come first served.
pub struct RawTicket<W = DefaultWait> {
    queue: TicketQueue<Rows>,
    notice: Notice,
    wait: PhantomData<fn() -> W>,
}

/// Tickets need no slots.
const NO_SLOT: Slot = Slot::new(0);

impl<W: Wait> RawTicket<W> {
    const_fn! {
        /// An unlocked mutex.
        #[must_use]
        pub const fn new() -> Self {
            Self::starting_at(0)
        }

        /// An unlocked mutex that serves this ticket first, for use with
        /// [`lock_api::Mutex::from_raw`]: to watch tickets wrap, for instance.
        #[must_use]
        pub const fn starting_at(first: u64) -> Self {
            let queue = TicketQueue::with_room(first, room());
            Self { queue, notice: Notice::new(), wait: PhantomData }
        }
    }

    #[inline]
    pub(crate) fn lock(&self) {
        let ticket = self.queue.take();
        if !self.queue.serves(ticket) {
            self.wait(ticket);
        }
    }

    /// Out of line: a hand that is pointed to would have to be laid out in memory by those who need
    /// not wait.
    #[inline(never)]
    fn wait(&self, ticket: u64) {
        let hand = TicketInHand::holding(&self.queue, ticket);
        Attempt::<_, _, W>::resume(&hand, NO_SLOT, self.lot()).wait();
    }

    #[inline]
    pub(crate) fn try_lock(&self) -> bool {
        let hand = TicketInHand::new(&self.queue);
        attempt::try_lock::<_, _, W>(&hand, NO_SLOT, self.lot())
    }

    #[cfg_attr(not(feature = "std"), allow(dead_code, reason = "only std has deadlines"))]
    pub(crate) fn lock_until(&self, deadline: &impl Deadline) -> bool {
        let hand = TicketInHand::new(&self.queue);
        Attempt::<_, _, W>::enter_until(&hand, NO_SLOT, self.lot(), deadline)
            .is_some_and(|attempt| attempt.wait_until(deadline))
    }

    /// The caller is inside.
    #[inline]
    pub(crate) fn unlock(&self) {
        let hand = TicketInHand::new(&self.queue);
        attempt::leave::<_, _, W>(&hand, NO_SLOT, self.lot());
    }

    /// Whether anybody is inside or in line.
    #[inline]
    pub(crate) fn is_locked(&self) -> bool {
        self.queue.is_busy()
    }

    #[inline]
    fn lot(&self) -> ThreadLot<'_> {
        ThreadLot::new(&self.notice)
    }
}

impl<W: Wait> Default for RawTicket<W> {
    fn default() -> Self {
        Self::new()
    }
}

impl<W> fmt::Debug for RawTicket<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RawTicket").field(&self.queue).finish()
    }
}
