//! Participants that sleep: no wake-up is lost. One that is, leaves a thread asleep for ever, and
//! shuttle reports a deadlock.

use std::sync::Arc;

use crate::algorithm::{
    Algorithm, Bakery, BlackWhite, Bypass, Fast, Fenced, Filter, Intent, Peterson, Slot, Swapped,
    Ticket, Tournament, Turn,
};
use crate::exclusion::{Counter, participants};
use crate::explore::{EXECUTIONS, explored};
use crate::futex::{Places, Sleep, Waking};
use crate::wait::{Never, Wait};

/// What the participants share.
pub(crate) struct Shared<A> {
    pub(crate) algorithm: A,
    pub(crate) places: Places,
    pub(crate) counter: Counter,
}

impl<A: Algorithm> Shared<A> {
    pub(crate) fn new(algorithm: A) -> Arc<Self> {
        Arc::new(Self { algorithm, places: Places::new(), counter: Counter::default() })
    }

    /// One round of a participant that sleeps until it is its turn.
    pub(crate) fn round(&self, me: Slot) {
        let (algorithm, waking) = (&self.algorithm, Waking(&self.places));
        algorithm.enter(me, Intent::Stay, &waking).expect("open to those who stay");
        while let Turn::Blocked(by) = algorithm.poll(me, &waking) {
            Sleep::wait(&&self.places, by, 0, || algorithm.is_blocked(me, by), &Never);
        }
        self.counter.add_one();
        algorithm.leave(me, &waking);
    }
}

fn sleeping<A: Algorithm + Send + Sync + 'static>(number: u32, rounds: u32, algorithm: A) {
    let shared = Shared::new(algorithm);
    participants(&shared, number, move |shared: &Shared<A>, me| {
        shared.algorithm.join(me);
        (0..rounds).for_each(|_| shared.round(me));
    });
    assert_eq!(shared.counter.value(), number * rounds, "an update was lost");
}

explored! {
    /// 6 threads, 2 rounds.
    bakery(EXECUTIONS): sleeping(6, 2, Bakery::<6>::new());
    /// 6 threads, 2 rounds.
    black_white(EXECUTIONS): sleeping(6, 2, BlackWhite::<6>::new());
    /// 5 threads, 2 rounds.
    fast(EXECUTIONS): sleeping(5, 2, Fast::<5>::new());
    /// 2 threads, 4 rounds.
    peterson_fenced(EXECUTIONS): sleeping(2, 4, Peterson::<Fenced>::new());
    /// 2 threads, 4 rounds.
    peterson_swapped(EXECUTIONS): sleeping(2, 4, Peterson::<Swapped>::new());
    /// 4 threads, 2 rounds.
    filter_fenced(EXECUTIONS): sleeping(4, 2, Filter::<4, Fenced>::new());
    /// 4 threads, 2 rounds.
    filter_swapped(EXECUTIONS): sleeping(4, 2, Filter::<4, Swapped>::new());
    /// 8 threads, 2 rounds.
    tournament_fenced(EXECUTIONS): sleeping(8, 2, Tournament::<8, Fenced>::new());
    /// 5 threads, 2 rounds: a tree that is not complete.
    tournament_swapped(EXECUTIONS): sleeping(5, 2, Tournament::<5, Swapped>::new());
    /// 8 threads, 2 rounds.
    ticket(EXECUTIONS): sleeping(8, 2, Ticket::<8>::new());
    bypass(EXECUTIONS): sleeping(8, 2, Bypass::<8, 6>::new());
}
