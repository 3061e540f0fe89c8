//! The participants of a lock, which hold it by a reference or by an `Arc`.

use core::fmt;
use core::marker::PhantomData;
use core::ptr::NonNull;
#[cfg(feature = "std")]
use std::sync::Arc;
#[cfg(feature = "std")]
use std::time::{Duration, Instant};

use crate::algorithm::{Slot, Withdraw};
use crate::attempt::{self, Attempt, State};
#[cfg(all(target_has_atomic = "8", not(bakery_lock_no_rmw)))]
use crate::local::Full;
#[cfg(feature = "std")]
use crate::local::OwnedGuard;
use crate::local::inner::{Inner, Seat};
use crate::local::{Fixed, Guard, Lock, Waiting, taken};
use crate::wait::{DefaultWait, Wait};

impl<A: Fixed, T: ?Sized, W: Wait> Lock<A, T, W> {
    /// Becomes a participant.
    ///
    /// # Errors
    ///
    /// [`Full`] if every slot has a participant.
    #[cfg(all(target_has_atomic = "8", not(bakery_lock_no_rmw)))]
    pub fn join(&self) -> Result<Participant<'_, A, T, W>, Full> {
        Participant::join(self)
    }

    /// Becomes a participant that holds the `Arc`, and so needs no lifetime: it can live in a struct
    /// beside its lock, come back from a function, and move to any thread.
    ///
    /// ```
    /// use bakery_lock::algorithm::Bakery;
    /// use bakery_lock::{Full, Lock, OwnedParticipant};
    /// use std::sync::Arc;
    ///
    /// struct Counter {
    ///     me: OwnedParticipant<Bakery<4>, u32>,
    /// }
    ///
    /// fn counter(total: &Arc<Lock<Bakery<4>, u32>>) -> Result<Counter, Full> {
    ///     Ok(Counter { me: total.join_owned()? })
    /// }
    ///
    /// let total = Arc::new(Lock::new(0));
    /// let mut counter = counter(&total)?;
    /// std::thread::spawn(move || *counter.me.lock() += 1).join().unwrap();
    /// assert_eq!(*total.join()?.lock(), 1);
    /// # Ok::<_, Full>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Full`] if every slot has a participant.
    #[cfg(all(feature = "std", target_has_atomic = "8", not(bakery_lock_no_rmw)))]
    pub fn join_owned(self: &Arc<Self>) -> Result<OwnedParticipant<A, T, W>, Full> {
        Participant::join(self.clone())
    }

    /// Makes every slot a participant at once. It needs no read-modify-write, so it is there on
    /// every target. What participants that were leaked left behind ends here.
    ///
    /// ```
    /// use bakery_lock::{Lock, algorithm::BlackWhite};
    ///
    /// let mut lock: Lock<BlackWhite<2>, u32> = Lock::new(0);
    /// for mut participant in lock.split() {
    ///     *participant.lock() += 1;
    /// }
    /// assert_eq!(lock.into_inner(), 2);
    /// ```
    pub fn split(&mut self) -> impl Iterator<Item = Participant<'_, A, T, W>> {
        let lock = self.anew();
        (0..lock.capacity()).map(|index| lock.take(index))
    }

    /// The lock as it was made, but for the value. Participants can only have been leaked, and what
    /// they left behind ends here.
    pub(super) fn anew(&mut self) -> &Self {
        (self.inner.algorithm, self.inner.taken) = (A::INIT, A::NO_FLAGS);
        self
    }

    /// The participant of a slot that nobody contends for.
    pub(super) fn take(&self, index: usize) -> Participant<'_, A, T, W> {
        taken::take(self.inner.taken.as_ref(), index);
        Participant::of_slot(self, index)
    }
}

/// How a participant holds its lock. The lock is the same each time.
pub trait Hold<A: Fixed, T: ?Sized, W: Wait> {
    /// The lock.
    fn held(&self) -> &Lock<A, T, W>;
}

impl<A: Fixed, T: ?Sized, W: Wait> Hold<A, T, W> for &Lock<A, T, W> {
    #[inline]
    fn held(&self) -> &Lock<A, T, W> {
        self
    }
}

#[cfg(feature = "std")]
impl<A: Fixed, T: ?Sized, W: Wait> Hold<A, T, W> for Arc<Lock<A, T, W>> {
    #[inline]
    fn held(&self) -> &Lock<A, T, W> {
        self
    }
}

