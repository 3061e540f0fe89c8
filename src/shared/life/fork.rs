//! Telling a child from the parent that it was forked from.

use std::sync::atomic::{
    AtomicBool, AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};

/// How many forks lie between this process and the first one that asked.
static GENERATION: AtomicU32 = AtomicU32::new(0);

extern "C" fn in_child() {
    GENERATION.fetch_add(1, Relaxed);
}

/// A number that is another in a forked child than in its parent. (A child made by a bare `clone`
/// system call, behind the C library's back, keeps its parent's number.)
pub(crate) fn generation() -> u32 {
    static REMEMBERED: AtomicBool = AtomicBool::new(false);

    // Not a `Once`: a child forked while some thread is in it would wait for that thread for ever. If
    // several threads come here at once, each fork counts more than once.
    if !REMEMBERED.load(Acquire) {
        // SAFETY: the handler does one atomic addition, which is allowed after a fork. If there is
        // no memory to register it, forked children go unnoticed.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
        // Release, and Acquire above: whoever finds it raised comes after the call. Forbids: a number
        // taken before there is a handler to change it.
        REMEMBERED.store(true, Release);
    }
    now()
}

/// The same once [`generation`] has been asked: one load.
#[inline]
pub(crate) fn now() -> u32 {
    GENERATION.load(Relaxed)
}
