//! At most one participant is inside: participants that spin, and yield between looks.

use std::sync::Arc;

use shuttle::thread::{self, yield_now};

use crate::algorithm::{
    Algorithm, Bakery, BlackWhite, Bypass, Fast, Fenced, Filter, Intent, NobodySleeps, Peterson,
    Slot, Swapped, Ticket, Tournament, Turn,
};
use crate::explore::{EXECUTIONS, explored};

/// A counter that is read and then written: two who are inside at once lose an update.
#[derive(Debug, Default)]
pub(crate) struct Counter(shuttle::sync::atomic::AtomicU32);

impl Counter {
    pub(crate) fn add_one(&self) {
        let seen = self.value();
        self.0.store(seen + 1, std::sync::atomic::Ordering::SeqCst);
    }

    pub(crate) fn value(&self) -> u32 {
        self.0.load(std::sync::atomic::Ordering::SeqCst)
    }
}

/// Runs a participant in each slot from 0, each in a thread of its own.
pub(crate) fn participants<S: Send + Sync + 'static>(
    shared: &Arc<S>,
    number: u32,
    participant: impl Fn(&S, Slot) + Copy + Send + 'static,
) {
    let start = |index| {
        let shared = shared.clone();
        thread::spawn(move || participant(&shared, Slot::new(index)))
    };
    let threads: Vec<_> = (0..number).map(start).collect();
    for thread in threads {
        thread.join().expect("shuttle reports panics itself");
    }
}

fn spinning<A: Algorithm + Send + Sync + 'static>(number: u32, rounds: u32, algorithm: A) {
    let shared = Arc::new((algorithm, Counter::default()));
    participants(&shared, number, move |(algorithm, counter): &(A, Counter), me| {
        algorithm.join(me);
        for _ in 0..rounds {
            algorithm.enter(me, Intent::Stay, &NobodySleeps).expect("open to those who stay");
            while algorithm.poll(me, &NobodySleeps) != Turn::Mine {
                yield_now();
            }
            counter.add_one();
            algorithm.leave(me, &NobodySleeps);
        }
    });
    assert_eq!(shared.1.value(), number * rounds, "an update was lost");
}

explored! {
    /// 6 threads, 2 rounds.
    bakery(EXECUTIONS): spinning(6, 2, Bakery::<6>::new());
    /// 6 threads, 2 rounds.
    black_white(EXECUTIONS): spinning(6, 2, BlackWhite::<6>::new());
    /// 5 threads, 2 rounds.
    fast(EXECUTIONS): spinning(5, 2, Fast::<5>::new());
    /// 2 threads, 4 rounds.
    peterson_fenced(EXECUTIONS): spinning(2, 4, Peterson::<Fenced>::new());
    /// 2 threads, 4 rounds.
    peterson_swapped(EXECUTIONS): spinning(2, 4, Peterson::<Swapped>::new());
    /// 4 threads, 2 rounds.
    filter_fenced(EXECUTIONS): spinning(4, 2, Filter::<4, Fenced>::new());
    /// 4 threads, 2 rounds.
    filter_swapped(EXECUTIONS): spinning(4, 2, Filter::<4, Swapped>::new());
    /// 8 threads, 2 rounds.
    tournament_fenced(EXECUTIONS): spinning(8, 2, Tournament::<8, Fenced>::new());
    /// 5 threads, 2 rounds: a tree that is not complete.
    tournament_swapped(EXECUTIONS): spinning(5, 2, Tournament::<5, Swapped>::new());
    /// 8 threads, 2 rounds.
    ticket(EXECUTIONS): spinning(8, 2, Ticket::<8>::new());
    bypass(EXECUTIONS): spinning(8, 2, Bypass::<8, 6>::new());
}
