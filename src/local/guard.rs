//! A participant in line, and a participant inside.

use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;

use crate::attempt::{Attempt, State};
use crate::local::Fixed;
use crate::local::inner::{Inner, Seat};
use crate::local::lot::ThreadLot;
use crate::wait::{DefaultWait, Wait};

/// A participant that has been through the doorway and has its place in the line: if that is first come
/// first served, nobody behind it gets in until it has waited and left, or is dropped.
///
/// Dropped, it steps out of the line. That takes no waiting, but for a [`Fast`](crate::algorithm::Fast)
/// that met another in the doorway: it steps out when the line has moved on. With a
/// [`Ticket`](crate::algorithm::Ticket) the slot's next attempt takes the place up again, until its turn
/// has come.
#[must_use = "a participant in line that is dropped steps out of the line"]
pub struct Waiting<'p, A: Fixed, T: ?Sized, W: Wait = DefaultWait> {
    inner: &'p Inner<A>,
    seat: &'p mut Seat,
    data: NonNull<T>,
    value: PhantomData<&'p mut T>,
    wait: PhantomData<fn() -> W>,
}

// SAFETY: the value is not touched before the wait is over; whoever then has the guard has the value,
// which may be sent. The participant is borrowed for itself alone.
unsafe impl<A: Fixed + Sync, T: ?Sized + Send, W: Wait> Send for Waiting<'_, A, T, W> {}

// SAFETY: shared, it does nothing but show its slot.
unsafe impl<A: Fixed + Sync, T: ?Sized + Send, W: Wait> Sync for Waiting<'_, A, T, W> {}

impl<'p, A: Fixed, T: ?Sized, W: Wait> Waiting<'p, A, T, W> {
    /// For a participant that has just been through the doorway.
    #[inline]
    pub(super) fn new(
        inner: &'p Inner<A>,
        seat: &'p mut Seat,
        data: NonNull<T>,
        attempt: Attempt<'_, A, ThreadLot<'_>, W>,
    ) -> Self {
        core::mem::forget(attempt);
        seat.state = State::Waiting;
        Self { inner, seat, data, value: PhantomData, wait: PhantomData }
    }

    /// Waits for this participant's turn.
    #[inline]
    pub fn wait(self) -> Guard<'p, A, T, W> {
        let this = ManuallyDrop::new(self);
        // SAFETY: `this` is not used or dropped after this, so the seat is borrowed once.
        let seat = unsafe { core::ptr::read(&raw const this.seat) };
        let inner = this.inner;
        seat.state = State::Outside;
        Attempt::<_, _, W>::resume(&inner.algorithm, seat.slot, inner.lot()).wait();
        // SAFETY: let in just now.
        unsafe { Guard::new(inner, seat, this.data) }
    }
}

impl<A: Fixed, T: ?Sized, W: Wait> Drop for Waiting<'_, A, T, W> {
    fn drop(&mut self) {
        self.seat.settle::<_, W>(self.inner);
    }
}

impl<A: Fixed, T: ?Sized, W: Wait> fmt::Debug for Waiting<'_, A, T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting").field("slot", &self.seat.slot.index()).finish_non_exhaustive()
    }
}

/// A participant inside: the value, or the part of it that [`map`](Self::map) has chosen, is its own
/// until the guard is dropped.
///
/// It may be sent to another thread, which std's may not: the slot is the participant's, not the
/// thread's, and whatever sends the guard orders what the one thread did before what the other does.
#[must_use = "a guard that is dropped at once releases the lock at once"]
pub struct Guard<'p, A: Fixed, T: ?Sized, W: Wait = DefaultWait> {
    inner: &'p Inner<A>,
    seat: &'p mut Seat,
    data: NonNull<T>,
    value: PhantomData<&'p mut T>,
    wait: PhantomData<fn() -> W>,
}

// SAFETY: it is an exclusive borrow of the value, which may be sent, and of the participant.
unsafe impl<A: Fixed + Sync, T: ?Sized + Send, W: Wait> Send for Guard<'_, A, T, W> {}

// SAFETY: a shared guard gives `&T` only.
unsafe impl<A: Fixed + Sync, T: ?Sized + Sync + Send, W: Wait> Sync for Guard<'_, A, T, W> {}

impl<'p, A: Fixed, T: ?Sized, W: Wait> Guard<'p, A, T, W> {
    /// # Safety
    ///
    /// The participant of `seat` has just been let into `inner`, of which `data` is the value or a part
    /// of it.
    #[inline]
    pub(super) unsafe fn new(inner: &'p Inner<A>, seat: &'p mut Seat, data: NonNull<T>) -> Self {
        seat.state = State::Inside;
        Self { inner, seat, data, value: PhantomData, wait: PhantomData }
    }

    /// A guard of a part of what this one is a guard of. To be called as `Guard::map`.
    ///
    /// ```
    /// use bakery_lock::{Guard, Lock, algorithm::Bakery};
    ///
    /// let lock: Lock<Bakery<2>, (u32, String)> = Lock::default();
    /// let mut me = lock.join().unwrap();
    /// let mut text = Guard::map(me.lock(), |both| &mut both.1);
    /// text.push('a');
    /// drop(text);
    /// assert_eq!(me.lock().1, "a");
    /// ```
    pub fn map<U: ?Sized>(
        mut guard: Self,
        part: impl FnOnce(&mut T) -> &mut U,
    ) -> Guard<'p, A, U, W> {
        let data = NonNull::from(part(&mut guard));
        guard.of_part(data)
    }

    /// The same, if there is such a part.
    ///
    /// # Errors
    ///
    /// The guard itself if there is none.
    pub fn try_map<U: ?Sized>(
        mut guard: Self,
        part: impl FnOnce(&mut T) -> Option<&mut U>,
    ) -> Result<Guard<'p, A, U, W>, Self> {
        match part(&mut guard).map(NonNull::from) {
            Some(data) => Ok(guard.of_part(data)),
            None => Err(guard),
        }
    }

    fn of_part<U: ?Sized>(self, data: NonNull<U>) -> Guard<'p, A, U, W> {
        let this = ManuallyDrop::new(self);
        // SAFETY: `this` is not used or dropped after this, so the seat is borrowed once.
        let seat = unsafe { core::ptr::read(&raw const this.seat) };
        Guard { inner: this.inner, seat, data, value: PhantomData, wait: PhantomData }
    }
}

