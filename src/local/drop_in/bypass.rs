//! The lock that may be passed, for threads.

use core::fmt;
use core::marker::PhantomData;

use crate::algorithm::{Blocked, BypassInHand, BypassPlace, BypassQueue, Slot, Turn};
use crate::atomic::{const_fn, spin_loop};
use crate::attempt::{self, Attempt};
use crate::local::lot::ThreadLot;
use crate::wait::{Deadline, DefaultWait, Lot, Never, Notice, Wait, Waker};

/// A [`BypassQueue`] as a raw mutex. 48 bytes; no thread in line is passed more than `B` times.
///
/// [`unlock_fair`](lock_api::RawMutexFair::unlock_fair) leaves it to whoever is next in line.
pub struct RawBypass<const B: u32, W = DefaultWait> {
    queue: BypassQueue<B>,
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
            Self { queue: BypassQueue::new(), notice: Notice::new(), wait: PhantomData }
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
        if self.try_for_a_while() {
            return;
        }
        let hand = BypassInHand::new(&self.queue);
        let attempt = Attempt::<_, _, W>::enter_when_open(&hand, NO_SLOT, self.lot());
        let mine = wait_in_line(&hand, &attempt, &Never);
        debug_assert!(mine, "there is no deadline");
        attempt.complete();
    }

    #[cfg_attr(not(feature = "std"), allow(dead_code, reason = "only std has deadlines"))]
    pub(crate) fn lock_until(&self, deadline: &impl Deadline) -> bool {
        if self.try_for_a_while() {
            return true;
        }
        let hand = BypassInHand::new(&self.queue);
        let attempt = Attempt::<_, _, W>::enter_until(&hand, NO_SLOT, self.lot(), deadline);
        // An attempt that is out of time is withdrawn when it is dropped.
        attempt.is_some_and(|attempt| {
            let mine = wait_in_line(&hand, &attempt, deadline);
            if mine {
                attempt.complete();
            }
            mine
        })
    }

    /// Before it gets in line: whoever sleeps there has to be woken, at the price of some hundred
    /// passages. Yielding, since whoever is inside may be waiting for this processor.
    fn try_for_a_while(&self) -> bool {
        const LOOKS: u32 = 10;

        (0..LOOKS).any(|_| {
            W::give_way();
            self.queue.try_pass()
        })
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

/// Waits until it is in, or the deadline is over. Whether it is in.
fn wait_in_line<const B: u32, W: Wait>(
    hand: &BypassInHand<'_, B>,
    attempt: &Attempt<'_, BypassInHand<'_, B>, ThreadLot<'_>, W>,
    deadline: &impl Deadline,
) -> bool {
    /// How often the head looks at the gate before it sleeps, and how long it lets others pass in
    /// between: a look hinders whoever is inside, and once the head is in the next has to be woken.
    const LOOKS: u32 = 20;
    const PATIENCE: u32 = 100;

    let mut looks = 0;
    while let Turn::Blocked(by) = attempt.poll() {
        if deadline.left().is_none() {
            return false;
        }
        if matches!(hand.place(), BypassPlace::Head(_)) && looks < LOOKS {
            looks += 1;
            (0..PATIENCE).for_each(|_| spin_loop());
        } else {
            // It has spun enough; and those behind the head are far from being next.
            attempt.pass_time(Blocked { next: false, ..by }, deadline);
        }
    }
    true
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
