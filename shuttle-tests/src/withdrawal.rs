//! Among those who sleep are some who try, some who wait for a time only, and some who step out of
//! the line: they leave no trace, and nobody sleeps on for their sake.

use std::cell::Cell;
use std::time::Duration;

use crate::algorithm::{
    Algorithm, Bakery, BlackWhite, Bypass, Fast, Fenced, Filter, Slot, Swapped, Ticket, Tournament,
    Withdraw,
};
use crate::attempt::{self, Attempt};
use crate::exclusion::participants;
use crate::explore::{EXECUTIONS, explored};
use crate::futex::{Places, Sleep, Waking};
use crate::parking::Shared;
use crate::wait::Deadline;

/// Over after so many looks at the clock.
pub(crate) struct Patience(pub(crate) Cell<u32>);

impl Deadline for Patience {
    fn left(&self) -> Option<Duration> {
        let left = self.0.get().checked_sub(1)?;
        self.0.set(left);
        // The model's futex has no clock: a sleep that would end by itself ends at once.
        Some(Duration::ZERO)
    }
}

/// Steps out of the line after the doorway.
fn steps_out<A: Algorithm>(shared: &Shared<A>, me: Slot) {
    drop(Attempt::<_, _, Sleep>::enter_when_open(&shared.algorithm, me, &shared.places));
}

/// Tries, then waits for a time.
fn is_impatient<A: Withdraw>(shared: &Shared<A>, me: Slot) {
    let (algorithm, places) = (&shared.algorithm, &shared.places);
    let deadline = Patience(Cell::new(3));
    let waits = || {
        Attempt::<_, &Places, Sleep>::enter_until(algorithm, me, places, &deadline)
            .is_some_and(|attempt| attempt.wait_until(&deadline))
    };
    if attempt::try_lock::<_, _, Sleep>(algorithm, me, places) || waits() {
        shared.counter.add_one();
        attempt::leave::<_, _, Sleep>(algorithm, me, places);
    }
}

/// Tries, and wakes as a planted fault lets it.
fn tries<A: Withdraw>(shared: &Shared<A>, me: Slot) {
    let waking = Waking(&shared.places);
    if shared.algorithm.try_enter(me, &waking) {
        shared.counter.add_one();
        shared.algorithm.leave(me, &waking);
    }
}

/// Every other participant does this; the rest sleep until it is their turn.
fn among_sleepers<A: Algorithm + Send + Sync + 'static>(
    number: u32,
    rounds: u32,
    algorithm: A,
    other: fn(&Shared<A>, Slot),
) {
    let shared = Shared::new(algorithm);
    participants(&shared, number, move |shared: &Shared<A>, me| {
        shared.algorithm.join(me);
        for _ in 0..rounds {
            if me.index().is_multiple_of(2) {
                shared.round(me);
            } else {
                other(shared, me);
            }
        }
    });
    assert!(shared.counter.value() >= number.div_ceil(2) * rounds, "an update was lost");
}

explored! {
    /// 6 threads, 2 rounds.
    bakery(EXECUTIONS): among_sleepers(6, 2, Bakery::<6>::new(), is_impatient);
    /// 6 threads, 2 rounds.
    black_white(EXECUTIONS): among_sleepers(6, 2, BlackWhite::<6>::new(), is_impatient);
    /// 4 threads, 2 rounds.
    filter(EXECUTIONS): among_sleepers(4, 2, Filter::<4, Fenced>::new(), is_impatient);
    /// 6 threads, 2 rounds.
    tournament(EXECUTIONS): among_sleepers(6, 2, Tournament::<6, Swapped>::new(), is_impatient);
    /// 6 threads, 2 rounds.
    ticket(EXECUTIONS): among_sleepers(6, 2, Ticket::<6>::new(), is_impatient);
    bypass(EXECUTIONS): among_sleepers(6, 2, Bypass::<6, 6>::new(), is_impatient);
    /// 6 threads, 2 rounds.
    black_white_tried(EXECUTIONS): among_sleepers(6, 2, BlackWhite::<6>::new(), tries);
    /// 6 threads, 2 rounds.
    bakery_left(EXECUTIONS): among_sleepers(6, 2, Bakery::<6>::new(), steps_out);
    /// 4 threads, 2 rounds.
    fast_left(EXECUTIONS): among_sleepers(4, 2, Fast::<4>::new(), steps_out);
    /// 6 threads, 2 rounds.
    ticket_left(EXECUTIONS): among_sleepers(6, 2, Ticket::<6>::new(), steps_out);
    bypass_left(EXECUTIONS): among_sleepers(6, 2, Bypass::<6, 6>::new(), steps_out);
}
