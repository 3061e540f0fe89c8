//! Where threads sleep: one table for all locks of the process.
//!
//! A lock has no sleeping places of its own, so it stays small. Two locks that share a place cost
//! each other needless wake-ups, nothing more.

use core::time::Duration;

use crate::wait::Lot;

/// The sleeping places of one lock, found by its address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThreadLot {
    #[cfg_attr(not(all(feature = "std", target_os = "linux")), expect(dead_code))]
    address: usize,
}

impl ThreadLot {
    #[inline]
    pub(crate) fn of<T: ?Sized>(lock: &T) -> Self {
        Self { address: core::ptr::from_ref(lock).addr() }
    }
}

#[cfg(all(feature = "std", target_os = "linux"))]
mod table {
    use crate::wait::Channel;

    const PLACES: usize = 1024;

    static TABLE: [Channel; PLACES] = [const { Channel::new() }; PLACES];

    #[inline]
    pub(super) fn place(address: usize, channel: u32) -> &'static Channel {
        // Neighbouring channels on different cache lines: an odd stride of more than a line's 16
        // words.
        const STRIDE: usize = 17;
        // Locks are at least four bytes apart; the higher bits mix in so that a row of locks does
        // not share places.
        let lock = (address >> 2) ^ (address >> 12);
        &TABLE[lock.wrapping_add((channel as usize).wrapping_mul(STRIDE)) % PLACES]
    }
}

#[cfg(all(feature = "std", target_os = "linux"))]
impl Lot for ThreadLot {
    #[inline]
    fn sleep(&self, channel: u32, still: impl Fn() -> bool, at_most: Duration) {
        table::place(self.address, channel).sleep::<crate::wait::Private>(still, at_most);
    }

    #[inline]
    fn wake(&self, channel: u32) {
        table::place(self.address, channel).wake::<crate::wait::Private>();
    }
}

/// Without futexes there is no [`Wait`](crate::wait::Wait) that sleeps here.
#[cfg(not(all(feature = "std", target_os = "linux")))]
impl Lot for ThreadLot {
    fn sleep(&self, _: u32, _: impl Fn() -> bool, _: Duration) {}
    fn wake(&self, _: u32) {}
}
