//! The two roles of a lock for two, as types.

use core::fmt::Debug;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

use crate::algorithm::{GiveWay, Peterson};
use crate::local::{Lock, Participant};
use crate::wait::{DefaultWait, Wait};

/// The role of slot 0.
#[derive(Clone, Copy, Debug)]
pub enum Left {}

/// The role of slot 1.
#[derive(Clone, Copy, Debug)]
pub enum Right {}

/// One of the two participants of a Peterson lock, with its role in its type: a function that is to run on one of two
/// cores can ask for that core's half.
#[derive(Debug)]
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

impl<'a, Role, G: GiveWay, T: ?Sized, W: Wait> Deref for Half<'a, Role, G, T, W> {
    type Target = Participant<'a, Peterson<G>, T, W>;

    fn deref(&self) -> &Self::Target {
        &self.participant
    }
}

impl<Role, G: GiveWay, T: ?Sized, W: Wait> DerefMut for Half<'_, Role, G, T, W> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.participant
    }
}
