//! The lock that may be passed, for threads.

use core::fmt;
use core::marker::PhantomData;

use crate::algorithm::{BypassInHand, BypassQueue, Slot};
use crate::atomic::const_fn;
use crate::attempt::{self, Attempt};
use crate::local::lot::ThreadLot;
use crate::local::rows::{Rows, room};
use crate::wait::{Deadline, DefaultWait, Lot, Notice, Wait, Waker};

/// A [`BypassQueue`] as a raw mutex. 72 bytes; no thread in line is passed more than `B` times.
///
/// [`unlock_fair`](lock_api::RawMutexFair::unlock_fair) leaves it to whoever is next in line.
///
/// Whoever gives up at a deadline, and comes again, stands at the end of the line. The first in line is
/// sure to get in if its time is that of half of `B` passages and one more; with less it may never.
pub struct RawBypass<const B: u32, W = DefaultWait> {
    queue: BypassQueue<B, Rows>,
    notice: Notice,
    wait: PhantomData<fn() -> W>,
}

/// Attempts need no slots.
const NO_SLOT: Slot = Slot::new(0);

impl<const B: u32, W: Wait> RawBypass<B, W> {
    const_fn! {
        /// An unlocked mutex.
        #[must_use]
        pub const fn new() -> Self {
            Self { queue: BypassQueue::with_room(room()), notice: Notice::new(), wait: PhantomData }
        }
    }

    #[inline]
    pub(crate) fn lock(&self) {
        if !self.queue.try_pass() {
            self.wait();
        }
    }

    #[inline]
    pub(crate) fn try_lock(&self) -> bool {
        let hand = BypassInHand::new(&self.queue);
        attempt::try_lock::<_, _, W>(&hand, NO_SLOT, self.lot())
    }

    #[inline(never)]
    fn wait(&self) {
        let hand = BypassInHand::new(&self.queue);
        Attempt::<_, _, W>::enter_when_open(&hand, NO_SLOT, self.lot()).wait();
    }

    #[cfg_attr(not(feature = "std"), allow(dead_code, reason = "only std has deadlines"))]
    pub(crate) fn lock_until(&self, deadline: &impl Deadline) -> bool {
        let hand = BypassInHand::new(&self.queue);
        let attempt = Attempt::<_, _, W>::enter_until(&hand, NO_SLOT, self.lot(), deadline);
        attempt.is_some_and(|attempt| attempt.wait_until(deadline))
    }

    /// The caller is inside.
    #[inline]
    pub(crate) fn unlock(&self) {
        let hand = BypassInHand::new(&self.queue);
        attempt::leave::<_, _, W>(&hand, NO_SLOT, self.lot());
    }

    /// The caller is inside; whoever is next in line is so after it.
    pub(crate) fn unlock_fair(&self) {
        self.lot().owner_wakes();
        self.queue.leave_to_line(&Waker::<_, W>::new(self.lot()));
    }

    /// Whether anybody is inside.
    #[inline]
    pub(crate) fn is_locked(&self) -> bool {
        self.queue.is_held()
    }

    #[inline]
    fn lot(&self) -> ThreadLot<'_> {
        ThreadLot::new(&self.notice)
    }
}

impl<const B: u32, W: Wait> Default for RawBypass<B, W> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const B: u32, W> fmt::Debug for RawBypass<B, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RawBypass").field(&self.queue).finish()
    }
}
