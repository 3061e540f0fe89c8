//! The seam of the library, with loom's atomics: stands in for the library's `src/atomic.rs`.
//!
//! Each operation knows from where it was called, so that a [mutant](crate::mutation) can weaken
//! just that one; and before each of them a [mortal](crate::mortal) thread can die.

#[allow(unused_imports)] // which of them are used depends on the sources that are included
pub(crate) use loom::hint::spin_loop;
pub(crate) use loom::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};

use std::cell::Cell;

use crate::mortal;
use crate::mutation::{Operation, ordering};
/// How many marks tickets have: so few that they share them.
pub(crate) const MARKS: u32 = 1;

#[track_caller]
pub(crate) fn fence(asked: Ordering) {
    mortal::step();
    if STEPPING.get() {
        STEP.fetch_or(0, Relaxed);
    }
    if let Some(ordering) = ordering(Operation::Fence, asked) {
        loom::sync::atomic::fence(ordering);
    }
}

/// Threads die before accesses only.
pub(crate) fn crash_point(_: &'static str) {}

/// The library has the processor's own order here, where it has one; the models have the fence.
#[track_caller]
pub(crate) fn fence_after_rmw() {
    fence(SeqCst);
}

/// A process that dies here has done all that it was told to before, in that order.
pub(crate) fn death_fence() {}

loom::lazy_static! {
    static ref STEP: loom::sync::atomic::AtomicU32 = loom::sync::atomic::AtomicU32::new(0);
}

std::thread_local! {
    static STEPPING: Cell<bool> = const { Cell::new(false) };
}

/// Whether others may run between an access and the fence after it, in the models of this thread
/// from now on.
///
/// Loom changes threads before an access, never before a fence, and takes a `SeqCst` fence for an
/// exchange of all that was done so far. So an access with a fence behind it looks like a release
/// even if it is none, unless the fence is made a step: then there are many more executions.
pub(crate) fn fences_are_steps(stepping: bool) {
    STEPPING.set(stepping);
}

/// The operations, each with the ordering that it is given once the mutant in force has had its
/// say.
macro_rules! word {
    ($name:ident, $atomic:ident, $word:ty, $($rmw:ident)*) => {
        #[derive(Debug)]
        pub(crate) struct $name(loom::sync::atomic::$atomic);

        #[allow(dead_code)] // the sources use some operations at one width only
        impl $name {
            pub(crate) fn new(value: $word) -> Self {
                Self(loom::sync::atomic::$atomic::new(value))
            }
            #[track_caller]
            pub(crate) fn load(&self, asked: Ordering) -> $word {
                mortal::step();
                self.0.load(ordering(Operation::Load, asked).expect("loads are not dropped"))
            }
            #[track_caller]
            pub(crate) fn store(&self, value: $word, asked: Ordering) {
                mortal::step();
                if let Some(given) = ordering(Operation::Store, asked) {
                    self.0.store(value, given);
                }
            }
            $(
                #[track_caller]
                pub(crate) fn $rmw(&self, value: $word, asked: Ordering) -> $word {
                    mortal::step();
                    let given = ordering(Operation::Update, asked).expect("updates are not dropped");
                    self.0.$rmw(value, given)
                }
            )*
        }
    };
}

/// The success ordering is the mutants' business; no failure ordering in the library is more than
/// `Relaxed`.
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
                assert_eq!(failure, Relaxed, "teach the mutants about failure orderings first");
                mortal::step();
                let given = ordering(Operation::Update, success).expect("updates are not dropped");
                self.0.$exchange(current, new, given, failure)
            }
        )*}
    };
}

word!(Register32, AtomicU32, u32,);
word!(AtomicBool, AtomicBool, bool, swap);
word!(Register64, AtomicU64, u64,);
word!(AtomicU32, AtomicU32, u32, swap fetch_add fetch_sub fetch_or);
word!(AtomicU64, AtomicU64, u64, swap fetch_add fetch_sub fetch_and fetch_or);
compare_exchange!(AtomicU32, u32, compare_exchange compare_exchange_weak);
compare_exchange!(AtomicU64, u64, compare_exchange compare_exchange_weak);

impl AtomicU32 {
    #[track_caller]
    pub(crate) fn fetch_max(&self, value: u32, asked: Ordering) -> u32 {
        mortal::step();
        match ordering(Operation::Raise, asked) {
            Some(given) => self.0.fetch_max(value, given),
            None => self.0.load(Relaxed),
        }
    }
}

/// Loom's atomics are registered when they are made, so their constructors are not `const`.
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
