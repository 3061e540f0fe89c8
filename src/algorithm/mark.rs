//! The high-water mark of joined slots: how far a scan has to look.
//!
//! Between one thread and many, the scan of empty slots is what a bakery costs. A slot below the
//! mark may be empty; a slot at or above it has never been used.

use crate::algorithm::Slot;
#[cfg(all(target_has_atomic = "32", not(bakery_lock_no_rmw)))]
use crate::atomic::{AtomicU32, Relaxed, const_fn};

#[cfg(all(target_has_atomic = "32", not(bakery_lock_no_rmw)))]
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Mark(AtomicU32);

#[cfg(all(target_has_atomic = "32", not(bakery_lock_no_rmw)))]
impl Mark {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self(AtomicU32::new(0))
        }
    }

    /// Raises the mark over a slot.
    ///
    /// No ordering of its own: whoever raises it, or finds it raised, passes the first fence of its
    /// doorway next, and a scan that follows a later fence reads this mark or a higher one.
    #[inline]
    pub(crate) fn raise(&self, over: Slot) {
        let wanted = over.number() + 1;
        if self.0.load(Relaxed) < wanted {
            self.0.fetch_max(wanted, Relaxed);
        }
    }

    /// The part of an array of slots that a scan has to look at.
    ///
    /// To be read anew in each scan, after the fence that precedes the scan: a mark kept from
    /// before misses a newcomer, and then there are two owners.
    #[inline]
    pub(crate) fn joined<'a, T>(&self, slots: &'a [T]) -> &'a [T] {
        let mark = self.0.load(Relaxed) as usize;
        &slots[..mark.min(slots.len())]
    }
}

/// Without a read-modify-write two joiners could lower the mark: scan everything.
#[cfg(not(all(target_has_atomic = "32", not(bakery_lock_no_rmw))))]
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Mark(u32);

#[cfg(not(all(target_has_atomic = "32", not(bakery_lock_no_rmw))))]
impl Mark {
    pub(crate) const fn new() -> Self {
        Self(0)
    }

    #[inline]
    #[expect(clippy::unused_self, reason = "the other form needs it")]
    pub(crate) fn raise(&self, _: Slot) {}

    #[inline]
    #[expect(clippy::unused_self, reason = "the other form needs it")]
    pub(crate) fn joined<'a, T>(&self, slots: &'a [T]) -> &'a [T] {
        slots
    }
}
