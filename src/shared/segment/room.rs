//! How many slots have been joined so far, and the order of those who wait for one.

use crate::atomic::{Acquire, AtomicU32, Relaxed, Release, const_fn};

/// A segment's room. All zeros: nobody has joined yet.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Room {
    /// The high-water mark: a slot at or above it has never been joined, and its memory need not be
    /// there. It never falls.
    joined: AtomicU32,
    /// The ticket of the next one who has to wait for a slot. They wrap.
    ticket: AtomicU32,
}

impl Room {
    const_fn! {
        #[allow(dead_code, reason = "it is mapped; the models make some")]
        pub(crate) const fn new() -> Self {
            Self { joined: AtomicU32::new(0), ticket: AtomicU32::new(0) }
        }
    }

    /// How many slots may be touched.
    pub(crate) fn mark(&self) -> u32 {
        // Acquire: with `raise`, the memory of the slots below was there before it is touched.
        self.joined.load(Acquire)
    }

    /// Lets everybody touch the slots below `to`. Their memory is there.
    pub(crate) fn raise(&self, to: u32) {
        // Release: see `mark`.
        self.joined.fetch_max(to, Release);
    }

    /// A place in the line of those who wait for a slot. It orders nothing: the kernel is asked who
    /// is ahead.
    pub(crate) fn take_ticket(&self) -> u32 {
        self.ticket.fetch_add(1, Relaxed)
    }

    /// Whether nobody has ever waited for a slot, as far as this process knows. Behind a `SeqCst`
    /// fence it misses nobody who took a ticket, fenced, and then saw no free slot.
    pub(crate) fn has_never_been_full(&self) -> bool {
        self.ticket.load(Relaxed) == 0
    }
}
