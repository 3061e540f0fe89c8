//! The library's own waiting loop, with deadlines: whoever is out of time withdraws, and whoever
//! sleeps is woken.

use std::cell::Cell;
use std::time::Duration;

use loom::sync::Arc;

use super::{Bounds, BypassHands, Protected, check, models, participants, preemptions};
use crate::algorithm::{
    Algorithm, Bakery, BlackWhite, Bypass, Fast, Fenced, Filter, Intent, Peterson, Slot, Swapped,
    Ticket, Tournament, Withdraw,
};
use crate::attempt::{self, Attempt};
use crate::futex::{Places, Sleep};
use crate::wait::Deadline;

/// Over after so many looks at the clock.
pub(super) struct Patience(Cell<u32>);

impl Patience {
    pub(super) fn new(looks: u32) -> Self {
        Self(Cell::new(looks))
    }
}

impl Deadline for Patience {
    fn left(&self) -> Option<Duration> {
        let left = self.0.get().checked_sub(1)?;
        self.0.set(left);
        // The model's futex has no clock: a sleep that would end by itself ends at once.
        Some(Duration::ZERO)
    }
}

const IMPATIENT: Slot = Slot::new(1);

fn out<A: Algorithm>(protected: &Protected<A>, me: Slot, places: &Places) {
    protected.touch();
    attempt::leave::<_, _, Sleep>(&protected.algorithm, me, places);
}

fn waits<A: Algorithm>(protected: &Protected<A>, me: Slot, places: &Places) {
    let algorithm = &protected.algorithm;
    Attempt::<_, _, Sleep>::enter_when_open(algorithm, me, places).wait();
    out(protected, me, places);
}

/// One participant tries, then waits for a time that is over when it has slept once; the others
/// wait asleep.
fn impatient<A: Withdraw + 'static>(number: u32, bounds: Bounds, new: fn() -> A) {
    check(bounds, move || {
        let shared = Arc::new((Protected::new(new()), Places::new()));
        (0..number).for_each(|index| shared.0.algorithm.join(Slot::new(index)));
        participants(&shared, number, move |(protected, places): &(Protected<A>, Places), me| {
            if me != IMPATIENT {
                return (0..bounds.rounds).for_each(|_| waits(protected, me, places));
            }
            let algorithm = &protected.algorithm;
            if attempt::try_lock::<_, _, Sleep>(algorithm, me, places) {
                return out(protected, me, places);
            }
            let deadline = Patience::new(2);
            let attempt = Attempt::<_, _, Sleep>::enter_until(algorithm, me, places, &deadline);
            if attempt.is_some_and(|attempt| attempt.wait_until(&deadline)) {
                out(protected, me, places);
            }
        });
        assert!(shared.0.touched() as usize >= (number as usize - 1) * bounds.rounds);
    });
}

/// One participant goes through the doorway and then drops its attempt, as one that panics does.
fn dropped<A: Algorithm + 'static>(bounds: Bounds, new: fn() -> A) {
    check(bounds, move || {
        let shared = Arc::new((Protected::new(new()), Places::new()));
        (0..2).for_each(|index| shared.0.algorithm.join(Slot::new(index)));
        participants(&shared, 2, move |(protected, places): &(Protected<A>, Places), me| {
            for _ in 0..bounds.rounds {
                if me == IMPATIENT {
                    let intent = Intent::MayWithdraw;
                    drop(Attempt::<_, _, Sleep>::enter(&protected.algorithm, me, places, intent));
                } else {
                    waits(protected, me, places);
                }
            }
        });
        assert_eq!(shared.0.touched() as usize, bounds.rounds);
    });
}

models! {
    "attempt"
    /// 2 participants, 1 round, 3 preemptions.
    bakery_2: impatient(2, preemptions(1, 3), Bakery::<2>::new);
    /// 3 participants, 1 round, 1 preemption.
    bakery_3: impatient(3, preemptions(1, 1), Bakery::<3>::new);
    /// 2 participants, 1 round, 3 preemptions.
    black_white_2: impatient(2, preemptions(1, 3), BlackWhite::<2>::new);
    /// 3 participants, 1 round, 1 preemption.
    black_white_3: impatient(3, preemptions(1, 1), BlackWhite::<3>::new);
    /// 2 participants, 1 round, 3 preemptions.
    peterson_fenced: impatient(2, preemptions(1, 3), Peterson::<Fenced>::new);
    /// 2 participants, 1 round, 3 preemptions.
    filter_swapped_2: impatient(2, preemptions(1, 3), Filter::<2, Swapped>::new);
    /// 2 participants, 1 round, 3 preemptions.
    tournament_swapped_2: impatient(2, preemptions(1, 3), Tournament::<2, Swapped>::new);
    /// 2 participants, 1 round, 3 preemptions.
    ticket_2: impatient(2, preemptions(1, 3), Ticket::<2>::new);
    /// A ticket withdrawn between two others is passed over. 3 participants, 1 round, 3
    /// preemptions.
    ticket_3: impatient(3, preemptions(1, 3), Ticket::<3>::new);
    /// 3 participants, 2 rounds, 2 preemptions.
    ticket_3_again: impatient(3, preemptions(2, 2), Ticket::<3>::new);
    /// 3 participants, 1 round, 3 preemptions.
    bypass_3: impatient(3, preemptions(1, 3), || BypassHands::new(3));
    /// 3 participants, 1 round, 2 preemptions.
    bypass_slots_3: impatient(3, preemptions(1, 2), Bypass::<3, 2>::new);
    /// 2 participants, 1 round, 3 preemptions.
    bakery_dropped: dropped(preemptions(1, 3), Bakery::<2>::new);
    /// 2 participants, 1 round, 3 preemptions.
    fast_dropped: dropped(preemptions(1, 3), Fast::<2>::new);
    /// 2 participants, 2 rounds, 2 preemptions.
    ticket_dropped: dropped(preemptions(2, 2), Ticket::<2>::new);
}
