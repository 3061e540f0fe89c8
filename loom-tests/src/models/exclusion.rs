//! At most one participant is inside, and each critical section happens before the next.

use loom::sync::Arc;

use super::{
    Bounds, BypassHands, Hands, Looks, Protected, check, exhaustive, models, participants,
    preemptions, stepping,
};
use crate::algorithm::{
    Algorithm, Bakery, BlackWhite, Bypass, Fast, Fenced, Filter, Peterson, Slot, Swapped, Ticket,
    Tournament,
};

fn joined<A: Algorithm>(number: u32, new: fn() -> A) -> Arc<Protected<A>> {
    let shared = Arc::new(Protected::new(new()));
    for index in 0..number {
        shared.algorithm.join(Slot::new(index));
    }
    shared
}

/// Participants that spin: also shows that everybody gets in.
fn spinning<A: Algorithm + 'static>(number: u32, bounds: Bounds, new: fn() -> A) {
    check(bounds, move || {
        let shared = joined(number, new);
        participants(&shared, number, move |shared: &Protected<A>, me| {
            for _ in 0..bounds.rounds {
                shared.round(me);
            }
        });
        assert_eq!(shared.touched() as usize, number as usize * bounds.rounds);
    });
}

/// Participants whose waits are assumed to succeed (see [`Protected::assume_turn`]).
fn assumed<A: Algorithm + 'static>(number: u32, bounds: Bounds, new: fn() -> A) {
    assumed_with(Looks::Idle, number, bounds, new);
}

fn assumed_with<A: Algorithm + 'static>(looks: Looks, number: u32, bounds: Bounds, new: fn() -> A) {
    check(bounds, move || {
        let shared = joined(number, new);
        participants(&shared, number, move |shared: &Protected<A>, me| {
            for _ in 0..bounds.rounds {
                if !shared.assumed_round(me, looks) {
                    return;
                }
            }
        });
    });
}

