//! Where the threads of a model sleep: stands in for the library's `src/local/lot.rs`.

use std::cell::RefCell;
use std::time::Duration;

use crate::futex::Places;
use crate::threads::global;
use crate::wait::Lot;

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

/// The sleeping places of one lock, found by its address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThreadLot {
    address: usize,
}

impl ThreadLot {
    pub(crate) fn of<T: ?Sized>(lock: &T) -> Self {
        Self { address: std::ptr::from_ref(lock).addr() }
    }

    fn places(self) -> &'static Places {
        let index = KNOWN.with_borrow_mut(|known| {
            known.iter().position(|&lock| lock == self.address).unwrap_or_else(|| {
                known.push(self.address);
                known.len() - 1
            })
        });
        &LOTS[index]
    }
}

impl Lot for ThreadLot {
    fn sleep(&self, channel: u32, still: impl Fn() -> bool, at_most: Duration) {
        self.places().sleep(channel, still, at_most);
    }

    fn wake(&self, channel: u32) {
        self.places().wake(channel);
    }
}
