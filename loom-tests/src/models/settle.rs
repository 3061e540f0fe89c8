//! A participant that has leaked its guard, or its place in the line, ends what it left behind.

use loom::sync::Arc;

use super::{Bounds, Protected, check, models, participants, preemptions};
use crate::algorithm::{
    Algorithm, Bakery, BlackWhite, Fast, Fenced, Filter, Peterson, Slot, Swapped, Ticket,
    Tournament,
};
use crate::attempt::{self, Attempt, State};
use crate::futex::{Places, Sleep};

const LEAKS: Slot = Slot::new(1);

fn round<A: Algorithm>(protected: &Protected<A>, me: Slot, places: &Places) {
    Attempt::<_, _, Sleep>::enter_when_open(&protected.algorithm, me, places).wait();
    protected.touch();
    attempt::leave::<_, _, Sleep>(&protected.algorithm, me, places);
}

/// One participant leaks, settles, and goes in once more, while the other waits asleep. As the
/// library's `Participant`, but that it settles at once.
fn leaked<A: Algorithm + 'static>(state: State, bounds: Bounds, new: fn() -> A) {
    check(bounds, move || {
        let shared = Arc::new((Protected::new(new()), Places::new()));
        (0..2).for_each(|index| shared.0.algorithm.join(Slot::new(index)));
        participants(&shared, 2, move |(protected, places): &(Protected<A>, Places), me| {
            if me == LEAKS {
                let (algorithm, mut state) = (&protected.algorithm, state);
                let attempt = Attempt::<_, _, Sleep>::enter_when_open(algorithm, me, places);
                if state == State::Inside {
                    attempt.wait();
                    protected.touch();
                } else {
                    core::mem::forget(attempt);
                }
                attempt::settle::<_, _, Sleep>(&mut state, algorithm, me, places);
                assert_eq!(state, State::Outside);
            }
            round(protected, me, places);
        });
        assert_eq!(shared.0.touched(), 2 + u32::from(state == State::Inside));
    });
}

/// 2 participants, 2 preemptions: a leaked guard, and a leaked place in the line.
fn both<A: Algorithm + 'static>(new: fn() -> A) {
    for state in [State::Inside, State::Waiting] {
        leaked(state, preemptions(1, 2), new);
    }
}

models! {
    "settle"
    /// See `both`.
    bakery: both(Bakery::<2>::new);
    /// See `both`.
    black_white: both(BlackWhite::<2>::new);
    /// See `both`.
    fast: both(Fast::<2>::new);
    /// See `both`.
    peterson: both(Peterson::<Fenced>::new);
    /// See `both`.
    filter: both(Filter::<2, Swapped>::new);
    /// See `both`.
    tournament: both(Tournament::<2, Swapped>::new);
    /// See `both`.
    ticket: both(Ticket::<2>::new);
}
