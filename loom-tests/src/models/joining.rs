//! Joining late: a slot above the mark is joined while those below it compete.

use loom::sync::Arc;

use super::{Bounds, Looks, Protected, check, exhaustive, models, participants, preemptions};
use crate::algorithm::{Algorithm, Bakery, BlackWhite};

/// Everybody joins in its own thread, and spins.
fn two<A: Algorithm + 'static>(bounds: Bounds, new: fn() -> A) {
    check(bounds, move || {
        let shared = Arc::new(Protected::new(new()));
        participants(&shared, 2, move |shared: &Protected<A>, me| {
            shared.algorithm.join(me);
            for _ in 0..bounds.rounds {
                shared.round(me);
            }
        });
        assert_eq!(shared.touched() as usize, 2 * bounds.rounds);
    });
}

/// The same with three, whose waits are assumed.
fn three<A: Algorithm + 'static>(bounds: Bounds, new: fn() -> A) {
    check(bounds, move || {
        let shared = Arc::new(Protected::new(new()));
        participants(&shared, 3, move |shared: &Protected<A>, me| {
            shared.algorithm.join(me);
            for _ in 0..bounds.rounds {
                if !shared.assumed_round(me, Looks::Idle) {
                    return;
                }
            }
        });
    });
}

models! {
    "joining"
    /// 2 participants, 1 round, exhaustive.
    bakery_2: two(exhaustive(1), Bakery::<2>::new);
    /// 2 participants, 2 rounds, 2 preemptions.
    bakery_2_again: two(preemptions(2, 2), Bakery::<2>::new);
    /// 3 participants, 1 round, 2 preemptions.
    bakery_3: three(preemptions(1, 2), Bakery::<3>::new);
    /// 2 participants, 1 round, exhaustive.
    black_white_2: two(exhaustive(1), BlackWhite::<2>::new);
    /// 2 participants, 2 rounds, 2 preemptions.
    black_white_2_again: two(preemptions(2, 2), BlackWhite::<2>::new);
    /// 3 participants, 1 round, 2 preemptions.
    black_white_3: three(preemptions(1, 2), BlackWhite::<3>::new);
}
