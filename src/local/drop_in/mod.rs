//! The drop-in form: mutexes for any number of threads, through [`lock_api`].
//!
//! | mutex | order | raw lock |
//! |---|---|---|
//! | [`Mutex`] | first come first served | [`RawTicket`] |
//! | [`BypassMutex`] | whoever waits is passed so many times at most | [`RawBypass`] |
//! | [`BakeryMutex`] | first come first served | [`RawSlotted`] of [`Bakery`] |
//! | [`BlackWhiteMutex`] | first come first served | [`RawSlotted`] of [`BlackWhite`] |
//! | [`PetersonMutex`], [`FilterMutex`], [`TournamentMutex`] | see the algorithm | [`RawSlotted`] |
//!
//! Each of these names stands for one type of mutex, so that `Mutex::new(5)` says all. A name that ends
//! in `With` leaves more open: the way of waiting, the bound, the number of slots. It is to be written
//! with its parameters, since what a type alias has by default takes no part in inference.
//!
//! All of them are `const`-constructible, and with the feature `std`, which those with slots need, have
//! `try_lock_for` and `try_lock_until`. There is no poisoning: a guard dropped in a panic releases the
//! mutex. [`Fast`](crate::algorithm::Fast) is missing because it cannot do `try_lock`.

mod bypass;
#[cfg(feature = "std")]
mod lease;
mod raw_queues;
#[cfg(feature = "std")]
mod raw_slotted;
#[cfg(feature = "std")]
mod slotted;
mod ticket;

pub use bypass::RawBypass;
#[cfg(feature = "std")]
pub use raw_slotted::RawSlotted;
#[cfg(feature = "std")]
pub use slotted::SlottedGuard;
pub use ticket::RawTicket;

#[cfg(feature = "std")]
use crate::algorithm::{Bakery, BlackWhite, Filter, Peterson, Swapped, Tournament};
use crate::wait::DefaultWait;

/// A first-come-first-served mutex for any number of threads: a ticket lock.
///
/// # Differences from [`std::sync::Mutex`]
///
/// - Threads go in in the order in which they came. A thread that unlocks and locks again goes to
///   the end of the line.
/// - `const fn new`, and no poisoning.
/// - Guards are `Send` if the value is.
/// - `try_lock_for` and `try_lock_until`, whose attempts stand in line like all others. One that gives
///   up loses its place. Behind more than 15 others it notes that in memory that the mutex allocates
///   the first time, at most 16 bytes for each that waits.
/// - A thread that locks a mutex which it has locked already waits for ever.
///
/// ```
/// use bakery_lock::Mutex;
///
/// static TOTAL: Mutex<u32> = Mutex::new(0);
///
/// std::thread::scope(|scope| {
///     for _ in 0..5 {
///         scope.spawn(|| (0..20).for_each(|_| *TOTAL.lock() += 1));
///     }
/// });
/// assert_eq!(*TOTAL.lock(), 100);
/// ```
pub type Mutex<T> = MutexWith<T, DefaultWait>;

/// A [`Mutex`] with a way of waiting of your choice. Its guard is a
/// [`lock_api::MutexGuard`]`<'_, `[`RawTicket`]`<W>, T>`.
///
/// ```
/// use bakery_lock::{MutexWith, wait::Spin};
///
/// static TOTAL: MutexWith<u32, Spin> = MutexWith::new(0);
/// assert_eq!(*TOTAL.lock(), 0);
/// ```
pub type MutexWith<T, W> = lock_api::Mutex<RawTicket<W>, T>;

/// The guard of a [`Mutex`].
pub type MutexGuard<'a, T> = lock_api::MutexGuard<'a, RawTicket, T>;

/// The guard of a part of what is in a [`Mutex`]: what [`MutexGuard::map`](lock_api::MutexGuard::map)
/// gives.
pub type MappedMutexGuard<'a, T> = lock_api::MappedMutexGuard<'a, RawTicket, T>;

/// The guard of an `Arc<Mutex<T>>` that holds the `Arc`: what `lock_arc` gives.
///
/// ```
/// use bakery_lock::{ArcMutexGuard, Mutex};
/// use std::sync::Arc;
///
/// fn inside(mutex: &Arc<Mutex<u32>>) -> ArcMutexGuard<u32> {
///     mutex.lock_arc()
/// }
///
/// let mut guard = inside(&Arc::new(Mutex::new(1)));
/// *guard += 1;
/// assert_eq!(*guard, 2);
/// ```
#[cfg(feature = "arc_lock")]
pub type ArcMutexGuard<T> = lock_api::ArcMutexGuard<RawTicket, T>;