/// One participant of a [`Lock`]: it owns a slot until it is dropped.
///
/// Locking takes `&mut self`, so a participant cannot wait for itself (though a thread with two of them
/// can):
///
/// ```compile_fail,E0499
/// # use bakery_lock::{Lock, algorithm::Bakery};
/// # let lock: Lock<Bakery<2>, u32> = Lock::new(0);
/// let mut me = lock.join().unwrap();
/// let first = me.lock();
/// let second = me.lock();
/// drop(first);
/// ```
///
/// A guard that was leaked ([`core::mem::forget`]) keeps the lock, and a leaked [`Waiting`] its place,
/// until its participant locks again or is dropped. A participant that was leaked keeps its slot, and
/// what it held, until [`Lock::split`] or [`Lock::halves`].
///
/// `H` is how it holds its lock: by a reference, or, as an [`OwnedParticipant`], by an `Arc`.
pub struct Participant<'a, A, T, W = DefaultWait, H = &'a Lock<A, T, W>>
where
    A: Fixed,
    T: ?Sized,
    W: Wait,
    H: Hold<A, T, W>,
{
    pub(super) lock: H,
    pub(super) seat: Seat,
    #[expect(clippy::type_complexity, reason = "no value, and no bounds on what it is of")]
    of: PhantomData<(&'a (), fn() -> *const Lock<A, T, W>)>,
}

/// A [`Participant`] that holds the `Arc` of its lock: what [`Lock::join_owned`] gives.
#[cfg(feature = "std")]
pub type OwnedParticipant<A, T, W = DefaultWait> =
    Participant<'static, A, T, W, Arc<Lock<A, T, W>>>;

impl<A: Fixed, T: ?Sized, W: Wait, H: Hold<A, T, W>> Participant<'_, A, T, W, H> {
    /// In the first slot that nobody has.
    #[cfg(all(target_has_atomic = "8", not(bakery_lock_no_rmw)))]
    fn join(lock: H) -> Result<Self, Full> {
        let index = taken::take_first(lock.held().inner.taken.as_ref());
        let index = index.ok_or(Full(lock.held().capacity()))?;
        Ok(Self::of_slot(lock, index))
    }

    /// In a slot whose flag the caller has just set.
    fn of_slot(lock: H, index: usize) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "slots are numbered in 32 bits")]
        let slot = Slot::new(index as u32);
        lock.held().inner.algorithm.join(slot);
        Self { lock, seat: Seat { slot, state: State::Outside }, of: PhantomData }
    }

    /// Waits for this participant's turn.
    #[inline]
    pub fn lock(&mut self) -> Guard<'_, A, T, W> {
        let (inner, seat, data) = self.settled();
        Attempt::<_, _, W>::enter_when_open(&inner.algorithm, seat.slot, inner.lot()).wait();
        // SAFETY: let in just now.
        unsafe { Guard::new(inner, seat, data) }
    }

    /// Goes through the doorway and comes back before the wait: from here on this participant has
    /// its place in the line.
    ///
    /// ```
    /// use bakery_lock::{Lock, algorithm::Ticket};
    ///
    /// let lock: Lock<Ticket<2>, Vec<u32>> = Lock::default();
    /// let (mut first, mut second) = (lock.join().unwrap(), lock.join().unwrap());
    /// let has_its_place = first.enter();
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| second.lock().push(2));
    ///     // However long this one takes.
    ///     has_its_place.wait().push(1);
    /// });
    /// assert_eq!(*first.lock(), [1, 2]);
    /// ```
    #[inline]
    pub fn enter(&mut self) -> Waiting<'_, A, T, W> {
        let (inner, seat, data) = self.settled();
        let attempt = Attempt::enter_when_open(&inner.algorithm, seat.slot, inner.lot());
        Waiting::new(inner, seat, data, attempt)
    }

    /// Takes the lock if nobody is in it or in line for it; with
    /// [`Bypass`](crate::algorithm::Bypass) it may pass those in line.
    ///
    /// Of two that try at the same moment both may fail, but for [`Ticket`](crate::algorithm::Ticket)
    /// and [`Bypass`](crate::algorithm::Bypass). A failed attempt orders nothing.
    #[inline]
    pub fn try_lock(&mut self) -> Option<Guard<'_, A, T, W>>
    where
        A: Withdraw,
    {
        let (inner, seat, data) = self.settled();
        attempt::try_lock::<A, _, W>(&inner.algorithm, seat.slot, inner.lot())
            // SAFETY: let in just now.
            .then(|| unsafe { Guard::new(inner, seat, data) })
    }

    /// Waits for this participant's turn, but not longer than this (without end, if that is later than an
    /// [`Instant`] can say). A free lock is taken even with a timeout of zero.
    ///
    /// ```
    /// use bakery_lock::{Lock, algorithm::Bakery};
    /// use std::time::Duration;
    ///
    /// let lock: Lock<Bakery<2>, u32> = Lock::new(0);
    /// let (mut me, mut other) = (lock.join().unwrap(), lock.join().unwrap());
    /// let inside = me.lock();
    /// assert!(other.try_lock().is_none());
    /// assert!(other.lock_for(Duration::from_millis(1)).is_none());
    /// drop(inside);
    /// assert!(other.lock_for(Duration::ZERO).is_some());
    /// ```
    #[cfg(feature = "std")]
    pub fn lock_for(&mut self, timeout: Duration) -> Option<Guard<'_, A, T, W>>
    where
        A: Withdraw,
    {
        match Instant::now().checked_add(timeout) {
            Some(deadline) => self.lock_until(deadline),
            None => Some(self.lock()),
        }
    }

    /// Waits for this participant's turn until then. A free lock is taken even after that.
    #[cfg(feature = "std")]
    pub fn lock_until(&mut self, deadline: Instant) -> Option<Guard<'_, A, T, W>>
    where
        A: Withdraw,
    {
        let (inner, seat, data) = self.settled();
        Attempt::<_, _, W>::enter_until(&inner.algorithm, seat.slot, inner.lot(), &deadline)?
            .wait_until(&deadline)
            // SAFETY: let in just now.
            .then(|| unsafe { Guard::new(inner, seat, data) })
    }

    /// The slot that this participant owns.
    #[must_use]
    pub fn slot(&self) -> Slot {
        self.seat.slot
    }

    /// Its parts, after what a leaked guard or a leaked [`Waiting`] has left behind has ended.
    #[inline]
    fn settled(&mut self) -> (&Inner<A>, &mut Seat, NonNull<T>) {
        let lock = self.lock.held();
        self.seat.settle::<_, W>(&lock.inner);
        (&lock.inner, &mut self.seat, data(lock))
    }
}

