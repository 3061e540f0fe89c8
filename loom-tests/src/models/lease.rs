//! Leased slots: the drop-in form of a lock with slots, for threads that come without one.

use std::sync::atomic::{AtomicU32, Ordering};

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread::{self, JoinHandle};

use super::attempt::Patience;
use super::{Bounds, check, models, preemptions};
use crate::algorithm::{Bakery, Fenced, Peterson, Withdraw};
use crate::atomic::AtomicBool;
use crate::futex::{Sleep, time_passes};
use crate::local::lease;
use crate::local::slotted::{Slotted, SlottedGuard};
use crate::thread_locals;

/// A mutex with `N` slots.
struct Mutex<A, const N: usize> {
    lock: Slotted<A, [AtomicBool; N], Sleep>,
    data: UnsafeCell<u32>,
}

impl<A: Withdraw, const N: usize> Mutex<A, N> {
    fn new(algorithm: A) -> Arc<Self> {
        let lock = Slotted::new(algorithm, std::array::from_fn(|_| AtomicBool::new(false)));
        Arc::new(Self { lock, data: UnsafeCell::new(0) })
    }

    /// What is done inside.
    fn touch(&self) {
        // SAFETY: loom lets nobody else in meanwhile, and reports whoever comes near.
        self.data.with_mut(|data| unsafe { *data += 1 });
    }

    /// How often it was touched. To be called after all threads have ended.
    fn touched(&self) -> u32 {
        // SAFETY: as above.
        self.data.with(|data| unsafe { *data })
    }

    fn round(&self) {
        let guard = self.lock.lock();
        self.touch();
        self.lock.unlock(guard);
    }
}

/// A thread that gives its index back when it ends.
fn spawn<R: 'static>(thread: impl FnOnce() -> R + 'static) -> JoinHandle<R> {
    thread::spawn(move || {
        let result = thread();
        time_passes();
        thread_locals::end();
        result
    })
}

fn joined<R>(thread: JoinHandle<R>) -> R {
    thread.join().expect("loom reports panics itself")
}

/// A thread for each of these, all at the same mutex; the last one is the model's first thread.
fn together<A: Withdraw + 'static, const N: usize>(
    algorithm: A,
    threads: &[fn(&Mutex<A, N>)],
) -> Arc<Mutex<A, N>> {
    let mutex = Mutex::new(algorithm);
    let (last, others) = threads.split_last().expect("one at least");
    let start = |&thread: &fn(&Mutex<A, N>)| {
        let mutex = mutex.clone();
        spawn(move || thread(&mutex))
    };
    let others: Vec<_> = others.iter().map(start).collect();
    last(&mutex);
    time_passes();
    others.into_iter().for_each(joined);
    assert!(!mutex.lock.is_locked(), "a slot was not given back");
    mutex
}

fn rounds<A: Withdraw, const N: usize>(mutex: &Mutex<A, N>, bounds: Bounds) {
    (0..bounds.rounds).for_each(|_| mutex.round());
    time_passes();
}

/// Every thread locks, as often as there are rounds. None ends before the model does, which keeps
/// it small.
fn locking<A: Withdraw + 'static, const N: usize>(threads: u32, bounds: Bounds, new: fn() -> A) {
    check(bounds, move || {
        let mutex = Mutex::<A, N>::new(new());
        let start = |_| {
            let mutex = mutex.clone();
            thread::spawn(move || rounds(&mutex, bounds))
        };
        let others: Vec<_> = (1..threads).map(start).collect();
        rounds(&mutex, bounds);
        others.into_iter().for_each(joined);
        assert_eq!(mutex.touched() as usize, threads as usize * bounds.rounds);
    });
}

/// Two threads that start and end as they happen to: with one index if one ends before the other
/// starts, and then with one slot.
fn handed_on(bounds: Bounds) {
    static HANDED_ON: AtomicU32 = AtomicU32::new(0);

    check(bounds, move || {
        let mutex = Mutex::<_, 3>::new(Bakery::<3>::new());
        let start = |_| {
            let mutex = mutex.clone();
            spawn(move || {
                (0..bounds.rounds).for_each(|_| mutex.round());
                lease::index().expect("a thread has an index")
            })
        };
        let threads: Vec<_> = (0..2).map(start).collect();
        let indices: Vec<_> = threads.into_iter().map(joined).collect();
        assert!(indices.iter().all(|&index| index < 2), "an index was not given back: {indices:?}");
        if indices[0] == indices[1] {
            HANDED_ON.fetch_add(1, Ordering::Relaxed);
        }
        assert_eq!(mutex.touched() as usize, 2 * bounds.rounds);
    });
    assert_ne!(HANDED_ON.load(Ordering::Relaxed), 0, "no index was ever handed on");
}