impl<A: Fixed, T: ?Sized, W: Wait> Drop for Guard<'_, A, T, W> {
    #[inline]
    fn drop(&mut self) {
        self.seat.leave::<_, W>(self.inner);
    }
}

/// What any guard does as a pointer to what it guards.
macro_rules! points_to_its_value {
    ([$($parameters:tt)*] $guard:ty, $value:ident) => {
        impl<$($parameters)*> Deref for $guard {
            type Target = $value;

            #[inline]
            fn deref(&self) -> &$value {
                // SAFETY: the participant is inside until this guard is dropped, so nobody else touches
                // the value.
                unsafe { self.data.as_ref() }
            }
        }

        impl<$($parameters)*> DerefMut for $guard {
            #[inline]
            fn deref_mut(&mut self) -> &mut $value {
                // SAFETY: as in `deref`, and this guard is borrowed mutably.
                unsafe { self.data.as_mut() }
            }
        }

        impl<$($parameters)*> fmt::Debug for $guard
        where
            $value: fmt::Debug,
        {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&**self, f)
            }
        }

        impl<$($parameters)*> fmt::Display for $guard
        where
            $value: fmt::Display,
        {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&**self, f)
            }
        }
    };
}

points_to_its_value! { [A: Fixed, T: ?Sized, W: Wait] Guard<'_, A, T, W>, T }
#[cfg(feature = "std")]
points_to_its_value! {
    [A: Fixed, T: ?Sized, W: Wait, U: ?Sized] owned::OwnedGuard<A, T, W, U>, U
}

#[cfg(feature = "std")]
pub(super) mod owned {
    use core::marker::PhantomData;
    use core::ptr::NonNull;

    use crate::local::{Fixed, OwnedParticipant};
    use crate::wait::{DefaultWait, Wait};

    /// A participant inside, and the participant itself: a guard without a lifetime. `U` is the part of
    /// the value `T` that [`map`](Self::map) has chosen.
    ///
    /// It may be sent to another thread, as a [`Guard`](crate::Guard) may, and for the same reason.
    /// Dropped, it releases the lock and leaves it; [`release`](Self::release) gives the participant
    /// back instead.
    #[must_use = "a guard that is dropped at once releases the lock at once"]
    pub struct OwnedGuard<A: Fixed, T: ?Sized, W: Wait = DefaultWait, U: ?Sized = T> {
        /// Inside; so it leaves the critical section when it is dropped.
        participant: OwnedParticipant<A, T, W>,
        pub(super) data: NonNull<U>,
        of: PhantomData<*mut U>,
    }

    // SAFETY: the participant and the part of the value may be sent, and are this guard's alone.
    unsafe impl<A: Fixed + Send + Sync, T: ?Sized + Send, W: Wait, U: ?Sized + Send> Send
        for OwnedGuard<A, T, W, U>
    {
    }

    // SAFETY: a shared guard gives `&U` only.
    unsafe impl<A: Fixed + Send + Sync, T: ?Sized + Send, W: Wait, U: ?Sized + Sync + Send> Sync
        for OwnedGuard<A, T, W, U>
    {
    }

    impl<A: Fixed, T: ?Sized, W: Wait, U: ?Sized> OwnedGuard<A, T, W, U> {
        /// # Safety
        ///
        /// The participant is inside, and `data` is the value of its lock or a part of it.
        pub(in crate::local) unsafe fn new(
            participant: OwnedParticipant<A, T, W>,
            data: NonNull<U>,
        ) -> Self {
            Self { participant, data, of: PhantomData }
        }

        /// Releases the lock and gives the participant back, for its next attempt. To be called as
        /// `OwnedGuard::release`.
        #[expect(clippy::must_use_candidate, reason = "it may leave as well")]
        pub fn release(guard: Self) -> OwnedParticipant<A, T, W> {
            let mut participant = guard.participant;
            participant.seat.leave::<_, W>(&participant.lock.inner);
            participant
        }

        /// A guard of a part of what this one is a guard of. To be called as `OwnedGuard::map`.
        pub fn map<V: ?Sized>(
            mut guard: Self,
            part: impl FnOnce(&mut U) -> &mut V,
        ) -> OwnedGuard<A, T, W, V> {
            let data = NonNull::from(part(&mut guard));
            OwnedGuard { participant: guard.participant, data, of: PhantomData }
        }

        /// The same, if there is such a part.
        ///
        /// # Errors
        ///
        /// The guard itself if there is none.
        pub fn try_map<V: ?Sized>(
            mut guard: Self,
            part: impl FnOnce(&mut U) -> Option<&mut V>,
        ) -> Result<OwnedGuard<A, T, W, V>, Self> {
            match part(&mut guard).map(NonNull::from) {
                Some(data) => {
                    Ok(OwnedGuard { participant: guard.participant, data, of: PhantomData })
                }
                None => Err(guard),
            }
        }
    }
}
