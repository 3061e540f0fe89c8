//! The black-white bakery's numbers are at most the number of participants.

use loom::sync::Arc;

use super::{Bounds, Looks, Protected, check, models, participants, preemptions};
use crate::algorithm::{Algorithm, BlackWhite, NobodySleeps, Slot};

/// Waits are assumed; a participant that stops stays in line, and the bound counts it.
fn bound<const N: usize>(bounds: Bounds) {
    check(bounds, move || {
        let number = u32::try_from(N).expect("a few");
        let shared = Arc::new(Protected::new(BlackWhite::<N>::new()));
        (0..number).for_each(|index| shared.algorithm.join(Slot::new(index)));
        participants(&shared, number, move |shared: &Protected<BlackWhite<N>>, me| {
            for _ in 0..bounds.rounds {
                shared.enter(me);
                assert!(shared.algorithm.number(me) <= number, "a number above the bound");
                if !shared.assume_turn(me, Looks::Idle) {
                    return;
                }
                shared.algorithm.leave(me, &NobodySleeps);
            }
        });
    });
}

models! {
    "bound"
    /// 2 participants, 3 rounds, 3 preemptions.
    black_white_2: bound::<2>(preemptions(3, 3));
    /// 3 participants, 2 rounds, 2 preemptions.
    black_white_3: bound::<3>(preemptions(2, 2));
}
