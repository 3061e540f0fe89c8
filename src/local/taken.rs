//! Which slots of a lock have a participant: a flag for each.

#[cfg(all(target_has_atomic = "8", not(bakery_lock_no_rmw)))]
use crate::atomic::Acquire;
use crate::atomic::{AtomicBool, Relaxed, Release};

/// Takes the first slot that nobody has.
#[cfg(all(target_has_atomic = "8", not(bakery_lock_no_rmw)))]
pub(crate) fn take_first(taken: &[AtomicBool]) -> Option<usize> {
    // Acquire: takes over the slot's registers as its last participant left them. Forbids: an access of
    // the new one before those.
    taken.iter().position(|taken| !taken.load(Relaxed) && !taken.swap(true, Acquire))
}

/// Takes a slot that nobody contends for.
pub(crate) fn take(taken: &[AtomicBool], slot: usize) {
    taken[slot].store(true, Relaxed);
}

/// Gives a slot back.
pub(crate) fn give_back(taken: &[AtomicBool], slot: usize) {
    // Release: hands the slot's registers to its next participant. Forbids: an access behind it.
    taken[slot].store(false, Release);
}
