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
pub type Mutex<T, W = DefaultWait> = lock_api::Mutex<RawTicket<W>, T>;

/// The guard of a [`Mutex`].
pub type MutexGuard<'a, T, W = DefaultWait> = lock_api::MutexGuard<'a, RawTicket<W>, T>;

/// A mutex for any number of threads that those who run may lock past those who wait for it, none of
/// whom is passed more than `B` times.
///
/// For throughput: a strict order has a context switch in each passage as soon as there are more
/// threads than processors, and here few of them have one. What remains of the order is a bound,
/// which [`std::sync::Mutex`] and most others do not have: see
/// [`BypassQueue`](crate::algorithm::BypassQueue). The count begins when a thread gets in line, which
/// it does when it has found the mutex locked, and yielded its processor, ten times.
///
/// The smaller `B`, the nearer to a [`Mutex`]; with 0 nobody in line is passed, nor with half of `B`
/// less than the number of threads in line but before the first of them is in. More than 262,143 does
/// not compile:
///
/// ```compile_fail,E0080
/// static MUCH: bakery_lock::BypassMutex<u32, 262_144> = bakery_lock::BypassMutex::new(0);
/// ```
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
pub type BypassMutex<T, const B: u32 = 1024, W = DefaultWait> = lock_api::Mutex<RawBypass<B, W>, T>;

/// The guard of a [`BypassMutex`].
pub type BypassMutexGuard<'a, T, const B: u32 = 1024, W = DefaultWait> =
    lock_api::MutexGuard<'a, RawBypass<B, W>, T>;

macro_rules! slotted_mutexes {
    ($($(#[$doc:meta])* $mutex:ident, $guard:ident<$(const $n:ident)?>, $algorithm:ty;)*) => {$(
        $(#[$doc])*
        #[cfg(feature = "std")]
        pub type $mutex<T, $(const $n: usize,)? W = DefaultWait> =
            lock_api::Mutex<RawSlotted<$algorithm, W>, T>;

        #[doc = concat!("The guard of a [`", stringify!($mutex), "`].")]
        #[cfg(feature = "std")]
        pub type $guard<'a, T, $(const $n: usize,)? W = DefaultWait> =
            lock_api::MutexGuard<'a, RawSlotted<$algorithm, W>, T>;
    )*};
}

slotted_mutexes! {
    /// Lamport's bakery as a mutex for any number of threads: see [`RawSlotted`].
    ///
    /// ```
    /// use bakery_lock::BakeryMutex;
    ///
    /// // The order holds among seven threads and one of the others.
    /// static TOTAL: BakeryMutex<u32, 8> = BakeryMutex::new(0);
    ///
    /// std::thread::scope(|scope| {
    ///     for _ in 0..5 {
    ///         scope.spawn(|| (0..20).for_each(|_| *TOTAL.lock() += 1));
    ///     }
    /// });
    /// assert_eq!(*TOTAL.lock(), 100);
    /// ```
    BakeryMutex, BakeryMutexGuard<const N>, Bakery<N>;
    /// The black-white bakery as a mutex for any number of threads: see [`RawSlotted`].
    BlackWhiteMutex, BlackWhiteMutexGuard<const N>, BlackWhite<N>;
    /// Peterson's lock as a mutex for any number of threads: see [`RawSlotted`].
    PetersonMutex, PetersonMutexGuard<>, Peterson<Swapped>;
    /// The filter lock as a mutex for any number of threads: see [`RawSlotted`].
    FilterMutex, FilterMutexGuard<const N>, Filter<N, Swapped>;
    /// The tournament as a mutex for any number of threads: see [`RawSlotted`].
    TournamentMutex, TournamentMutexGuard<const N>, Tournament<N, Swapped>;
}
