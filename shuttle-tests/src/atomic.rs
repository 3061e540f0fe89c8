//! The seam of the library, with shuttle's atomics: stands in for the library's `src/atomic.rs`.
//!
//! Each operation knows from where it was called, so that a planted fault can drop just that one:
//! of an update the load is left.

#[allow(unused_imports)] // which of them are used depends on the sources that are included
pub(crate) use shuttle::hint::spin_loop;
pub(crate) use shuttle::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};

use crate::mutation::{Operation, ordering};

/// How many marks tickets have: so few that they share them.
pub(crate) const MARKS: u32 = 2;

/// Shuttle's memory is sequentially consistent: nothing is left to do.
pub(crate) fn fence(_: Ordering) {}

pub(crate) fn fence_after_rmw() {}

macro_rules! word {
    ($name:ident, $atomic:ident, $word:ty, $($update:ident)*) => {
        #[derive(Debug)]
        pub(crate) struct $name(shuttle::sync::atomic::$atomic);

        #[allow(dead_code)] // the sources use some operations at one width only
        impl $name {
            pub(crate) fn new(value: $word) -> Self {
                Self(shuttle::sync::atomic::$atomic::new(value))
            }
            pub(crate) fn load(&self, _: Ordering) -> $word {
                self.0.load(SeqCst)
            }
            #[track_caller]
            pub(crate) fn store(&self, value: $word, asked: Ordering) {
                if ordering(Operation::Store, asked).is_some() {
                    self.0.store(value, SeqCst);
                }
            }
            $(
                #[track_caller]
                pub(crate) fn $update(&self, value: $word, asked: Ordering) -> $word {
                    match ordering(Operation::Update, asked) {
                        Some(_) => self.0.$update(value, SeqCst),
                        None => self.0.load(SeqCst),
                    }
                }
            )*
        }
    };
}

macro_rules! compare_exchange {
    ($name:ident, $word:ty, $($exchange:ident)*) => {
        #[allow(dead_code)] // as above
        impl $name {$(
            pub(crate) fn $exchange(
                &self,
                current: $word,
                new: $word,
                _: Ordering,
                _: Ordering,
            ) -> Result<$word, $word> {
                self.0.$exchange(current, new, SeqCst, SeqCst)
            }
        )*}
    };
}

word!(AtomicBool, AtomicBool, bool, swap);
word!(Register32, AtomicU32, u32,);
word!(Register64, AtomicU64, u64,);
word!(AtomicU32, AtomicU32, u32, swap fetch_add fetch_sub fetch_or fetch_max);
word!(AtomicU64, AtomicU64, u64, swap fetch_add fetch_sub fetch_and fetch_or);
compare_exchange!(AtomicU32, u32, compare_exchange compare_exchange_weak);
compare_exchange!(AtomicU64, u64, compare_exchange compare_exchange_weak);

/// The models make each lock anew in each execution.
macro_rules! const_fn {
    ($($(#[$attribute:meta])* $vis:vis const fn $name:ident($($arg:tt)*) -> $ret:ty $body:block)*) => {
        $($(#[$attribute])* $vis fn $name($($arg)*) -> $ret $body)*
    };
}

macro_rules! array {
    ($element:expr; $length:expr) => {
        core::array::from_fn(|_| $element)
    };
}

pub(crate) use {array, const_fn};