/// A mutex for any number of threads that those who run may lock past those who wait for it, none of
/// whom is passed more than 1,024 times. [`BypassMutexWith`] has other bounds.
///
/// For throughput: a strict order has a context switch in each passage as soon as there are more
/// threads than processors, and here few of them have one. What remains of the order is a bound,
/// which [`std::sync::Mutex`] and most others do not have: see
/// [`BypassQueue`](crate::algorithm::BypassQueue). The count begins when a thread gets in line, which
/// it does when it has found the mutex locked, and yielded its processor, ten times.
///
/// [`unlock_fair`](lock_api::MutexGuard::unlock_fair) leaves the mutex to whoever is first in line.
/// Guards are `Send` if the value is. There is no poisoning. A thread that locks a mutex which it has
/// locked already waits for ever.
///
/// ```
/// use bakery_lock::BypassMutex;
///
/// static TOTAL: BypassMutex<u32> = BypassMutex::new(0);
///
/// std::thread::scope(|scope| {
///     for _ in 0..5 {
///         scope.spawn(|| (0..20).for_each(|_| *TOTAL.lock() += 1));
///     }
/// });
/// assert_eq!(*TOTAL.lock(), 100);
/// ```
pub type BypassMutex<T> = BypassMutexWith<T, 1024>;

/// A [`BypassMutex`] with a bound and a way of waiting of your choice. Its guard is a
/// [`lock_api::MutexGuard`]`<'_, `[`RawBypass`]`<B, W>, T>`.
///
/// The smaller `B`, the nearer to a [`Mutex`]; with 0 nobody in line is passed, nor with half of `B`
/// less than the number of threads in line but before the first of them is in. More than 262,143 does
/// not compile:
///
/// ```compile_fail,E0080
/// use bakery_lock::BypassMutexWith;
///
/// static MUCH: BypassMutexWith<u32, 262_144> = BypassMutexWith::new(0);
/// ```
pub type BypassMutexWith<T, const B: u32, W = DefaultWait> = lock_api::Mutex<RawBypass<B, W>, T>;

/// The guard of a [`BypassMutex`].
pub type BypassMutexGuard<'a, T> = lock_api::MutexGuard<'a, RawBypass<1024>, T>;

/// The guard of a part of what is in a [`BypassMutex`].
pub type MappedBypassMutexGuard<'a, T> = lock_api::MappedMutexGuard<'a, RawBypass<1024>, T>;

/// The guard of an `Arc<BypassMutex<T>>` that holds the `Arc`.
#[cfg(feature = "arc_lock")]
pub type ArcBypassMutexGuard<T> = lock_api::ArcMutexGuard<RawBypass<1024>, T>;

/// How many slots a drop-in mutex has whose name does not end in `With`: 15 threads have one to
/// themselves, and all others share the last one.
#[cfg(feature = "std")]
pub const SLOTS: usize = 16;

macro_rules! slotted_mutexes {
    ($($(#[$doc:meta])* $mutex:ident, $with:ident<$(const $n:ident)?>, $guard:ident,
        $algorithm:ty, $plain:ty;)*) => {$(
        $(#[$doc])*
        #[cfg(feature = "std")]
        pub type $mutex<T> = lock_api::Mutex<RawSlotted<$plain>, T>;

        #[doc = concat!(
            "A [`", stringify!($mutex), "`] with a way of waiting", $(" and a number of slots (", stringify!($n), ")",)?
            " of your choice."
        )]
        #[cfg(feature = "std")]
        pub type $with<T, $(const $n: usize,)? W = DefaultWait> =
            lock_api::Mutex<RawSlotted<$algorithm, W>, T>;

        #[doc = concat!("The guard of a [`", stringify!($mutex), "`].")]
        #[cfg(feature = "std")]
        pub type $guard<'a, T> = lock_api::MutexGuard<'a, RawSlotted<$plain>, T>;
    )*};
}

slotted_mutexes! {
    /// Lamport's bakery as a mutex for any number of threads, with [`SLOTS`] slots: see [`RawSlotted`].
    ///
    /// ```
    /// use bakery_lock::BakeryMutex;
    ///
    /// // The order holds among fifteen threads and one of the others.
    /// static TOTAL: BakeryMutex<u32> = BakeryMutex::new(0);
    ///
    /// std::thread::scope(|scope| {
    ///     for _ in 0..5 {
    ///         scope.spawn(|| (0..20).for_each(|_| *TOTAL.lock() += 1));
    ///     }
    /// });
    /// assert_eq!(*TOTAL.lock(), 100);
    /// ```
    BakeryMutex, BakeryMutexWith<const N>, BakeryMutexGuard, Bakery<N>, Bakery<SLOTS>;
    /// The black-white bakery as a mutex for any number of threads, with [`SLOTS`] slots: see
    /// [`RawSlotted`].
    BlackWhiteMutex, BlackWhiteMutexWith<const N>, BlackWhiteMutexGuard,
        BlackWhite<N>, BlackWhite<SLOTS>;
    /// Peterson's lock as a mutex for any number of threads, with two slots: see [`RawSlotted`].
    PetersonMutex, PetersonMutexWith<>, PetersonMutexGuard, Peterson<Swapped>, Peterson<Swapped>;
    /// The filter lock as a mutex for any number of threads, with [`SLOTS`] slots: see [`RawSlotted`].
    FilterMutex, FilterMutexWith<const N>, FilterMutexGuard,
        Filter<N, Swapped>, Filter<SLOTS, Swapped>;
    /// The tournament as a mutex for any number of threads, with [`SLOTS`] slots: see [`RawSlotted`].
    TournamentMutex, TournamentMutexWith<const N>, TournamentMutexGuard,
        Tournament<N, Swapped>, Tournament<SLOTS, Swapped>;
}
