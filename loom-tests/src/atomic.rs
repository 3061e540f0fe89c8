//! The seam of the library, with loom's atomics: stands in for the library's `src/atomic.rs`.

#[allow(unused_imports)] // which of them are used depends on the sources that are included
pub(crate) use loom::hint::spin_loop;
pub(crate) use loom::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst},
    fence,
};

macro_rules! register {
    ($name:ident, $atomic:ident, $word:ty) => {
        #[derive(Debug)]
        pub(crate) struct $name(loom::sync::atomic::$atomic);

        impl $name {
            pub(crate) fn new(value: $word) -> Self {
                Self(loom::sync::atomic::$atomic::new(value))
            }
            pub(crate) fn load(&self, ordering: loom::sync::atomic::Ordering) -> $word {
                self.0.load(ordering)
            }
            pub(crate) fn store(&self, value: $word, ordering: loom::sync::atomic::Ordering) {
                self.0.store(value, ordering);
            }
        }
    };
}

register!(Register32, AtomicU32, u32);
register!(Register64, AtomicU64, u64);

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
