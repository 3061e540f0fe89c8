//! Waiters that sleep: no wake-up is lost. One that is, leaves a thread asleep for ever, and loom
//! reports a deadlock.

use loom::sync::Arc;

use super::{
    Bounds, BypassHands, Hands, Protected, check, exhaustive, models, participants, preemptions,
    stepping,
};
use crate::algorithm::{
    Algorithm, Bakery, BlackWhite, Bypass, Fast, Fenced, Filter, Intent, Peterson, Slot, Swapped,
    Ticket, Tournament, Turn, Withdraw, Withdrawal,
};
use crate::futex::{Places, Sleep, Waking};
use crate::wait::{Never, Wait};

fn parking<A: Algorithm + 'static>(number: u32, bounds: Bounds, new: fn() -> A) {
    check(bounds, move || {
        let shared = Arc::new((Protected::new(new()), Places::new()));
        (0..number).for_each(|index| shared.0.algorithm.join(Slot::new(index)));
        participants(&shared, number, move |shared: &(Protected<A>, Places), me| {
            let (protected, places) = shared;
            (0..bounds.rounds).for_each(|_| round(protected, places, me));
        });
        assert_eq!(shared.0.touched() as usize, number as usize * bounds.rounds);
    });
}

fn round<A: Algorithm>(protected: &Protected<A>, places: &Places, me: Slot) {
    let (algorithm, waking) = (&protected.algorithm, Waking(places));
    algorithm.enter(me, Intent::Stay, &waking).expect("open to those who stay");
    while let Turn::Blocked(by) = algorithm.poll(me, &waking) {
        Sleep::wait(&places, by, 0, || algorithm.is_blocked(me, by), &Never);
    }
    protected.touch();
    algorithm.leave(me, &waking);
}

/// The same with one participant that takes its attempts back unless it is in at once, while the
/// others sleep.
fn withdrawing<A: Withdraw + 'static>(number: u32, bounds: Bounds, new: fn() -> A) {
    const TAKES_IT_BACK: Slot = Slot::new(0);

    check(bounds, move || {
        let shared = Arc::new((Protected::new(new()), Places::new()));
        (0..number).for_each(|index| shared.0.algorithm.join(Slot::new(index)));
        participants(&shared, number, move |shared: &(Protected<A>, Places), me| {
            let (protected, places) = shared;
            for _ in 0..bounds.rounds {
                if me != TAKES_IT_BACK {
                    round(protected, places, me);
                } else if protected.algorithm.try_enter(me, &Waking(places)) {
                    protected.touch();
                    protected.algorithm.leave(me, &Waking(places));
                }
            }
        });
        assert!(shared.0.touched() as usize >= (number as usize - 1) * bounds.rounds);
    });
}

/// Two in the middle take a place in the line and give it up again, unless it is their turn, while
/// the others sleep.
fn taken_back<A: Withdraw + 'static>(number: u32, bounds: Bounds, new: fn() -> A) {
    check(bounds, move || {
        let shared = Arc::new((Protected::new(new()), Places::new()));
        (0..number).for_each(|index| shared.0.algorithm.join(Slot::new(index)));
        participants(&shared, number, move |(protected, places): &(Protected<A>, Places), me| {
            let (algorithm, waking) = (&protected.algorithm, Waking(places));
            for _ in 0..bounds.rounds {
                if !(1..3).contains(&me.index()) {
                    round(protected, places, me);
                    continue;
                }
                if algorithm.enter(me, Intent::MayWithdraw, &waking).is_err() {
                    continue;
                }
                if algorithm.poll(me, &waking) == Turn::Mine
                    || algorithm.withdraw(me, &waking) == Withdrawal::Mine
                {
                    protected.touch();
                    algorithm.leave(me, &waking);
                }
            }
        });
        assert!(shared.0.touched() as usize >= (number as usize - 2) * bounds.rounds);
    });
}

