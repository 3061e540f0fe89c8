//! The explicit form: a lock that participants join.

use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomData;
use core::sync::atomic::Ordering::{Relaxed, Release};
#[cfg(feature = "std")]
use std::time::{Duration, Instant};

use crate::algorithm::{Slot, Withdraw};
use crate::attempt::{self, Attempt, State};
use crate::local::lot::ThreadLot;
use crate::local::{Fixed, Guard, Waiting};
use crate::wait::{DefaultWait, Notice, Wait};

/// A value that one participant at a time may touch, by an algorithm and a way of waiting of your
/// choice.
///
/// A thread that wants in first [`join`](Self::join)s; the [`Participant`] that it gets owns a slot
/// of the lock until it is dropped. Fairness, space and fences are the [algorithm](crate::algorithm)'s;
/// with each, what is done inside happens before what the next one does inside. There is no
/// poisoning: a guard dropped in a panic releases the lock.
///
/// ```
/// use bakery_lock::{Lock, algorithm::Bakery};
///
/// static TOTAL: Lock<Bakery<4>, u32> = Lock::new(0);
///
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| {
///             let mut me = TOTAL.join().expect("room for four");
///             for _ in 0..20 {
///                 *me.lock() += 1;
///             }
///         });
///     }
/// });
/// assert_eq!(*TOTAL.join().unwrap().lock(), 80);
/// ```
pub struct Lock<A: Fixed, T: ?Sized, W = DefaultWait> {
    wait: PhantomData<fn() -> W>,
    taken: A::Flags,
    notice: Notice,
    pub(super) algorithm: A,
    pub(super) data: UnsafeCell<T>,
}

// SAFETY: `T` is reached through guards only, of which there is one at a time, each after the one
// before (`Algorithm`'s contract); so it is sent from thread to thread and never shared.
unsafe impl<A: Fixed + Sync, T: ?Sized + Send, W> Sync for Lock<A, T, W> {}

impl<A: Fixed, T, W: Wait> Lock<A, T, W> {
    /// A lock that nobody has joined.
    pub const fn new(value: T) -> Self {
        Self {
            wait: PhantomData,
            taken: A::NO_FLAGS,
            notice: Notice::new(),
            algorithm: A::INIT,
            data: UnsafeCell::new(value),
        }
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.data.into_inner()
    }
}

impl<A: Fixed, T: ?Sized, W: Wait> Lock<A, T, W> {
    /// How many participants there is room for at a time.
    pub fn capacity(&self) -> usize {
        self.algorithm.capacity()
    }

    /// The value; no participant can exist meanwhile.
    pub const fn get_mut(&mut self) -> &mut T {
        self.data.get_mut()
    }

    /// Becomes a participant.
    ///
    /// # Errors
    ///
    /// [`Full`] if every slot has a participant.
    #[cfg(all(target_has_atomic = "8", not(bakery_lock_no_rmw)))]
    pub fn join(&self) -> Result<Participant<'_, A, T, W>, Full> {
        use core::sync::atomic::Ordering::Acquire;

        // Acquire: takes over the slot's registers as its last participant left them.
        let free = |taken: &core::sync::atomic::AtomicBool| {
            !taken.load(Relaxed) && !taken.swap(true, Acquire)
        };
        let index = self.taken.as_ref().iter().position(free).ok_or(Full(self.capacity()))?;
        Ok(self.participant(index))
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
        (self.algorithm, self.taken) = (A::INIT, A::NO_FLAGS);
        self
    }

    /// The participant of a slot that nobody contends for.
    pub(super) fn take(&self, index: usize) -> Participant<'_, A, T, W> {
        self.taken.as_ref()[index].store(true, Relaxed);
        self.participant(index)
    }

    /// The participant of a slot whose flag the caller has just set.
    fn participant(&self, index: usize) -> Participant<'_, A, T, W> {
        #[expect(clippy::cast_possible_truncation, reason = "slots are numbered in 32 bits")]
        let slot = Slot::new(index as u32);
        self.algorithm.join(slot);
        Participant { lock: self, slot, state: State::Outside }
    }

    #[inline]
    pub(super) fn lot(&self) -> ThreadLot<'_> {
        ThreadLot::new(&self.notice)
    }
}