/// Locks once more after its lease is over, as a thread-local's destructor may.
fn outlives_its_lease<A: Withdraw, const N: usize>(mutex: &Mutex<A, N>) {
    mutex.round();
    thread_locals::end();
    mutex.round();
}

/// Has the lock when its lease should end.
fn ends_inside<A: Withdraw, const N: usize>(mutex: &Mutex<A, N>) {
    let guard = mutex.lock.lock();
    thread_locals::end();
    mutex.touch();
    mutex.lock.unlock(guard);
}

/// Tries again while it has the lock, with and without a deadline, and is refused; then again when
/// it has not, and may be.
fn reenters<A: Withdraw, const N: usize>(mutex: &Mutex<A, N>) {
    let refused = |answer: Option<SlottedGuard>| assert!(answer.is_none(), "two are inside");
    let guard = mutex.lock.lock();
    refused(mutex.lock.try_lock());
    refused(mutex.lock.lock_until(&Patience::new(2)));
    mutex.touch();
    mutex.lock.unlock(guard);
    if let Some(guard) = mutex.lock.try_lock() {
        mutex.touch();
        mutex.lock.unlock(guard);
    }
}

/// Waits for the lock, but not for long.
fn impatient<A: Withdraw, const N: usize>(mutex: &Mutex<A, N>) {
    if let Some(guard) = mutex.lock.lock_until(&Patience::new(3)) {
        mutex.touch();
        mutex.lock.unlock(guard);
    }
}

/// One thread does this while others lock.
fn against<A: Withdraw + 'static, const N: usize>(
    others: usize,
    bounds: Bounds,
    new: fn() -> A,
    thread: fn(&Mutex<A, N>),
) {
    check(bounds, move || {
        let mut threads: Vec<fn(&Mutex<A, N>)> = vec![Mutex::round; others];
        threads.push(thread);
        let mutex = together(new(), &threads);
        assert!(mutex.touched() as usize >= others);
    });
}

models! {
    "lease"
    /// 2 threads with own slots, 1 round, 3 preemptions.
    own_slots: locking::<_, 3>(2, preemptions(1, 3), Bakery::<3>::new);
    /// 2 threads with own slots, 2 rounds, 2 preemptions.
    own_slots_again: locking::<_, 3>(2, preemptions(2, 2), Bakery::<3>::new);
    /// 2 threads, 1 round, 3 preemptions.
    handed_on_2: handed_on(preemptions(1, 3));
    /// 2 threads, one of which ends and locks again, 3 preemptions.
    outlived: against::<_, 3>(1, preemptions(1, 3), Bakery::<3>::new, outlives_its_lease);
    /// 2 threads, one of which ends while it has the lock, 3 preemptions.
    ended_inside: against::<_, 3>(1, preemptions(1, 3), Bakery::<3>::new, ends_inside);
    /// 2 threads that share the only slot, 2 rounds, 2 preemptions.
    one_slot: locking::<_, 1>(2, preemptions(2, 2), Bakery::<1>::new);
    /// 3 threads, of which 2 share the last slot, 1 round, 2 preemptions.
    last_slot: locking::<_, 2>(3, preemptions(1, 2), Bakery::<2>::new);
    /// 3 threads, of which 2 share the last slot, 1 round, 2 preemptions.
    last_slot_of_peterson: locking::<_, 2>(3, preemptions(1, 2), Peterson::<Fenced>::new);
    /// 3 threads, of which 2 share the last slot and one waits only so long, 2 preemptions.
    last_slot_impatient: against::<_, 2>(2, preemptions(1, 2), Bakery::<2>::new, impatient);
    /// 2 threads with own slots, 2 preemptions.
    reentered: against::<_, 3>(1, preemptions(1, 2), Bakery::<3>::new, reenters);
    /// 2 threads that share the only slot, 2 preemptions.
    reentered_at_the_gate: against::<_, 1>(1, preemptions(1, 2), Bakery::<1>::new, reenters);
}