#[inline]
fn data<A: Fixed, T: ?Sized, W>(lock: &Lock<A, T, W>) -> NonNull<T> {
    // SAFETY: the address of a field.
    unsafe { NonNull::new_unchecked(lock.data.get()) }
}

/// Locking for good, for as long as the guard lives: the participant goes into the guard, and comes back
/// out of it by [`OwnedGuard::release`].
#[cfg(feature = "std")]
impl<A: Fixed, T: ?Sized, W: Wait> OwnedParticipant<A, T, W> {
    /// Waits for this participant's turn.
    ///
    /// ```
    /// use bakery_lock::algorithm::Bakery;
    /// use bakery_lock::{Lock, OwnedGuard};
    /// use std::sync::Arc;
    ///
    /// fn inside(lock: &Arc<Lock<Bakery<2>, Vec<u32>>>) -> OwnedGuard<Bakery<2>, Vec<u32>> {
    ///     lock.join_owned().expect("room for two").lock_owned()
    /// }
    ///
    /// let mut guard = inside(&Arc::default());
    /// guard.push(1);
    /// let mut me = OwnedGuard::release(guard);
    /// assert_eq!(*me.lock(), [1]);
    /// ```
    pub fn lock_owned(mut self) -> OwnedGuard<A, T, W> {
        core::mem::forget(self.lock());
        self.into_guard()
    }

    /// Takes the lock as [`try_lock`](Participant::try_lock) does.
    ///
    /// # Errors
    ///
    /// The participant itself if it did not get in, for another attempt.
    pub fn try_lock_owned(mut self) -> Result<OwnedGuard<A, T, W>, Self>
    where
        A: Withdraw,
    {
        match self.try_lock().map(core::mem::forget) {
            Some(()) => Ok(self.into_guard()),
            None => Err(self),
        }
    }

    /// Waits as [`lock_for`](Participant::lock_for) does.
    ///
    /// # Errors
    ///
    /// The participant itself if its time was over first.
    pub fn lock_owned_for(mut self, timeout: Duration) -> Result<OwnedGuard<A, T, W>, Self>
    where
        A: Withdraw,
    {
        match self.lock_for(timeout).map(core::mem::forget) {
            Some(()) => Ok(self.into_guard()),
            None => Err(self),
        }
    }

    /// Waits as [`lock_until`](Participant::lock_until) does.
    ///
    /// # Errors
    ///
    /// The participant itself if its time was over first.
    pub fn lock_owned_until(mut self, deadline: Instant) -> Result<OwnedGuard<A, T, W>, Self>
    where
        A: Withdraw,
    {
        match self.lock_until(deadline).map(core::mem::forget) {
            Some(()) => Ok(self.into_guard()),
            None => Err(self),
        }
    }

    /// For a participant that is inside by a guard just forgotten.
    fn into_guard(self) -> OwnedGuard<A, T, W> {
        let data = data(&self.lock);
        // SAFETY: it is inside.
        unsafe { OwnedGuard::new(self, data) }
    }
}

impl<A, T, W, H> Drop for Participant<'_, A, T, W, H>
where
    A: Fixed,
    T: ?Sized,
    W: Wait,
    H: Hold<A, T, W>,
{
    fn drop(&mut self) {
        let inner = &self.lock.held().inner;
        self.seat.settle::<_, W>(inner);
        taken::give_back(inner.taken.as_ref(), self.seat.slot.index());
    }
}

impl<A, T, W, H> fmt::Debug for Participant<'_, A, T, W, H>
where
    A: Fixed,
    T: ?Sized,
    W: Wait,
    H: Hold<A, T, W>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Participant").field("slot", &self.slot().index()).finish_non_exhaustive()
    }
}
