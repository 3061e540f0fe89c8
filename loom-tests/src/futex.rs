//! A futex for models, and sleeping places made with it.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use crate::algorithm::{Blocked, Wake};
use crate::atomic::{AtomicU32, Relaxed};
use crate::mutation::{Operation, ordering};
use crate::threads::{NAPS_LAST, Thread, ThreadId, current, drain, park, yield_now};
use crate::wait::{Channel, Deadline, Futex, Lot, Wait, Waker};

/// Who sleeps, and on the word at which address.
struct Sleeper {
    word: usize,
    thread: Thread,
    naps: bool,
}

std::thread_local! {
    /// All threads of a model run on one thread of the system and change in operations on the
    /// model's own memory only, so this needs no lock, and adds no order between them.
    static ASLEEP: RefCell<Vec<Sleeper>> = const { RefCell::new(Vec::new()) };
    /// The owners that have left, or are about to, without a look for sleepers.
    static LEAVING: RefCell<Vec<ThreadId>> = const { RefCell::new(Vec::new()) };
    /// How many have done so.
    static LEFT: Cell<usize> = const { Cell::new(0) };
    /// The same, as it was when each thread's last nap ended.
    static SEEN: RefCell<Vec<(ThreadId, usize)>> = const { RefCell::new(Vec::new()) };
}

/// To be called at the start of each execution: an earlier one that failed may have left sleepers.
pub(crate) fn nobody_sleeps() {
    ASLEEP.take();
    LEAVING.take();
    LEFT.take();
    SEEN.take();
}

/// To be called by an owner that leaves without a look.
pub(crate) fn leaves_unheeding() {
    LEAVING.with_borrow_mut(|leaving| leaving.push(current().id()));
}

/// Ends all naps, if this thread has left without a look: to be called when it has, before it waits
/// or ends. A nap that ended for no reason would only begin again, for ever if there are two.
pub(crate) fn time_passes() {
    let me = current().id();
    let gone = |id: &mut ThreadId| *id == me;
    if LEAVING.with_borrow_mut(|leaving| leaving.extract_if(.., gone).count() > 0) {
        // Others may run before its stores are seen.
        yield_now();
        drain();
        LEFT.set(LEFT.get() + 1);
        wake(|sleeper| sleeper.naps);
    }
}

/// Whether this nap is over when it begins: a thread's first one, for no reason; and another if
/// somebody has left without a look since the last, who is seen to have.
fn has_napped() -> bool {
    let (me, left) = (current().id(), LEFT.get());
    SEEN.with_borrow_mut(|seen| match seen.iter_mut().find(|(thread, _)| *thread == me) {
        None => {
            seen.push((me, 0));
            true
        }
        Some((_, before)) if *before != left => {
            *before = left;
            drain();
            true
        }
        Some(_) => false,
    })
}

fn wake(whom: impl Fn(&Sleeper) -> bool) {
    let whom = |sleeper: &mut Sleeper| whom(sleeper);
    let woken: Vec<_> = ASLEEP.with_borrow_mut(|asleep| asleep.extract_if(.., whom).collect());
    for Sleeper { thread, .. } in woken {
        thread.unpark();
    }
}

/// The kernel's promise: whoever sleeps slept while the word had the value expected.
pub(crate) struct ModelFutex;

impl Futex for ModelFutex {
    fn wait(&self, word: &AtomicU32, expected: u32, at_most: Duration) -> bool {
        // The kernel compares with the word as it is now; of loom's operations only an update reads
        // that.
        let now = word.fetch_or(0, Relaxed);
        assert!(now == expected || now >> 1 != expected >> 1, "a sleeper has not been announced");
        let naps = at_most < Duration::MAX;
        if now != expected || at_most.is_zero() {
            return false;
        } else if naps && (!NAPS_LAST || has_napped()) {
            yield_now();
            return true;
        }
        let me = current();
        let sleeper = Sleeper { word: address(word), thread: me.clone(), naps };
        ASLEEP.with_borrow_mut(|asleep| asleep.push(sleeper));
        // Woken for no reason it sleeps on: that might be what saves it.
        while ASLEEP.with_borrow(|asleep| asleep.iter().any(|it| it.thread.id() == me.id())) {
            park();
        }
        if naps {
            drain();
        }
        naps
    }

    fn wake_all(word: &AtomicU32) {
        // Between the waker's last step and this call others may run.
        word.fetch_or(0, Relaxed);
        wake(|sleeper| sleeper.word == address(word));
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

    pub(crate) fn place(&self, channel: u32) -> &Channel {
        &self.0[channel as usize % PLACES]
    }
}

impl Lot for &Places {
    fn sleep(&self, channel: u32, still: impl Fn() -> bool, at_most: Duration) {
        self.place(channel).sleep(&ModelFutex, still, || at_most);
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

    fn wait<L: Lot>(
        lot: &L,
        by: Blocked,
        _: u32,
        still: impl Fn() -> bool,
        deadline: &impl Deadline,
    ) {
        if let Some(left) = deadline.left() {
            lot.sleep(by.channel, still, left);
        }
    }

    fn pause() {
        yield_now();
    }
}
