//! The seam's other half, with loom's threads: stands in for the library's `src/threads.rs`.

pub(crate) use loom::thread::{Thread, ThreadId, current, park, yield_now};

use crate::atomic::SeqCst;
pub(crate) use crate::thread_locals::locals as thread_local;

/// Whether a nap lasts until somebody has left.
pub(crate) const NAPS_LAST: bool = true;

/// Stores are seen some time: by whoever drains after the one who stored did.
pub(crate) fn drain() {
    loom::sync::atomic::fence(SeqCst);
}

/// Nobody forks here.
pub(crate) fn in_forked_children(_: extern "C" fn()) {}

macro_rules! global {
    ($($(#[$doc:meta])* static $name:ident: $type:ty = $value:expr;)*) => {
        loom::lazy_static! { $($(#[$doc])* static ref $name: $type = $value;)* }
    };
}

pub(crate) use global;
