//! Where threads sleep: one table for all locks of the process.
//!
//! A lock has no sleeping places of its own, so it stays small. Two locks that share a place cost
//! each other needless wake-ups, nothing more. What it has is a notice of whether anybody sleeps.

use core::time::Duration;

use crate::wait::{Lot, Notice, QUIET};

/// The sleeping places of one lock, found by the address of its notice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThreadLot<'a> {
    notice: &'a Notice,
}

impl<'a> ThreadLot<'a> {
    #[inline]
    pub(crate) fn new(notice: &'a Notice) -> Self {
        Self { notice }
    }
}

#[cfg(all(feature = "std", target_os = "linux"))]
mod table {
    use crate::wait::{Channel, Notice};

    const PLACES: usize = 1024;

    static TABLE: [Channel; PLACES] = [const { Channel::new() }; PLACES];

    #[inline]
    pub(super) fn place(notice: &Notice, channel: u32) -> &'static Channel {
        // Neighbouring channels on different cache lines: an odd stride of more than a line's 16
        // words.
        const STRIDE: usize = 17;
        let address = core::ptr::from_ref(notice).addr();
        // Locks are at least four bytes apart; the higher bits mix in so that a row of locks does
        // not share places.
        let lock = (address >> 2) ^ (address >> 12);
        &TABLE[lock.wrapping_add((channel as usize).wrapping_mul(STRIDE)) % PLACES]
    }
}

#[cfg(all(feature = "std", target_os = "linux"))]
impl Lot for ThreadLot<'_> {
    #[inline]
    fn sleep(&self, channel: u32, still: impl Fn() -> bool, at_most: Duration) {
        let place = table::place(self.notice, channel);
        self.notice.sleep(&crate::wait::Private, place, still, at_most);
    }

    #[inline]
    fn wake(&self, channel: u32) {
        if self.notice.has_sleepers() {
            table::place(self.notice, channel).wake::<crate::wait::Private>();
        }
    }

    #[inline]
    fn wake_early(&self, find: impl FnOnce() -> Option<u32>) {
        if self.notice.has_sleepers()
            && let Some(channel) = find()
        {
            table::place(self.notice, channel).wake::<crate::wait::Private>();
        }
    }

    #[inline]
    fn owner_wakes(&self) -> bool {
        self.notice.heed::<QUIET>()
    }
}

/// Without futexes there is no [`Wait`](crate::wait::Wait) that sleeps here.
#[cfg(not(all(feature = "std", target_os = "linux")))]
impl Lot for ThreadLot<'_> {
    fn sleep(&self, _: u32, _: impl Fn() -> bool, _: Duration) {}
    fn wake(&self, _: u32) {}
    fn owner_wakes(&self) -> bool {
        self.notice.heed::<QUIET>()
    }
}

#[cfg(all(test, feature = "std", target_os = "linux"))]
mod tests {
    use core::time::Duration;
    use std::sync::Mutex;

    use super::ThreadLot;
    use crate::wait::{Lot, Notice, QUIET};

    #[test]
    fn owners_heed_sleepers_and_stop_when_there_are_none() {
        let notice = Notice::new();
        let lot = ThreadLot::new(&notice);
        for _ in 0..2 {
            assert!(!lot.owner_wakes(), "nobody has slept lately");
            let is_over = Mutex::new(false);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    while !*is_over.lock().unwrap() {
                        lot.sleep(0, || !*is_over.lock().unwrap(), Duration::MAX);
                    }
                });
                while !lot.owner_wakes() {
                    std::thread::yield_now();
                }
                *is_over.lock().unwrap() = true;
                lot.wake(0);
            });
            let heeding = (0..2 * QUIET).take_while(|_| lot.owner_wakes()).count();
            assert_eq!(heeding, QUIET as usize);
        }
    }
}