impl<A: Fixed, T: Default, W: Wait> Default for Lock<A, T, W> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<A: Fixed, T, W: Wait> From<T> for Lock<A, T, W> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<A: Fixed, T: ?Sized, W> fmt::Debug for Lock<A, T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = self.taken.as_ref().iter().filter(|taken| taken.load(Relaxed)).count();
        f.debug_struct("Lock")
            .field("capacity", &self.algorithm.capacity())
            .field("joined", &joined)
            .finish_non_exhaustive()
    }
}

/// Every slot of a lock has a participant; holds how many slots that is. Drop a participant, or
/// give the lock more room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full(pub usize);

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "all {} slots of the lock are taken; drop a participant, or give the lock more room",
            self.0
        )
    }
}

impl core::error::Error for Full {}

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
pub struct Participant<'a, A: Fixed, T: ?Sized, W: Wait = DefaultWait> {
    pub(super) lock: &'a Lock<A, T, W>,
    pub(super) slot: Slot,
    pub(super) state: State,
}

impl<'a, A: Fixed, T: ?Sized, W: Wait> Participant<'a, A, T, W> {
    /// Waits for this participant's turn.
    #[inline]
    pub fn lock(&mut self) -> Guard<'_, 'a, A, T, W> {
        self.doorway().wait();
        Guard::new(self)
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
    pub fn enter(&mut self) -> Waiting<'_, 'a, A, T, W> {
        let attempt = self.doorway();
        Waiting::new(self, attempt)
    }

    /// Takes the lock if nobody is in it or in line for it; with
    /// [`Bypass`](crate::algorithm::Bypass) it may pass those in line.
    ///
    /// Of two that try at the same moment both may fail, but for [`Ticket`](crate::algorithm::Ticket)
    /// and [`Bypass`](crate::algorithm::Bypass). A failed attempt orders nothing.
    #[inline]
    pub fn try_lock(&mut self) -> Option<Guard<'_, 'a, A, T, W>>
    where
        A: Withdraw,
    {
        self.settle();
        attempt::try_lock::<A, _, W>(&self.lock.algorithm, self.slot, self.lock.lot())
            .then(|| Guard::new(self))
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
    pub fn lock_for(&mut self, timeout: Duration) -> Option<Guard<'_, 'a, A, T, W>>
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
    pub fn lock_until(&mut self, deadline: Instant) -> Option<Guard<'_, 'a, A, T, W>>
    where
        A: Withdraw,
    {
        self.settle();
        let (algorithm, lot) = (&self.lock.algorithm, self.lock.lot());
        Attempt::<_, _, W>::enter_until(algorithm, self.slot, lot, &deadline)?
            .wait_until(&deadline)
            .then(|| Guard::new(self))
    }

    /// The slot that this participant owns.
    #[must_use]
    pub fn slot(&self) -> Slot {
        self.slot
    }

    #[inline]
    fn doorway(&mut self) -> Attempt<'a, A, ThreadLot<'a>, W> {
        self.settle();
        Attempt::enter_when_open(&self.lock.algorithm, self.slot, self.lock.lot())
    }

    /// Ends what a leaked guard or a leaked [`Waiting`] has left behind.
    #[inline]
    pub(super) fn settle(&mut self) {
        if self.state != State::Outside {
            let (algorithm, lot) = (&self.lock.algorithm, self.lock.lot());
            attempt::settle::<_, _, W>(&mut self.state, algorithm, self.slot, lot);
        }
    }
}

impl<A: Fixed, T: ?Sized, W: Wait> Drop for Participant<'_, A, T, W> {
    fn drop(&mut self) {
        self.settle();
        // Release: hands the slot's registers to its next participant.
        self.lock.taken.as_ref()[self.slot.index()].store(false, Release);
    }
}

impl<A: Fixed, T: ?Sized, W: Wait> fmt::Debug for Participant<'_, A, T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Participant").field("slot", &self.slot.index()).finish_non_exhaustive()
    }
}
