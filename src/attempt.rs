//! One attempt at a lock: through the doorway, wait, and in; or back out.

use core::marker::PhantomData;

use crate::algorithm::{
    Algorithm, Blocked, DoorwayClosed, Intent, NobodySleeps, Slot, Turn, Withdraw, Withdrawal,
};
use crate::wait::{Deadline, Lot, Never, Wait, Waker};

/// An attempt that has completed the doorway. Dropped before it is in (a timeout, a panic), it is
/// withdrawn.
#[derive(Debug)]
pub(crate) struct Attempt<'a, A: Algorithm + ?Sized, L: Lot + Copy, W: Wait> {
    algorithm: &'a A,
    me: Slot,
    lot: L,
    wait: PhantomData<W>,
}

impl<'a, A: Algorithm + ?Sized, L: Lot + Copy, W: Wait> Attempt<'a, A, L, W> {
    /// The doorway, unless there is a way past the line. `me` has joined, and is not competing.
    #[inline]
    pub(crate) fn enter(
        algorithm: &'a A,
        me: Slot,
        lot: L,
        intent: Intent,
    ) -> Result<Self, DoorwayClosed> {
        if !(A::HAS_GATE && pass::<_, W>(algorithm, me)) {
            algorithm.enter(me, intent, &Waker::<L, W>::new(lot))?;
        }
        Ok(Self::resume(algorithm, me, lot))
    }

    /// The same, for an attempt that stays, waiting until the doorway is open.
    #[inline]
    pub(crate) fn enter_when_open(algorithm: &'a A, me: Slot, lot: L) -> Self {
        loop {
            if let Ok(attempt) = Self::enter(algorithm, me, lot, Intent::Stay) {
                return attempt;
            }
            W::pause();
        }
    }

    /// The same, for an attempt that may be withdrawn, unless the deadline comes first.
    #[cfg_attr(not(feature = "std"), allow(dead_code, reason = "only std has deadlines"))]
    #[inline]
    pub(crate) fn enter_until(
        algorithm: &'a A,
        me: Slot,
        lot: L,
        deadline: &impl Deadline,
    ) -> Option<Self> {
        loop {
            if let Ok(attempt) = Self::enter(algorithm, me, lot, Intent::MayWithdraw) {
                return Some(attempt);
            }
            deadline.left()?;
            W::pause();
        }
    }

    /// An attempt whose doorway was completed before.
    #[inline]
    pub(crate) fn resume(algorithm: &'a A, me: Slot, lot: L) -> Self {
        Self { algorithm, me, lot, wait: PhantomData }
    }

    /// Waits until it is this participant's turn.
    #[inline]
    pub(crate) fn wait(self) {
        if let Turn::Blocked(by) = self.poll() {
            self.wait_long(by);
        }
        core::mem::forget(self);
    }

    /// Out of line: what it needs would have to be laid out by those who need not wait.
    #[inline(never)]
    fn wait_long(&self, by: Blocked) {
        self.pass_time(by, 0, &Never);
        self.wait_for_turn(1, &Never);
    }

    /// Waits until it is this participant's turn or the deadline is over. Whether it is in.
    #[cfg_attr(not(feature = "std"), allow(dead_code, reason = "only std has deadlines"))]
    #[inline]
    pub(crate) fn wait_until(self, deadline: &impl Deadline) -> bool
    where
        A: Withdraw,
    {
        let mine = self.wait_for_turn(0, deadline)
            || self.algorithm.withdraw(self.me, &self.waker()) == Withdrawal::Mine;
        core::mem::forget(self);
        mine
    }

    /// Whether it is this participant's turn.
    #[inline]
    pub(crate) fn poll(&self) -> Turn {
        self.algorithm.poll(self.me, &self.waker())
    }

    /// Waits as long as the reason that a poll gave stands, or until the deadline, or less long.
    /// `waits`: how often this attempt has waited before.
    #[inline]
    pub(crate) fn pass_time(&self, by: Blocked, waits: u32, deadline: &impl Deadline) {
        W::wait(&self.lot, by, waits, || self.algorithm.is_blocked(self.me, by), deadline);
    }

    #[inline]
    fn waker(&self) -> Waker<L, W> {
        Waker::new(self.lot)
    }

    #[inline]
    fn wait_for_turn(&self, mut waits: u32, deadline: &impl Deadline) -> bool {
        while let Turn::Blocked(by) = self.poll() {
            if deadline.left().is_none() {
                return false;
            }
            self.pass_time(by, waits, deadline);
            waits = waits.saturating_add(1);
        }
        true
    }
}

