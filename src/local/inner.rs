//! What a lock is but for its value, and what a participant has of it.

use crate::algorithm::Slot;
use crate::attempt::{self, State};
use crate::local::Fixed;
use crate::local::lot::ThreadLot;
use crate::wait::{Notice, Wait};

/// A lock without a value.
pub(super) struct Inner<A: Fixed> {
    pub(super) taken: A::Flags,
    pub(super) notice: Notice,
    pub(super) algorithm: A,
}

impl<A: Fixed> Inner<A> {
    pub(super) const fn new() -> Self {
        Self { taken: A::NO_FLAGS, notice: Notice::new(), algorithm: A::INIT }
    }

    #[inline]
    pub(super) fn lot(&self) -> ThreadLot<'_> {
        ThreadLot::new(&self.notice)
    }
}

/// A slot, and what its participant is about.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) slot: Slot,
    pub(super) state: State,
}

impl Seat {
    /// Ends whatever the participant is about: what a leaked guard or a leaked place in the line has
    /// left behind.
    #[inline]
    pub(super) fn settle<A: Fixed, W: Wait>(&mut self, inner: &Inner<A>) {
        if self.state != State::Outside {
            let (algorithm, lot) = (&inner.algorithm, inner.lot());
            attempt::settle::<_, _, W>(&mut self.state, algorithm, self.slot, lot);
        }
    }

    /// Leaves the critical section.
    #[inline]
    pub(super) fn leave<A: Fixed, W: Wait>(&mut self, inner: &Inner<A>) {
        self.state = State::Outside;
        attempt::leave::<A, _, W>(&inner.algorithm, self.slot, inner.lot());
    }
}
