//! The black-white bakery's numbers are at most the number of participants; and who is in line at a
//! lock that nobody may pass is not passed.

use loom::sync::Arc;
use loom::thread;

use super::{Bounds, Looks, Protected, check, exhaustive, models, participants, preemptions};
use crate::algorithm::{
    Algorithm, BlackWhite, BypassInHand, BypassPlace, BypassQueue, Intent, NobodySleeps, Slot, Turn,
};

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

/// One comes while the head of the line goes in, which may or may not find somebody behind it.
fn line_of_two(bounds: Bounds) {
    /// Attempts need no slots.
    const NO_SLOT: Slot = Slot::new(0);
    type Queue = BypassQueue<0>;

    fn enter(lock: &Queue) -> BypassInHand<'_, 0> {
        let hand = BypassInHand::new(lock);
        hand.enter(NO_SLOT, Intent::Stay, &NobodySleeps).expect("open to those who stay");
        hand
    }

    fn out(hand: &BypassInHand<'_, 0>) {
        while hand.poll(NO_SLOT, &NobodySleeps) != Turn::Mine {
            thread::yield_now();
        }
        hand.leave(NO_SLOT, &NobodySleeps);
    }

    check(bounds, || {
        let lock = Arc::new(Queue::new());
        // Before there is another thread, so it costs no executions.
        let (first, head) = (enter(&lock), enter(&lock));
        out(&first);
        let late = {
            let lock = lock.clone();
            thread::spawn(move || {
                let hand = enter(&lock);
                if hand.place() != BypassPlace::Gone {
                    assert!(!lock.try_pass(), "somebody passes who may not");
                }
                out(&hand);
            })
        };
        out(&head);
        late.join().expect("loom reports panics itself");
    });
}

models! {
    "bound"
    /// 2 threads, exhaustive.
    bypass_line: line_of_two(exhaustive(1));
    /// 2 participants, 3 rounds, 3 preemptions.
    black_white_2: bound::<2>(preemptions(3, 3));
    /// 3 participants, 2 rounds, 2 preemptions.
    black_white_3: bound::<3>(preemptions(2, 2));
}
