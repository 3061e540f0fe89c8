//! The seam's other half: what the leases of the drop-in locks need of threads.
//!
//! A file of its own beside [`atomic`](crate::atomic), since it needs std.

pub(crate) use std::sync::Mutex;
pub(crate) use std::thread_local;

/// Declares statics, which the models make anew for each execution.
macro_rules! global {
    ($(static $name:ident: $type:ty = $value:expr;)*) => {
        $(static $name: $type = $value;)*
    };
}

pub(crate) use global;
