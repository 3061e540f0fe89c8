//! Where the threads of a model sleep: stands in for the library's `src/local/lot.rs`.

use std::cell::RefCell;
use std::time::Duration;

use crate::futex::{ModelFutex, Places, leaves_unheeding, time_passes};
use crate::threads::global;
use crate::wait::{Lot, Notice};

/// How many owners see nobody asleep before they stop heeding: in the library more.
const QUIET: u32 = 0;

/// The locks of one model.
const LOCKS: usize = 2;

global! {
    static LOTS: [Places; LOCKS] = std::array::from_fn(|_| Places::new());
}

std::thread_local! {
    /// The locks that were slept at or woken from, in the order of their first time: their
    /// addresses are others in each execution.
    static KNOWN: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// To be called at the start of each execution.
pub(crate) fn forget() {
    KNOWN.take();
}

/// The sleeping places of one lock, found by the address of its notice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThreadLot<'a> {
    notice: &'a Notice,
}

impl<'a> ThreadLot<'a> {
    pub(crate) fn new(notice: &'a Notice) -> Self {
        Self { notice }
    }

    fn places(self) -> &'static Places {
        let address = std::ptr::from_ref(self.notice).addr();
        let index = KNOWN.with_borrow_mut(|known| {
            known.iter().position(|&lock| lock == address).unwrap_or_else(|| {
                known.push(address);
                known.len() - 1
            })
        });
        &LOTS[index]
    }
}

impl Lot for ThreadLot<'_> {
    fn sleep(&self, channel: u32, still: impl Fn() -> bool, at_most: Duration) {
        time_passes();
        self.notice.sleep(&ModelFutex, self.places().place(channel), still, at_most);
    }

    fn wake(&self, channel: u32) {
        if self.notice.has_sleepers() {
            self.places().wake(channel);
        }
    }

    fn owner_wakes(&self) -> bool {
        let wakes = self.notice.heed::<QUIET>();
        if !wakes {
            leaves_unheeding();
        }
        wakes
    }
}
