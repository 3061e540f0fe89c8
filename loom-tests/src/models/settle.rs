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

/// One participant leaks and settles, while the other waits asleep. As the library's `Participant`
/// when it is dropped, or locks again; but here it does no more, which would hide what it left.
fn leaked<A: Algorithm + 'static>(state: State, bounds: Bounds, new: fn() -> A) {
    check(bounds, move || {
        let shared = Arc::new((Protected::new(new()), Places::new()));
        (0..2).for_each(|index| shared.0.algorithm.join(Slot::new(index)));
        participants(&shared, 2, move |(protected, places): &(Protected<A>, Places), me| {
            let algorithm = &protected.algorithm;
            for _ in 0..bounds.rounds {
                let attempt = Attempt::<_, _, Sleep>::enter_when_open(algorithm, me, places);
                let mut state = if me == LEAKS { state } else { State::Inside };
                if state == State::Inside {
                    attempt.wait();
                    protected.touch();
                } else {
                    core::mem::forget(attempt);
                }
                if me == LEAKS {
                    attempt::settle::<_, _, Sleep>(&mut state, algorithm, me, places);
                    assert_eq!(state, State::Outside);
                } else {
                    attempt::leave::<_, _, Sleep>(algorithm, me, places);
                }
            }
        });
        let inside = 1 + usize::from(state == State::Inside);
        assert_eq!(shared.0.touched() as usize, inside * bounds.rounds);
    });
}

/// 2 participants, a leaked guard and a leaked place in the line: 1 round with 3 preemptions, 2
/// rounds with 2.
fn both<A: Algorithm + 'static>(new: fn() -> A) {
    for state in [State::Inside, State::Waiting] {
        leaked(state, preemptions(1, 3), new);
        leaked(state, preemptions(2, 2), new);
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
