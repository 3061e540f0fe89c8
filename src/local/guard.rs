//! A participant in line, and a participant inside.

use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

use crate::attempt::{self, Attempt, State};
use crate::local::lot::ThreadLot;
use crate::local::{Fixed, Participant};
use crate::wait::Wait;

/// A participant that has been through the doorway and has its place in the line: if that is first come
/// first served, nobody behind it gets in until it has waited and left, or is dropped.
///
/// Dropped, it steps out of the line. That takes no waiting, but for three algorithms: a
/// [`Ticket`](crate::algorithm::Ticket) or [`Bypass`](crate::algorithm::Bypass) 32 tickets or more
/// behind the one served, and a [`Fast`](crate::algorithm::Fast) that met another in the doorway,
/// step out when the line has moved on.
#[must_use = "a participant in line that is dropped steps out of the line"]
pub struct Waiting<'p, 'a, A: Fixed, T: ?Sized, W: Wait> {
    participant: &'p mut Participant<'a, A, T, W>,
}

impl<'p, 'a, A: Fixed, T: ?Sized, W: Wait> Waiting<'p, 'a, A, T, W> {
    /// For a participant that has just been through the doorway.
    #[inline]
    pub(super) fn new(
        participant: &'p mut Participant<'a, A, T, W>,
        attempt: Attempt<'a, A, ThreadLot<'a>, W>,
    ) -> Self {
        core::mem::forget(attempt);
        participant.state = State::Waiting;
        Self { participant }
    }

    /// Waits for this participant's turn.
    #[inline]
    pub fn wait(self) -> Guard<'p, 'a, A, T, W> {
        let this = &mut *core::mem::ManuallyDrop::new(self);
        // SAFETY: `self` is not used or dropped after this, so the participant is borrowed once.
        let participant = unsafe { core::ptr::read(&raw const this.participant) };
        let Participant { lock, slot, .. } = *participant;
        participant.state = State::Outside;
        Attempt::<_, _, W>::resume(&lock.algorithm, slot, lock.lot()).wait();
        Guard::new(participant)
    }
}

impl<A: Fixed, T: ?Sized, W: Wait> Drop for Waiting<'_, '_, A, T, W> {
    fn drop(&mut self) {
        self.participant.settle();
    }
}

impl<A: Fixed, T: ?Sized, W: Wait> fmt::Debug for Waiting<'_, '_, A, T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Waiting").field(self.participant).finish()
    }
}

/// A participant inside: the value is its own until the guard is dropped.
///
/// Not `Send`, as std's is not.
#[must_use = "a guard that is dropped at once releases the lock at once"]
pub struct Guard<'p, 'a, A: Fixed, T: ?Sized, W: Wait> {
    participant: &'p mut Participant<'a, A, T, W>,
    not_send: PhantomData<*const ()>,
}

// SAFETY: a shared guard gives `&T` only.
unsafe impl<A: Fixed + Sync, T: ?Sized + Sync + Send, W: Wait> Sync for Guard<'_, '_, A, T, W> {}

impl<'p, 'a, A: Fixed, T: ?Sized, W: Wait> Guard<'p, 'a, A, T, W> {
    /// For a participant that has just been let in.
    #[inline]
    pub(super) fn new(participant: &'p mut Participant<'a, A, T, W>) -> Self {
        participant.state = State::Inside;
        Self { participant, not_send: PhantomData }
    }
}

impl<A: Fixed, T: ?Sized, W: Wait> Deref for Guard<'_, '_, A, T, W> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the participant is inside until this guard is dropped, so nobody else touches the
        // value.
        unsafe { &*self.participant.lock.data.get() }
    }
}

impl<A: Fixed, T: ?Sized, W: Wait> DerefMut for Guard<'_, '_, A, T, W> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`, and this guard is borrowed mutably.
        unsafe { &mut *self.participant.lock.data.get() }
    }
}

impl<A: Fixed, T: ?Sized, W: Wait> Drop for Guard<'_, '_, A, T, W> {
    #[inline]
    fn drop(&mut self) {
        let Participant { lock, slot, .. } = *self.participant;
        self.participant.state = State::Outside;
        attempt::leave::<A, _, W>(&lock.algorithm, slot, lock.lot());
    }
}

impl<A: Fixed, T: ?Sized + fmt::Debug, W: Wait> fmt::Debug for Guard<'_, '_, A, T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<A: Fixed, T: ?Sized + fmt::Display, W: Wait> fmt::Display for Guard<'_, '_, A, T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}
