//! Algorithms that a lock can hold by value.

use core::fmt::Debug;

#[cfg(any(target_has_atomic = "64", target_pointer_width = "64"))]
use crate::algorithm::Bakery;
use crate::algorithm::{Algorithm, BlackWhite, Fast, Filter, GiveWay, Peterson, Tournament};
#[cfg(all(target_has_atomic = "64", not(bakery_lock_no_rmw)))]
use crate::algorithm::{Bypass, Ticket};
use crate::atomic::AtomicBool;

/// Algorithms whose registers have a size known to the compiler, so that a lock can be a `static`.
///
/// # Safety
///
/// `Flags` gives the same slice each time, which is its own and nobody else's, and as long as the
/// capacity of the algorithm that `INIT` is; that never changes.
pub unsafe trait Fixed: Algorithm + Sized {
    /// The registers before anybody has joined.
    const INIT: Self;
    /// A flag for each slot.
    type Flags: AsRef<[AtomicBool]> + Debug + Send + Sync;
    /// All of them false.
    const NO_FLAGS: Self::Flags;
}

macro_rules! fixed {
    ($([$($parameter:tt)*] $algorithm:ty, $slots:expr;)*) => {$(
        #[expect(clippy::declare_interior_mutable_const, reason = "initial values, as in lock_api")]
        // SAFETY: an array, of the algorithm's number of slots.
        unsafe impl<$($parameter)*> Fixed for $algorithm {
            const INIT: Self = Self::new();
            type Flags = [AtomicBool; $slots];
            const NO_FLAGS: Self::Flags = [const { AtomicBool::new(false) }; $slots];
        }
    )*};
}

#[cfg(any(target_has_atomic = "64", target_pointer_width = "64"))]
fixed! { [const N: usize] Bakery<N>, N; }
#[cfg(all(target_has_atomic = "64", not(bakery_lock_no_rmw)))]
fixed! {
    [const N: usize, const B: u32] Bypass<N, B>, N;
    [const N: usize] Ticket<N>, N;
}
fixed! {
    [const N: usize] BlackWhite<N>, N;
    [const N: usize] Fast<N>, N;
    [const N: usize, W: GiveWay] Filter<N, W>, N;
    [const N: usize, W: GiveWay] Tournament<N, W>, N;
    [W: GiveWay] Peterson<W>, 2;
}
