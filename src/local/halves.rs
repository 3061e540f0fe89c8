//! The two roles of a lock for two, as types.

use core::fmt;
use core::marker::PhantomData;
#[cfg(feature = "std")]
use std::time::{Duration, Instant};

use crate::algorithm::{GiveWay, Peterson, Slot};
use crate::local::{Guard, Lock, Participant, Waiting};
use crate::wait::{DefaultWait, Wait};

/// The role of slot 0.
#[derive(Clone, Copy, Debug)]
pub enum Left {}

/// The role of slot 1.
#[derive(Clone, Copy, Debug)]
pub enum Right {}

/// One of the two participants of a Peterson lock, with its role in its type: a function that is to
/// run on one of two cores can ask for that core's half.
pub struct Half<'a, Role, G: GiveWay, T: ?Sized, W: Wait = DefaultWait> {
    participant: Participant<'a, Peterson<G>, T, W>,
    role: PhantomData<fn() -> Role>,
}

impl<G: GiveWay, T: ?Sized, W: Wait> Lock<Peterson<G>, T, W> {
    /// Both participants.
    ///
    /// ```
    /// use bakery_lock::algorithm::{Fenced, Peterson};
    /// use bakery_lock::{Half, Left, Lock, Right};
    ///
    /// fn core_0(mut half: Half<Left, Fenced, [u32; 2]>) { half.lock()[0] += 1; }
    /// fn core_1(mut half: Half<Right, Fenced, [u32; 2]>) { half.lock()[1] += 1; }
    ///
    /// let mut lock: Lock<Peterson, [u32; 2]> = Lock::new([0, 0]);
    /// let (left, right) = lock.halves();
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| core_0(left));
    ///     scope.spawn(|| core_1(right));
    /// });
    /// assert_eq!(lock.into_inner(), [1, 1]);
    /// ```
    #[expect(clippy::type_complexity, reason = "two types that differ in their role")]
    pub fn halves(&mut self) -> (Half<'_, Left, G, T, W>, Half<'_, Right, G, T, W>) {
        let lock = self.anew();
        (
            Half { participant: lock.take(0), role: PhantomData },
            Half { participant: lock.take(1), role: PhantomData },
        )
    }
}

/// What a [`Participant`] does. The participant itself is not handed out, lest two halves swap
/// their roles.
impl<Role, G: GiveWay, T: ?Sized, W: Wait> Half<'_, Role, G, T, W> {
    /// See [`Participant::slot`].
    #[must_use]
    pub fn slot(&self) -> Slot {
        self.participant.slot()
    }

    /// See [`Participant::lock`].
    #[inline]
    pub fn lock(&mut self) -> Guard<'_, Peterson<G>, T, W> {
        self.participant.lock()
    }

    /// See [`Participant::enter`].
    #[inline]
    pub fn enter(&mut self) -> Waiting<'_, Peterson<G>, T, W> {
        self.participant.enter()
    }

    /// See [`Participant::try_lock`].
    #[inline]
    pub fn try_lock(&mut self) -> Option<Guard<'_, Peterson<G>, T, W>> {
        self.participant.try_lock()
    }

    /// See [`Participant::lock_for`].
    #[cfg(feature = "std")]
    pub fn lock_for(&mut self, timeout: Duration) -> Option<Guard<'_, Peterson<G>, T, W>> {
        self.participant.lock_for(timeout)
    }

    /// See [`Participant::lock_until`].
    #[cfg(feature = "std")]
    pub fn lock_until(&mut self, deadline: Instant) -> Option<Guard<'_, Peterson<G>, T, W>> {
        self.participant.lock_until(deadline)
    }
}

impl<Role, G: GiveWay, T: ?Sized, W: Wait> fmt::Debug for Half<'_, Role, G, T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Half").field(&self.participant).finish()
    }
}
