//! The explicit form: a lock that participants join.

use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomData;

use crate::atomic::Relaxed;
use crate::local::Fixed;
use crate::local::inner::Inner;
use crate::wait::{DefaultWait, Wait};

/// A value that one participant at a time may touch, by an algorithm and a way of waiting of your
/// choice.
///
/// A thread that wants in first [`join`](Self::join)s; the [`Participant`](crate::Participant) that it gets owns a slot
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
    pub(super) inner: Inner<A>,
    pub(super) data: UnsafeCell<T>,
}

// SAFETY: `T` is reached through guards only, of which there is one at a time, each after the one
// before (`Algorithm`'s contract); so it is sent from thread to thread and never shared.
unsafe impl<A: Fixed + Sync, T: ?Sized + Send, W> Sync for Lock<A, T, W> {}

impl<A: Fixed, T, W: Wait> Lock<A, T, W> {
    /// A lock that nobody has joined.
    pub const fn new(value: T) -> Self {
        Self { wait: PhantomData, inner: Inner::new(), data: UnsafeCell::new(value) }
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.data.into_inner()
    }
}

impl<A: Fixed, T: ?Sized, W: Wait> Lock<A, T, W> {
    /// How many participants there is room for at a time.
    pub fn capacity(&self) -> usize {
        self.inner.algorithm.capacity()
    }

    /// The value; no participant can exist meanwhile.
    pub const fn get_mut(&mut self) -> &mut T {
        self.data.get_mut()
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
        let joined = self.inner.taken.as_ref().iter().filter(|taken| taken.load(Relaxed)).count();
        f.debug_struct("Lock")
            .field("capacity", &self.inner.algorithm.capacity())
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
