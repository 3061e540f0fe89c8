//! The seam of the library, with a [crash point](crate::crash) before each access and each fence:
//! stands in for the library's `src/atomic.rs`.
//!
//! The registers are in memory that processes map, so they are as they are in the library: the
//! same sizes, and zeros at first.

use core::ops::Deref;

#[allow(unused_imports)] // which of them are used depends on the sources that are included
pub(crate) use core::hint::spin_loop;
#[allow(unused_imports)]
pub(crate) use core::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};

use crate::crash;
/// How many marks tickets have.
pub(crate) const MARKS: u32 = 32;

#[track_caller]
pub(crate) fn fence(ordering: Ordering) {
    crash::point();
    core::sync::atomic::fence(ordering);
}

/// The library leaves this to the instruction before, where that does.
#[track_caller]
pub(crate) fn fence_after_rmw() {
    fence(SeqCst);
}

/// What it orders for a process's own death, the points around it do.
pub(crate) fn death_fence() {
    core::sync::atomic::compiler_fence(SeqCst);
}

/// A step that is no access to a register.
#[track_caller]
pub(crate) fn crash_point(_: &'static str) {
    crash::point();
}

macro_rules! word {
    ($name:ident, $atomic:ident, $word:ty, $($update:ident)*) => {
        #[derive(Debug)]
        #[repr(transparent)]
        pub(crate) struct $name(core::sync::atomic::$atomic);

        #[allow(dead_code)] // the sources use some operations at one width only
        impl $name {
            pub(crate) const fn new(value: $word) -> Self {
                Self(core::sync::atomic::$atomic::new(value))
            }
            #[track_caller]
            pub(crate) fn load(&self, ordering: Ordering) -> $word {
                crash::point();
                self.0.load(ordering)
            }
            #[track_caller]
            pub(crate) fn store(&self, value: $word, ordering: Ordering) {
                crash::point();
                self.0.store(value, ordering);
            }
            $(
                #[track_caller]
                pub(crate) fn $update(&self, value: $word, ordering: Ordering) -> $word {
                    crash::point();
                    self.0.$update(value, ordering)
                }
            )*
        }
    };
}

macro_rules! compare_exchange {
    ($name:ident, $word:ty, $($exchange:ident)*) => {
        #[allow(dead_code)] // as above
        impl $name {$(
            #[track_caller]
            pub(crate) fn $exchange(
                &self,
                current: $word,
                new: $word,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$word, $word> {
                crash::point();
                self.0.$exchange(current, new, success, failure)
            }
        )*}
    };
}

word!(Register32, AtomicU32, u32,);
word!(Register64, AtomicU64, u64,);
word!(AtomicBool, AtomicBool, bool, swap);
word!(AtomicU32, AtomicU32, u32, swap fetch_add fetch_sub fetch_and fetch_or fetch_max fetch_min);
word!(AtomicU64, AtomicU64, u64, swap fetch_add fetch_sub fetch_and fetch_or fetch_max fetch_min);
compare_exchange!(AtomicU32, u32, compare_exchange compare_exchange_weak);
compare_exchange!(AtomicU64, u64, compare_exchange compare_exchange_weak);

/// For the system call that takes one. All else that the library does with it is counted above.
impl Deref for AtomicU32 {
    type Target = core::sync::atomic::AtomicU32;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// Declares constructors that are `const` here, and are not where loom's atomics stand in.
macro_rules! const_fn {
    ($($(#[$attribute:meta])* $vis:vis const fn $name:ident($($arg:tt)*) -> $ret:ty $body:block)*) => {
        $($(#[$attribute])* $vis const fn $name($($arg)*) -> $ret $body)*
    };
}

macro_rules! array {
    ($element:expr; $length:expr) => {
        [const { $element }; $length]
    };
}

pub(crate) use {array, const_fn};
