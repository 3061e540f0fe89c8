//! A futex for models, and sleeping places made with it.

use std::cell::RefCell;
use std::time::Duration;

use crate::algorithm::{Blocked, Wake};
use crate::atomic::{AtomicU32, Relaxed};
use crate::mutation::{Operation, ordering};
use crate::threads::{Thread, current, park, yield_now};
use crate::wait::{Channel, Deadline, Futex, Lot, Wait, Waker};

std::thread_local! {
    /// Who sleeps, and on the word at which address. All threads of a model run on one thread of
    /// the system and change in operations on the model's own memory only, so this needs no lock,
    /// and adds no order between them.
    static ASLEEP: RefCell<Vec<(usize, Thread)>> = const { RefCell::new(Vec::new()) };
}

/// To be called at the start of each execution: an earlier one that failed may have left sleepers.
pub(crate) fn nobody_sleeps() {
    ASLEEP.take();
}

/// The kernel's promise: whoever sleeps slept while the word had the value expected.
pub(crate) struct ModelFutex;

impl Futex for ModelFutex {
    fn wait(word: &AtomicU32, expected: u32, at_most: Duration) {
        // The kernel compares with the word as it is now; of loom's operations only an update reads
        // that.
        let now = word.fetch_or(0, Relaxed);
        assert!(now == expected || now >> 1 != expected >> 1, "a sleeper has not been announced");
        if now == expected && !at_most.is_zero() {
            let me = current();
            ASLEEP.with_borrow_mut(|asleep| asleep.push((address(word), me.clone())));
            // Woken for no reason it sleeps on: that might be what saves it.
            while ASLEEP.with_borrow(|asleep| asleep.iter().any(|(_, it)| it.id() == me.id())) {
                park();
            }
        }
    }

    fn wake_all(word: &AtomicU32) {
        // Between the waker's last step and this call others may run.
        word.fetch_or(0, Relaxed);
        let here = |(at, _): &mut (usize, Thread)| *at == address(word);
        let woken: Vec<_> = ASLEEP.with_borrow_mut(|asleep| asleep.extract_if(.., here).collect());
        for (_, sleeper) in woken {
            sleeper.unpark();
        }
    }
}

fn address(word: &AtomicU32) -> usize {
    std::ptr::from_ref(word).addr()
}

/// Enough places for every channel of these models to have its own.
const PLACES: usize = 8;

#[derive(Debug)]
pub(crate) struct Places([Channel; PLACES]);

impl Places {
    pub(crate) fn new() -> Self {
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

/// Wakes as the library does, where the mutant in force lets it.
pub(crate) struct Waking<'a>(pub(crate) &'a Places);

impl Waking<'_> {
    fn waker(&self) -> Waker<&Places, Sleep> {
        Waker::new(self.0)
    }
}

impl Wake for Waking<'_> {
    #[track_caller]
    fn fence(&self) {
        if ordering(Operation::WakeFence, Relaxed).is_some() {
            self.waker().fence();
        }
    }

    #[track_caller]
    fn fence_after_rmw(&self) {
        if ordering(Operation::WakeFence, Relaxed).is_some() {
            self.waker().fence_after_rmw();
        }
    }

    #[track_caller]
    fn wake(&self, channel: u32) {
        if ordering(Operation::Wake, Relaxed).is_some() {
            self.waker().wake(channel);
        }
    }
}

/// Sleeps at once, and looks again whenever it is woken.
pub(crate) struct Sleep;

impl Wait for Sleep {
    const SLEEPS: bool = true;

    fn wait<L: Lot>(lot: &L, by: Blocked, still: impl Fn() -> bool, deadline: &impl Deadline) {
        if let Some(left) = deadline.left() {
            lot.sleep(by.channel, still, left);
        }
    }

    fn pause() {
        yield_now();
    }
}
