//! The black-white bakery's numbers are at most the number of participants; and who is in line at a
//! lock that may be passed so often is not passed more often.

use std::sync::atomic::{AtomicBool, Ordering};

use loom::sync::Arc;
use loom::thread;

use super::{Bounds, Looks, Protected, check, exhaustive, models, participants, preemptions};
use crate::algorithm::{
    Algorithm, BlackWhite, Bypass, BypassInHand, BypassPlace, BypassQueue, Intent, NobodySleeps,
    Slot, Turn,
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

/// One comes while the last ticket of the old colour leaves, and then the first of the new one,
/// which turns the colour to that of the former.
fn last_of_its_colour(bounds: Bounds) {
    const LAST: Slot = Slot::new(1);
    const FIRST: Slot = Slot::new(2);
    const COMES: Slot = Slot::new(0);
    type Lock = BlackWhite<3>;

    fn enter(lock: &Lock, slot: Slot) {
        lock.enter(slot, Intent::Stay, &NobodySleeps).expect("numbers are small");
        assert!(lock.number(slot) <= 3, "a number above the bound");
    }

    /// Its turn is assumed.
    fn out(lock: &Lock, slot: Slot) {
        if lock.poll(slot, &NobodySleeps) == Turn::Mine {
            lock.leave(slot, &NobodySleeps);
        }
    }

    check(bounds, || {
        let lock = Arc::new(Lock::new());
        let [a, b, c] = [COMES, LAST, FIRST];
        for slot in [a, b, c] {
            lock.join(slot);
        }
        // Before there is another thread, so it costs no executions: who comes (true), and who
        // leaves.
        let before = [
            (c, true), // alone
            (a, true), // 1 of colour 0
            (b, true), // 2
            (c, false),
            (a, false), // turns it to 1
            (c, true),  // 1 of colour 1
            (a, true),  // 2
            (b, false),
            (b, true),  // 3
            (c, false), // turns it to 0
            (c, true),  // 1 of colour 0
            (a, false),
        ];
        for (slot, comes) in before {
            if comes { enter(&lock, slot) } else { out(&lock, slot) }
        }
        assert_eq!([a, b, c].map(|slot| lock.number(slot)), [0, 3, 1]);
        let others = [LAST, FIRST].map(|slot| {
            let lock = lock.clone();
            thread::spawn(move || out(&lock, slot))
        });
        enter(&lock, COMES);
        for other in others {
            other.join().expect("loom reports panics itself");
        }
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

/// One comes before the head of a line of two goes in, and is passed meanwhile: it has to be of the
/// round that begins there.
fn last_of_a_round(bounds: Bounds) {
    const B: u32 = 4;
    const INSIDE: Slot = Slot::new(0);
    const HEAD: Slot = Slot::new(1);
    const SECOND: Slot = Slot::new(2);
    const LATE: Slot = Slot::new(3);
    const PASSES: Slot = Slot::new(4);
    type Lock = Bypass<5, B>;

    fn enter(lock: &Lock, slot: Slot) {
        lock.enter(slot, Intent::Stay, &NobodySleeps).expect("open to those who stay");
    }

    fn is_in(lock: &Lock, slot: Slot) -> bool {
        lock.poll(slot, &NobodySleeps) == Turn::Mine
    }

    /// Somebody goes in past those in line, if the gate lets it; whether it did.
    fn pass(lock: &Lock) -> bool {
        let passes = lock.try_pass(PASSES);
        if passes {
            lock.leave(PASSES, &NobodySleeps);
        }
        passes
    }

    check(bounds, || {
        let lock = Arc::new(Lock::new());
        for slot in [INSIDE, HEAD, SECOND] {
            enter(&lock, slot);
        }
        // Known to the model only, so it orders nothing.
        let late_waits = std::sync::Arc::new(AtomicBool::new(false));
        let late = {
            let (lock, waits) = (lock.clone(), late_waits.clone());
            thread::spawn(move || {
                enter(&lock, LATE);
                if is_in(&lock, LATE) {
                    lock.leave(LATE, &NobodySleeps);
                } else {
                    waits.store(true, Ordering::Relaxed);
                }
            })
        };
        let passing = {
            let (lock, waits) = (lock.clone(), late_waits.clone());
            thread::spawn(move || {
                let counts = |_: &u32| waits.load(Ordering::Relaxed) && pass(&lock);
                (0..B / 2).filter(counts).count()
            })
        };
        lock.leave(INSIDE, &NobodySleeps);
        while !is_in(&lock, HEAD) {
            thread::yield_now();
        }
        late.join().expect("loom reports panics itself");
        let mut passed = passing.join().expect("loom reports panics itself");
        if late_waits.load(Ordering::Relaxed) {
            for slot in [HEAD, SECOND] {
                assert!(is_in(&lock, slot));
                lock.leave(slot, &NobodySleeps);
                while pass(&lock) {
                    passed += 1;
                }
            }
            assert!(is_in(&lock, LATE));
        }
        assert!(passed <= B as usize, "passed {passed} times");
    });
}

models! {
    "bound"
    /// 2 threads, exhaustive.
    bypass_line: line_of_two(exhaustive(1));
    /// 3 threads, 3 preemptions.
    bypass_round: last_of_a_round(preemptions(1, 3));
    /// 2 participants, 3 rounds, 3 preemptions.
    black_white_2: bound::<2>(preemptions(3, 3));
    /// 3 participants, 2 rounds, 2 preemptions.
    black_white_3: bound::<3>(preemptions(2, 2));
    /// 3 participants, 2 preemptions.
    black_white_turned: last_of_its_colour(preemptions(1, 2));
}
