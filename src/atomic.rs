//! The seam between the algorithms and the memory they run on.
//!
//! Everything below `algorithm/` and `wait/`, `attempt.rs`, the protocol of the drop-in locks, and
//! that by which processes hand slots on take their atomics from here and from nowhere else, so
//! that the models in `loom-tests/` and `shuttle-tests/`, and the tests in `crash-tests/` that kill
//! a process before any of its accesses, can compile the same files against other atomics by
//! replacing this one file. Nothing but speed depends on `wait/yielding.rs`, which has its own.

pub(crate) use core::hint::spin_loop;
#[cfg(all(target_has_atomic = "64", not(bakery_lock_no_rmw)))]
pub(crate) use core::sync::atomic::AtomicU64;
#[cfg(all(target_has_atomic = "32", not(bakery_lock_no_rmw)))]
pub(crate) use core::sync::atomic::Ordering::AcqRel;
use core::sync::atomic::compiler_fence;
pub(crate) use core::sync::atomic::{
    AtomicBool, AtomicU32,
    Ordering::{Acquire, Relaxed, Release, SeqCst},
    fence,
};

/// How many marks a [`Ticket`](crate::algorithm::Ticket) has: 32 at most. Models have fewer, so that
/// their few tickets share them.
#[cfg_attr(
    not(all(target_has_atomic = "64", not(bakery_lock_no_rmw))),
    allow(dead_code, reason = "there are no tickets")
)]
pub(crate) const MARKS: u32 = 32;

/// A shared word that is only ever loaded and stored.
///
/// The algorithms that claim to need no read-modify-write are written with this type, which has
/// none.
macro_rules! register {
    ($(#[$doc:meta])* $name:ident, $atomic:ident, $word:ty) => {
        $(#[$doc])*
        #[derive(Debug)]
        #[repr(transparent)]
        pub(crate) struct $name(core::sync::atomic::$atomic);

        impl $name {
            pub(crate) const fn new(value: $word) -> Self {
                Self(core::sync::atomic::$atomic::new(value))
            }
            #[inline]
            pub(crate) fn load(&self, ordering: core::sync::atomic::Ordering) -> $word {
                self.0.load(ordering)
            }
            #[inline]
            pub(crate) fn store(&self, value: $word, ordering: core::sync::atomic::Ordering) {
                self.0.store(value, ordering);
            }
        }
    };
}

register!(
    /// 32 bits.
    Register32, AtomicU32, u32
);
#[cfg(any(target_has_atomic = "64", target_pointer_width = "64"))]
register!(
    /// 64 bits, where the target has them.
    Register64, AtomicU64, u64
);

/// A `SeqCst` fence directly after a read-modify-write.
///
/// On x86 a read-modify-write is a locked instruction, which orders everything before it before
/// everything after it as the fence's own instruction would (Intel SDM, volume 3A, "Loads and
/// Stores Are Not Reordered with Locked Instructions"), so only the compiler is left to be held
/// back. The models are of the fence.
#[inline]
pub(crate) fn fence_after_rmw() {
    if cfg!(all(any(target_arch = "x86", target_arch = "x86_64"), not(miri))) {
        compiler_fence(SeqCst);
    } else {
        fence(SeqCst);
    }
}

/// Orders accesses as far as this thread's own death can tell: the processor stops between two
/// instructions, so only the compiler is held back.
#[cfg_attr(
    not(all(feature = "shared", target_os = "linux", not(bakery_lock_no_rmw))),
    allow(dead_code, reason = "threads do not die")
)]
#[inline]
pub(crate) fn death_fence() {
    compiler_fence(SeqCst);
}

/// A step that is no access to a register, for the tests that kill. Here it is nothing.
#[allow(dead_code, reason = "only what lies between system calls needs it")]
#[inline(always)]
pub(crate) fn crash_point(_: &'static str) {}

/// Declares constructors that are `const` here, and are not where loom's atomics stand in.
macro_rules! const_fn {
    ($($(#[$attribute:meta])* $vis:vis const fn $name:ident($($arg:tt)*) -> $ret:ty $body:block)*) => {
        $($(#[$attribute])* $vis const fn $name($($arg)*) -> $ret $body)*
    };
}

/// An array whose every element is a fresh evaluation of an expression, in a `const_fn`.
macro_rules! array {
    ($element:expr; $length:expr) => {
        [const { $element }; $length]
    };
}

pub(crate) use {array, const_fn};