models! {
    "exclusion"
    /// 2 participants, 1 round, exhaustive.
    bakery_2: spinning(2, exhaustive(1), Bakery::<2>::new);
    /// 2 participants, 2 rounds, 3 preemptions.
    bakery_2_again: spinning(2, preemptions(2, 3), Bakery::<2>::new);
    /// 3 participants, 1 round, 3 preemptions, waits assumed.
    bakery_3: assumed(3, preemptions(1, 3), Bakery::<3>::new);
    /// 3 participants, 2 rounds, 2 preemptions, waits assumed.
    bakery_3_again: assumed(3, preemptions(2, 2), Bakery::<3>::new);

    /// 2 participants, 1 round, exhaustive.
    black_white_2: spinning(2, exhaustive(1), BlackWhite::<2>::new);
    /// 2 participants, 2 rounds, 3 preemptions.
    black_white_2_again: spinning(2, preemptions(2, 3), BlackWhite::<2>::new);
    /// 3 participants, 1 round, 3 preemptions, waits assumed.
    black_white_3: assumed(3, preemptions(1, 3), BlackWhite::<3>::new);
    /// 3 participants, 2 rounds, 2 preemptions, waits assumed.
    black_white_3_again: assumed(3, preemptions(2, 2), BlackWhite::<3>::new);

    /// 2 participants, 1 round, exhaustive.
    fast_2: spinning(2, exhaustive(1), Fast::<2>::new);
    /// 2 participants, 2 rounds, 3 preemptions.
    fast_2_again: spinning(2, preemptions(2, 3), Fast::<2>::new);
    /// 3 participants, 1 round, 3 preemptions, waits assumed.
    fast_3: assumed_with(Looks::Active, 3, preemptions(1, 3), Fast::<3>::new);
    /// 3 participants, 2 rounds, 2 preemptions, waits assumed.
    fast_3_again: assumed_with(Looks::Active, 3, preemptions(2, 2), Fast::<3>::new);

    /// 2 participants, 1 round, exhaustive.
    peterson_fenced: spinning(2, exhaustive(1), Peterson::<Fenced>::new);
    /// 2 participants, 2 rounds, 3 preemptions.
    peterson_fenced_again: spinning(2, preemptions(2, 3), Peterson::<Fenced>::new);
    /// 2 participants, 1 round, exhaustive.
    peterson_swapped: spinning(2, exhaustive(1), Peterson::<Swapped>::new);
    /// 2 participants, 2 rounds, 3 preemptions.
    peterson_swapped_again: spinning(2, preemptions(2, 3), Peterson::<Swapped>::new);

    /// 2 participants, 1 round, exhaustive.
    filter_fenced_2: spinning(2, exhaustive(1), Filter::<2, Fenced>::new);
    /// 2 participants, 2 rounds, 3 preemptions.
    filter_fenced_2_again: spinning(2, preemptions(2, 3), Filter::<2, Fenced>::new);
    /// 3 participants, 1 round, 3 preemptions, waits assumed.
    filter_fenced_3: assumed(3, preemptions(1, 3), Filter::<3, Fenced>::new);
    /// 3 participants, 2 rounds, 2 preemptions, waits assumed.
    filter_fenced_3_again: assumed(3, preemptions(2, 2), Filter::<3, Fenced>::new);
    /// 2 participants, 1 round, exhaustive.
    filter_swapped_2: spinning(2, exhaustive(1), Filter::<2, Swapped>::new);
    /// 2 participants, 2 rounds, 3 preemptions.
    filter_swapped_2_again: spinning(2, preemptions(2, 3), Filter::<2, Swapped>::new);
    /// 3 participants, 1 round, 3 preemptions, waits assumed.
    filter_swapped_3: assumed(3, preemptions(1, 3), Filter::<3, Swapped>::new);
    /// 3 participants, 2 rounds, 2 preemptions, waits assumed.
    filter_swapped_3_again: assumed(3, preemptions(2, 2), Filter::<3, Swapped>::new);

    /// 2 participants, 1 round, exhaustive.
    tournament_fenced_2: spinning(2, exhaustive(1), Tournament::<2, Fenced>::new);
    /// 2 participants, 2 rounds, 3 preemptions.
    tournament_fenced_2_again: spinning(2, preemptions(2, 3), Tournament::<2, Fenced>::new);
    /// 3 participants, 1 round, 3 preemptions, waits assumed.
    tournament_fenced_3: assumed(3, preemptions(1, 3), Tournament::<3, Fenced>::new);
    /// 3 participants, 2 rounds, 2 preemptions, waits assumed.
    tournament_fenced_3_again: assumed(3, preemptions(2, 2), Tournament::<3, Fenced>::new);
    /// 2 participants, 1 round, exhaustive.
    tournament_swapped_2: spinning(2, exhaustive(1), Tournament::<2, Swapped>::new);
    /// 2 participants, 2 rounds, 3 preemptions.
    tournament_swapped_2_again: spinning(2, preemptions(2, 3), Tournament::<2, Swapped>::new);
    /// 3 participants, 1 round, 3 preemptions, waits assumed.
    tournament_swapped_3: assumed(3, preemptions(1, 3), Tournament::<3, Swapped>::new);
    /// 3 participants, 2 rounds, 2 preemptions, waits assumed.
    tournament_swapped_3_again: assumed(3, preemptions(2, 2), Tournament::<3, Swapped>::new);

    /// 2 participants, 2 rounds, exhaustive.
    ticket_2: spinning(2, exhaustive(2), Ticket::<2>::new);
    /// 3 participants, 2 rounds, 3 preemptions, waits assumed.
    ticket_3: assumed(3, preemptions(2, 3), Ticket::<3>::new);
    /// 2 participants, 2 rounds, 4 preemptions.
    queue_2: spinning(2, preemptions(2, 4), || Hands::new(2));
    /// 3 participants, 2 rounds, 2 preemptions, waits assumed.
    queue_3: assumed(3, preemptions(2, 2), || Hands::new(3));
    /// 2 participants, 1 round, exhaustive.
    bypass_2: spinning(2, exhaustive(1), || BypassHands::new(2));
    /// 2 participants, 2 rounds, 5 preemptions.
    bypass_2_again: spinning(2, preemptions(2, 5), || BypassHands::new(2));
    /// 3 participants, 1 round, 4 preemptions, waits assumed.
    bypass_3: assumed_with(Looks::Active, 3, preemptions(1, 4), || BypassHands::new(3));
    /// 3 participants, 2 rounds, 3 preemptions, waits assumed.
    bypass_3_again: assumed_with(Looks::Active, 3, preemptions(2, 3), || BypassHands::new(3));

    /// 2 participants, 1 round, exhaustive.
    bypass_slots_2: spinning(2, exhaustive(1), Bypass::<2, 2>::new);
    /// 2 participants, 2 rounds, 3 preemptions.
    bypass_slots_2_again: spinning(2, preemptions(2, 3), Bypass::<2, 2>::new);
    /// 3 participants, 1 round, 3 preemptions, waits assumed.
    bypass_slots_3: assumed_with(Looks::Active, 3, preemptions(1, 3), Bypass::<3, 2>::new);

    /// 2 participants, 1 round, 4 preemptions, fences are steps.
    bakery_stepping: spinning(2, stepping(1, 4), Bakery::<2>::new);
    /// 2 participants, 2 rounds, 3 preemptions, fences are steps.
    bakery_stepping_again: spinning(2, stepping(2, 3), Bakery::<2>::new);
    /// 2 participants, 1 round, 4 preemptions, fences are steps.
    black_white_stepping: spinning(2, stepping(1, 4), BlackWhite::<2>::new);
    /// 2 participants, 2 rounds, 3 preemptions, fences are steps.
    black_white_stepping_again: spinning(2, stepping(2, 3), BlackWhite::<2>::new);
    /// 2 participants, 1 round, 4 preemptions, fences are steps.
    fast_stepping: spinning(2, stepping(1, 4), Fast::<2>::new);
    /// 2 participants, 2 rounds, 3 preemptions, fences are steps.
    fast_stepping_again: spinning(2, stepping(2, 3), Fast::<2>::new);
    /// 2 participants, 1 round, 4 preemptions, fences are steps.
    peterson_stepping: spinning(2, stepping(1, 4), Peterson::<Fenced>::new);
    /// 2 participants, 2 rounds, 3 preemptions, fences are steps.
    peterson_stepping_again: spinning(2, stepping(2, 3), Peterson::<Fenced>::new);
    /// 2 participants, 1 round, 4 preemptions, fences are steps.
    filter_stepping: spinning(2, stepping(1, 4), Filter::<2, Fenced>::new);
    /// 2 participants, 2 rounds, 3 preemptions, fences are steps.
    filter_stepping_again: spinning(2, stepping(2, 3), Filter::<2, Fenced>::new);
    /// 2 participants, 1 round, 4 preemptions, fences are steps.
    tournament_stepping: spinning(2, stepping(1, 4), Tournament::<2, Fenced>::new);
    /// 2 participants, 2 rounds, 3 preemptions, fences are steps.
    tournament_stepping_again: spinning(2, stepping(2, 3), Tournament::<2, Fenced>::new);
    /// 3 participants, 1 round, 2 preemptions, fences are steps, waits assumed.
    fast_stepping_3: assumed_with(Looks::Active, 3, stepping(1, 2), Fast::<3>::new);
    /// 3 participants, 2 rounds, 2 preemptions, fences are steps, waits assumed.
    fast_stepping_3_again: assumed_with(Looks::Active, 3, stepping(2, 2), Fast::<3>::new);
}
