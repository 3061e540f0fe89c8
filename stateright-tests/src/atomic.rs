//! The seam of the library, with a memory that the models own: stands in for the library's
//! `src/atomic.rs`.
//!
//! A register is a place in the memory of the state that is being explored (see
//! [`machine`](crate::machine)); an operation on it is one step of that state.

use crate::machine::{self, Access};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ordering {
    Relaxed,
    Acquire,
    Release,
    AcqRel,
    SeqCst,
}
pub(crate) use Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};

/// How many marks tickets have: so few that they share them.
pub(crate) const MARKS: u32 = 1;

/// Empties the store buffer, where there is one.
pub(crate) fn fence(ordering: Ordering) {
    assert_eq!(ordering, SeqCst, "the library has no other fences");
    machine::access(Access::Fence);
}

macro_rules! word {
    ($name:ident, $word:ident) => {
        #[derive(Debug)]
        pub(crate) struct $name(machine::Register);

        #[allow(dead_code, reason = "the sources use some operations at one width only")]
        #[allow(clippy::cast_possible_truncation, reason = "what was stored came from a word")]
        #[allow(clippy::unnecessary_cast, clippy::cast_lossless, reason = "for both widths")]
        impl $name {
            pub(crate) fn new(value: $word) -> Self {
                Self(machine::Register::new(value as u64))
            }
            pub(crate) fn load(&self, _: Ordering) -> $word {
                machine::access(Access::Load(self.0)) as $word
            }
            pub(crate) fn store(&self, value: $word, ordering: Ordering) {
                let release = ordering != Relaxed;
                machine::access(Access::Store { at: self.0, value: value as u64, release });
            }
            /// What was there before.
            fn update(&self, new: impl Fn($word) -> $word) -> $word {
                let new = |old| new(old as $word) as u64;
                machine::access(Access::Update { at: self.0, new: &new }) as $word
            }
            pub(crate) fn swap(&self, value: $word, _: Ordering) -> $word {
                self.update(|_| value)
            }
            pub(crate) fn fetch_add(&self, value: $word, _: Ordering) -> $word {
                self.update(|old| old.wrapping_add(value))
            }
            pub(crate) fn fetch_sub(&self, value: $word, _: Ordering) -> $word {
                self.update(|old| old.wrapping_sub(value))
            }
            pub(crate) fn fetch_and(&self, value: $word, _: Ordering) -> $word {
                self.update(|old| old & value)
            }
            pub(crate) fn fetch_or(&self, value: $word, _: Ordering) -> $word {
                self.update(|old| old | value)
            }
            pub(crate) fn fetch_max(&self, value: $word, _: Ordering) -> $word {
                self.update(|old| old.max(value))
            }
            pub(crate) fn compare_exchange(
                &self,
                current: $word,
                new: $word,
                _: Ordering,
                _: Ordering,
            ) -> Result<$word, $word> {
                let old = self.update(|old| if old == current { new } else { old });
                if old == current { Ok(old) } else { Err(old) }
            }
            /// Never fails for no reason: that would only be another attempt.
            pub(crate) fn compare_exchange_weak(
                &self,
                current: $word,
                new: $word,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$word, $word> {
                self.compare_exchange(current, new, success, failure)
            }
        }
    };
}

word!(Register32, u32);
word!(Register64, u64);
word!(AtomicU32, u32);
word!(AtomicU64, u64);

/// Registers get their places when they are made, so their constructors are not `const`.
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
