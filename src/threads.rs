//! The seam's other half: what the drop-in locks need of threads.
//!
//! A file of its own beside [`atomic`](crate::atomic), since it needs std.

pub(crate) use std::sync::Mutex;
pub(crate) use std::thread_local;

/// Has this run in each child that is forked from here on, by the thread that forked it and before
/// anything else there. To be called with one function only, as often as one likes.
///
/// A child made by a bare `clone` system call, behind the C library's back, does not run it; nor does
/// any if there is no memory to remember it.
#[cfg(target_os = "linux")]
pub(crate) fn in_forked_children(run: extern "C" fn()) {
    use std::sync::atomic::{
        AtomicBool,
        Ordering::{Acquire, Release},
    };

    static REMEMBERED: AtomicBool = AtomicBool::new(false);

    // Not a `Once`: a child forked while some thread is in it would wait for that thread for ever. If
    // several threads come here at once, each has it run.
    if !REMEMBERED.load(Acquire) {
        // SAFETY: what is run does atomic loads and stores, and reads a thread-local without a
        // destructor; both are allowed after a fork.
        unsafe { libc::pthread_atfork(None, None, Some(run)) };
        // Release, and Acquire above: whoever finds it raised comes after the call. Forbids: an index
        // taken before there is somebody to forget it.
        REMEMBERED.store(true, Release);
    }
}

/// Elsewhere a forked child keeps its parent's indices: its new threads have others.
#[cfg(not(target_os = "linux"))]
pub(crate) fn in_forked_children(_: extern "C" fn()) {}

/// Declares statics, which the models make anew for each execution.
macro_rules! global {
    ($($(#[$doc:meta])* static $name:ident: $type:ty = $value:expr;)*) => {
        $($(#[$doc])* static $name: $type = $value;)*
    };
}

pub(crate) use global;