/// Goes in past those in line, if that is possible now or soon. Whether it is in.
///
/// Whoever sleeps in line has to be woken, at the price of some hundred passages.
#[inline]
fn pass<A: Algorithm + ?Sized, W: Wait>(algorithm: &A, me: Slot) -> bool {
    algorithm.try_pass(me) || pass_soon::<_, W>(algorithm, me)
}

#[inline(never)]
fn pass_soon<A: Algorithm + ?Sized, W: Wait>(algorithm: &A, me: Slot) -> bool {
    const LOOKS: u32 = 10;

    (0..LOOKS).any(|_| {
        // Whoever is inside may be waiting for this processor.
        W::give_way();
        algorithm.try_pass(me)
    })
}

/// For those who do the waiting themselves.
#[cfg_attr(
    not(all(feature = "shared", target_os = "linux", not(bakery_lock_no_rmw))),
    allow(dead_code, reason = "processes do")
)]
impl<'a, A: Algorithm + ?Sized, L: Lot + Copy, W: Wait> Attempt<'a, A, L, W> {
    /// The same attempt, asleep elsewhere when it sleeps.
    pub(crate) fn at<M: Lot + Copy>(self, lot: M) -> Attempt<'a, A, M, W> {
        let (algorithm, me) = (self.algorithm, self.me);
        core::mem::forget(self);
        Attempt::resume(algorithm, me, lot)
    }

    /// Ends an attempt that a poll has said to be in.
    #[inline]
    pub(crate) fn complete(self) {
        core::mem::forget(self);
    }

    /// Takes the attempt back, unless that takes waiting.
    pub(crate) fn try_withdraw(self) -> Result<Withdrawal, Self> {
        match self.algorithm.withdraw(self.me, &self.waker()) {
            Withdrawal::TooLate => Err(self),
            outcome => {
                core::mem::forget(self);
                Ok(outcome)
            }
        }
    }

    /// The same, and leaves if the turn came first.
    pub(crate) fn try_step_out(self) -> Result<(), Self> {
        let (algorithm, me, lot) = (self.algorithm, self.me, self.lot);
        if self.try_withdraw()? == Withdrawal::Mine {
            leave::<_, _, W>(algorithm, me, lot);
        }
        Ok(())
    }
}

impl<A: Algorithm + ?Sized, L: Lot + Copy, W: Wait> Drop for Attempt<'_, A, L, W> {
    fn drop(&mut self) {
        let waker = self.waker();
        loop {
            match self.algorithm.withdraw(self.me, &waker) {
                Withdrawal::Done => return,
                Withdrawal::Mine => return self.algorithm.leave(self.me, &waker),
                Withdrawal::TooLate => {
                    self.algorithm.poll(self.me, &waker);
                    W::pause();
                }
            }
        }
    }
}

/// Leaves the critical section.
#[expect(clippy::inline_always, reason = "a call would be a tenth of what leaving a segment takes")]
#[inline(always)]
pub(crate) fn leave<A: Algorithm + ?Sized, L: Lot + Copy, W: Wait>(
    algorithm: &A,
    me: Slot,
    lot: L,
) {
    // Asked in any case: the answer lets the others sleep soundly.
    let wakes = W::SLEEPS && lot.owner_wakes();
    if wakes || !A::HANDS_ON_LAST {
        leave_and_wake::<_, _, W>(algorithm, me, lot);
    } else {
        algorithm.leave(me, &NobodySleeps);
    }
}

#[inline(never)]
fn leave_and_wake<A: Algorithm + ?Sized, L: Lot + Copy, W: Wait>(algorithm: &A, me: Slot, lot: L) {
    algorithm.leave(me, &Waker::<L, W>::new(lot));
}

/// Goes in if nobody is in the way. Whether it is in.
#[inline]
pub(crate) fn try_lock<A: Withdraw + ?Sized, L: Lot + Copy, W: Wait>(
    algorithm: &A,
    me: Slot,
    lot: L,
) -> bool {
    algorithm.try_enter(me, &Waker::<L, W>::new(lot))
}

/// What a participant is about, as far as it knows. It differs from the truth when a guard was
/// leaked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Outside,
    Waiting,
    Inside,
}

/// Ends whatever a participant is about.
pub(crate) fn settle<A: Algorithm + ?Sized, L: Lot + Copy, W: Wait>(
    state: &mut State,
    algorithm: &A,
    me: Slot,
    lot: L,
) {
    match core::mem::replace(state, State::Outside) {
        State::Outside => {}
        State::Waiting => drop(Attempt::<_, _, W>::resume(algorithm, me, lot)),
        State::Inside => leave::<_, _, W>(algorithm, me, lot),
    }
}
