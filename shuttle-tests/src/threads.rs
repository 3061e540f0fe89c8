//! The seam's other half, with shuttle's threads: stands in for the library's `src/threads.rs`.

pub(crate) use shuttle::sync::Mutex;
pub(crate) use shuttle::thread::{Thread, ThreadId, current, park, yield_now};

pub(crate) use crate::thread_locals::locals as thread_local;

/// Whether a nap lasts until somebody has left: here it ends when the scheduler says so.
pub(crate) const NAPS_LAST: bool = false;

/// Stores are seen at once here.
pub(crate) fn drain() {}

/// Nobody forks here.
pub(crate) fn in_forked_children(_: extern "C" fn()) {}

macro_rules! global {
    ($($(#[$doc:meta])* static $name:ident: $type:ty = $value:expr;)*) => {
        shuttle::lazy_static! { $($(#[$doc])* static ref $name: $type = $value;)* }
    };
}

pub(crate) use global;
