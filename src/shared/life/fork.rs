//! Telling a child from the parent that it was forked from.

use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// How many forks lie between this process and the first one that asked.
static GENERATION: AtomicU32 = AtomicU32::new(0);

extern "C" fn in_child() {
    GENERATION.fetch_add(1, Relaxed);
}

/// A number that is another in a forked child than in its parent. (A child made by a bare `clone`
/// system call, behind the C library's back, keeps its parent's number.)
pub(crate) fn generation() -> u32 {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the handler does one atomic addition, which is allowed after a fork. If there is
        // no memory to register it, forked children go unnoticed.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    });
    now()
}

/// The same once [`generation`] has been asked: one load.
#[inline]
pub(crate) fn now() -> u32 {
    GENERATION.load(Relaxed)
}
