//! Leased slots: more threads than slots, some of which end while others start.

use std::cell::Cell;
use std::sync::Arc;

use shuttle::thread::{self, JoinHandle};

use crate::algorithm::{Bakery, Peterson, Swapped, Tournament, Withdraw};
use crate::atomic::AtomicBool;
use crate::exclusion::Counter;
use crate::explore::{EXECUTIONS, explored};
use crate::futex::Sleep;
use crate::local::slotted::Slotted;
use crate::thread_locals;
use crate::withdrawal::Patience;

/// A mutex with `N` slots.
struct Mutex<A, const N: usize> {
    lock: Slotted<A, [AtomicBool; N], Sleep>,
    counter: Counter,
}

impl<A: Withdraw, const N: usize> Mutex<A, N> {
    fn round(&self) {
        let guard = self.lock.lock();
        assert!(self.lock.try_lock().is_none(), "two are inside");
        self.counter.add_one();
        self.lock.unlock(guard);
    }

    /// Tries, and waits for a time. How often it was in.
    fn impatient_round(&self) -> u32 {
        let tried = self.lock.try_lock().or_else(|| self.lock.lock_until(&Patience(Cell::new(4))));
        let inside = u32::from(tried.is_some());
        if let Some(guard) = tried {
            self.counter.add_one();
            self.lock.unlock(guard);
        }
        inside
    }

    /// Is inside when its lease should end.
    fn ends_inside(&self) {
        let guard = self.lock.lock();
        thread_locals::end();
        self.counter.add_one();
        self.lock.unlock(guard);
    }
}

/// A thread that gives its index back when it ends.
fn spawn<R: Send + 'static>(thread: impl FnOnce() -> R + Send + 'static) -> JoinHandle<R> {
    thread::spawn(move || {
        let result = thread();
        thread_locals::end();
        result
    })
}

/// So many rows of threads, in each of which one starts when the one before has ended.
fn leasing<A: Withdraw + Send + Sync + 'static, const N: usize>(
    rows: usize,
    generations: usize,
    algorithm: A,
) {
    let lock = Slotted::new(algorithm, std::array::from_fn(|_| AtomicBool::new(false)));
    let mutex = Arc::new(Mutex::<A, N> { lock, counter: Counter::default() });
    let start = |row| {
        let mutex = mutex.clone();
        thread::spawn(move || {
            let generation = |index| {
                let mutex = mutex.clone();
                let thread = spawn(move || match (row + index) % 3 {
                    0 => {
                        mutex.ends_inside();
                        1
                    }
                    1 => mutex.impatient_round(),
                    _ => {
                        mutex.round();
                        thread_locals::end();
                        mutex.round();
                        2
                    }
                });
                thread.join().expect("shuttle reports panics itself")
            };
            (0..generations).map(generation).sum::<u32>()
        })
    };
    let rows: Vec<_> = (0..rows).map(start).collect();
    let visits: u32 = rows.into_iter().map(|row| row.join().expect("as above")).sum();
    assert_eq!(mutex.counter.value(), visits, "an update was lost");
    assert!(!mutex.lock.is_locked(), "a slot was not given back");
}

explored! {
    /// 4 rows of 3 threads, 3 slots.
    bakery(EXECUTIONS): leasing::<_, 3>(4, 3, Bakery::<3>::new());
    /// 5 rows of 2 threads, 1 slot.
    bakery_of_one(EXECUTIONS): leasing::<_, 1>(5, 2, Bakery::<1>::new());
    /// 4 rows of 3 threads, 8 slots: nobody shares one.
    bakery_with_room(EXECUTIONS): leasing::<_, 8>(4, 3, Bakery::<8>::new());
    /// 4 rows of 3 threads, 2 slots.
    peterson(EXECUTIONS): leasing::<_, 2>(4, 3, Peterson::<Swapped>::new());
    /// 5 rows of 2 threads, 4 slots.
    tournament(EXECUTIONS): leasing::<_, 4>(5, 2, Tournament::<4, Swapped>::new());
}
