//! A futex for loom, and sleeping places made with it.

use std::cell::RefCell;
use std::time::Duration;

use loom::thread::{self, Thread};

use crate::algorithm::Blocked;
use crate::atomic::{AtomicU32, Relaxed};
use crate::wait::{Channel, Deadline, Futex, Lot, Wait};

std::thread_local! {
    /// Who sleeps, and on the word at which address. Loom runs all threads of a model on one thread
    /// of the system and changes between them in its own operations only, so this needs no lock,
    /// and adds no order between them.
    static ASLEEP: RefCell<Vec<(usize, Thread)>> = const { RefCell::new(Vec::new()) };
}

/// The kernel's promise: whoever sleeps slept while the word had the value expected.
pub(super) struct ModelFutex;

impl Futex for ModelFutex {
    fn wait(word: &AtomicU32, expected: u32, at_most: Duration) {
        // The kernel compares with the word as it is now; of loom's operations only an update reads
        // that.
        if word.fetch_or(0, Relaxed) == expected && !at_most.is_zero() {
            ASLEEP.with_borrow_mut(|asleep| asleep.push((address(word), thread::current())));
            thread::park();
        }
    }

    fn wake_all(word: &AtomicU32) {
        // Between the waker's last step and this call others may run.
        word.fetch_or(0, Relaxed);
        ASLEEP.with_borrow_mut(|asleep| {
            for (_, sleeper) in asleep.extract_if(.., |(at, _)| *at == address(word)) {
                sleeper.unpark();
            }
        });
    }
}

fn address(word: &AtomicU32) -> usize {
    std::ptr::from_ref(word).addr()
}

/// Enough places for every channel of these models to have its own.
const PLACES: usize = 4;

#[derive(Debug)]
pub(super) struct Places([Channel; PLACES]);

impl Places {
    /// To be called once in each execution: an earlier one that failed may have left sleepers.
    pub(super) fn new() -> Self {
        ASLEEP.take();
        Self(std::array::from_fn(|_| Channel::new()))
    }

    fn place(&self, channel: u32) -> &Channel {
        &self.0[channel as usize % PLACES]
    }
}

impl Lot for &Places {
    fn sleep(&self, channel: u32, still: impl Fn() -> bool, at_most: Duration) {
        self.place(channel).sleep::<ModelFutex>(still, at_most);
    }

    fn wake(&self, channel: u32) {
        self.place(channel).wake::<ModelFutex>();
    }
}

/// Sleeps at once, and looks again whenever it is woken.
pub(super) struct Sleep;

impl Wait for Sleep {
    const SLEEPS: bool = true;

    fn wait<L: Lot>(lot: &L, by: Blocked, still: impl Fn() -> bool, deadline: &impl Deadline) {
        if let Some(left) = deadline.left() {
            lot.sleep(by.channel, still, left);
        }
    }

    fn pause() {
        thread::yield_now();
    }
}