models! {
    "parking"
    /// 2 participants, 1 round, 4 preemptions.
    bakery_2: parking(2, preemptions(1, 4), Bakery::<2>::new);
    /// 2 participants, 2 rounds, 2 preemptions.
    bakery_2_again: parking(2, preemptions(2, 2), Bakery::<2>::new);
    /// 3 participants, 1 round, 2 preemptions.
    bakery_3: parking(3, preemptions(1, 2), Bakery::<3>::new);
    /// 2 participants, 1 round, 4 preemptions.
    black_white_2: parking(2, preemptions(1, 4), BlackWhite::<2>::new);
    /// 2 participants, 2 rounds, 2 preemptions.
    black_white_2_again: parking(2, preemptions(2, 2), BlackWhite::<2>::new);
    /// 3 participants, 1 round, 2 preemptions.
    black_white_3: parking(3, preemptions(1, 2), BlackWhite::<3>::new);
    /// 2 participants, 1 round, 4 preemptions.
    fast_2: parking(2, preemptions(1, 4), Fast::<2>::new);
    /// 2 participants, 2 rounds, 3 preemptions.
    fast_2_again: parking(2, preemptions(2, 3), Fast::<2>::new);
    /// 3 participants, 1 round, 2 preemptions.
    fast_3: parking(3, preemptions(1, 2), Fast::<3>::new);
    /// 2 participants, 1 round, 4 preemptions.
    peterson_fenced: parking(2, preemptions(1, 4), Peterson::<Fenced>::new);
    /// 2 participants, 2 rounds, 2 preemptions.
    peterson_fenced_again: parking(2, preemptions(2, 2), Peterson::<Fenced>::new);
    /// 2 participants, 1 round, 4 preemptions.
    peterson_swapped: parking(2, preemptions(1, 4), Peterson::<Swapped>::new);
    /// 2 participants, 2 rounds, 2 preemptions.
    peterson_swapped_again: parking(2, preemptions(2, 2), Peterson::<Swapped>::new);
    /// 2 participants, 1 round, 4 preemptions.
    filter_fenced_2: parking(2, preemptions(1, 4), Filter::<2, Fenced>::new);
    /// 2 participants, 2 rounds, 2 preemptions.
    filter_fenced_2_again: parking(2, preemptions(2, 2), Filter::<2, Fenced>::new);
    /// 2 participants, 1 round, 4 preemptions.
    filter_swapped_2: parking(2, preemptions(1, 4), Filter::<2, Swapped>::new);
    /// 2 participants, 2 rounds, 2 preemptions.
    filter_swapped_2_again: parking(2, preemptions(2, 2), Filter::<2, Swapped>::new);
    /// 3 participants, 1 round, 2 preemptions.
    filter_swapped_3: parking(3, preemptions(1, 2), Filter::<3, Swapped>::new);
    /// 2 participants, 1 round, 4 preemptions.
    tournament_fenced_2: parking(2, preemptions(1, 4), Tournament::<2, Fenced>::new);
    /// 2 participants, 1 round, 4 preemptions.
    tournament_swapped_2: parking(2, preemptions(1, 4), Tournament::<2, Swapped>::new);
    /// 2 participants, 2 rounds, 2 preemptions.
    tournament_swapped_2_again: parking(2, preemptions(2, 2), Tournament::<2, Swapped>::new);
    /// 3 participants, 1 round, 2 preemptions.
    tournament_swapped_3: parking(3, preemptions(1, 2), Tournament::<3, Swapped>::new);
    /// 2 participants, 1 round, exhaustive.
    ticket_2: parking(2, exhaustive(1), Ticket::<2>::new);
    /// 2 participants, 2 rounds, 3 preemptions.
    ticket_2_again: parking(2, preemptions(2, 3), Ticket::<2>::new);
    /// 3 participants, 1 round, 3 preemptions.
    ticket_3: parking(3, preemptions(1, 3), Ticket::<3>::new);
    /// 2 participants, 2 rounds, 3 preemptions.
    queue_2_again: parking(2, preemptions(2, 3), || Hands::new(2));
    /// 3 participants, 1 round, 3 preemptions.
    queue_3: parking(3, preemptions(1, 3), || Hands::new(3));
    /// 3 participants, 1 round, 3 preemptions.
    queue_taken_back_3: taken_back(3, preemptions(1, 3), || Hands::new(3));
    /// 2 participants, 2 rounds, 4 preemptions.
    bypass_2_again: parking(2, preemptions(2, 4), || BypassHands::new(2));
    /// 3 participants, 1 round, 3 preemptions.
    bypass_3: parking(3, preemptions(1, 3), || BypassHands::new(3));
    /// 3 participants, 1 round, 3 preemptions.
    bypass_taken_back_3: taken_back(3, preemptions(1, 3), || BypassHands::new(3));
    /// 2 participants, 2 rounds, 3 preemptions.
    bypass_slots_2_again: parking(2, preemptions(2, 3), Bypass::<2, 2>::new);
    /// 3 participants, 1 round, 2 preemptions.
    bypass_slots_3: parking(3, preemptions(1, 2), Bypass::<3, 2>::new);
    /// 3 participants, 1 round, 2 preemptions.
    bypass_slots_taken_back_3: taken_back(3, preemptions(1, 2), Bypass::<3, 2>::new);
    /// 3 participants, 1 round, 2 preemptions.
    ticket_taken_back_3: taken_back(3, preemptions(1, 2), Ticket::<3>::new);
    /// 2 participants, 1 round, 3 preemptions.
    bakery_withdrawing: withdrawing(2, preemptions(1, 3), Bakery::<2>::new);
    /// 2 participants, 1 round, 3 preemptions.
    black_white_withdrawing: withdrawing(2, preemptions(1, 3), BlackWhite::<2>::new);
    /// 2 participants, 1 round, 3 preemptions.
    peterson_fenced_withdrawing: withdrawing(2, preemptions(1, 3), Peterson::<Fenced>::new);
    /// 2 participants, 1 round, 3 preemptions.
    filter_fenced_withdrawing: withdrawing(2, preemptions(1, 3), Filter::<2, Fenced>::new);
    /// 2 participants, 1 round, 3 preemptions.
    tournament_fenced_withdrawing: withdrawing(2, preemptions(1, 3), Tournament::<2, Fenced>::new);
    /// 2 participants, 1 round, 3 preemptions.
    ticket_withdrawing: withdrawing(2, preemptions(1, 3), Ticket::<2>::new);
    /// 3 participants, 1 round, 2 preemptions.
    bakery_withdrawing_3: withdrawing(3, preemptions(1, 2), Bakery::<3>::new);
    /// 3 participants, 1 round, 2 preemptions.
    black_white_withdrawing_3: withdrawing(3, preemptions(1, 2), BlackWhite::<3>::new);
    /// 3 participants, 1 round, 2 preemptions.
    tournament_withdrawing_3: withdrawing(3, preemptions(1, 2), Tournament::<3, Swapped>::new);

    /// 2 participants, 1 round, 3 preemptions, fences are steps.
    bakery_stepping: parking(2, stepping(1, 3), Bakery::<2>::new);
    /// 2 participants, 1 round, 3 preemptions, fences are steps.
    black_white_stepping: parking(2, stepping(1, 3), BlackWhite::<2>::new);
    /// 2 participants, 1 round, 3 preemptions, fences are steps.
    fast_stepping: parking(2, stepping(1, 3), Fast::<2>::new);
    /// 2 participants, 1 round, 3 preemptions, fences are steps.
    peterson_stepping: parking(2, stepping(1, 3), Peterson::<Fenced>::new);
    /// 2 participants, 1 round, 3 preemptions, fences are steps.
    filter_stepping: parking(2, stepping(1, 3), Filter::<2, Fenced>::new);
    /// 2 participants, 1 round, 3 preemptions, fences are steps.
    tournament_stepping: parking(2, stepping(1, 3), Tournament::<2, Swapped>::new);
    /// 2 participants, 1 round, 3 preemptions, fences are steps.
    ticket_stepping: parking(2, stepping(1, 3), Ticket::<2>::new);
    /// 2 participants, 1 round, 3 preemptions, fences are steps.
    queue_stepping: parking(2, stepping(1, 3), || Hands::new(2));
    /// 3 participants, 1 round, 2 preemptions, fences are steps.
    queue_taken_back_stepping: taken_back(3, stepping(1, 2), || Hands::new(3));
    /// 2 participants, 1 round, 3 preemptions, fences are steps.
    bypass_stepping: parking(2, stepping(1, 3), || BypassHands::new(2));
    /// 2 participants, 1 round, 3 preemptions, fences are steps.
    bypass_slots_stepping: parking(2, stepping(1, 3), Bypass::<2, 2>::new);
}
