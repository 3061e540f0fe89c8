//! A slot that one participant leaves is taken by the next, while somebody else competes.

use loom::sync::Arc;
use loom::thread;

use super::{Bounds, Looks, Protected, check, exhaustive, models, preemptions};
use crate::algorithm::{
    Algorithm, Bakery, BlackWhite, Fast, Fenced, Filter, Peterson, Slot, Swapped, Ticket,
    Tournament,
};
use crate::atomic::AtomicBool;
use crate::local::taken;

const HANDED_OVER: Slot = Slot::new(0);
const OTHER: Slot = Slot::new(1);

/// One slot leaves, and another participant may join it. Waits are assumed: for the slot, and for the
/// turn.
fn hand_over<A: Algorithm + 'static>(looks: Looks, bounds: Bounds, new: fn() -> A) {
    check(bounds, move || {
        let flags = [AtomicBool::new(false), AtomicBool::new(false)];
        let shared = Arc::new((Protected::new(new()), flags));
        for slot in [HANDED_OVER, OTHER] {
            taken::take(&shared.1, slot.index());
        }
        shared.0.algorithm.join(HANDED_OVER);
        let next = {
            let shared = shared.clone();
            thread::spawn(move || {
                if let Some(index) = taken::take_first(&shared.1) {
                    assert_eq!(index, HANDED_OVER.index(), "the other slot has a participant");
                    shared.0.algorithm.join(HANDED_OVER);
                    shared.0.assumed_round(HANDED_OVER, looks);
                }
            })
        };
        let other = {
            let shared = shared.clone();
            thread::spawn(move || {
                shared.0.algorithm.join(OTHER);
                shared.0.assumed_round(OTHER, looks);
            })
        };
        if shared.0.assumed_round(HANDED_OVER, looks) {
            taken::give_back(&shared.1, HANDED_OVER.index());
        }
        next.join().expect("loom reports panics itself");
        other.join().expect("loom reports panics itself");
    });
}

/// A slot that was given back can be taken again, by one of two.
fn taken_again(bounds: Bounds) {
    check(bounds, || {
        let flags = Arc::new([AtomicBool::new(false), AtomicBool::new(false)]);
        taken::take(&*flags, HANDED_OVER.index());
        taken::give_back(&*flags, HANDED_OVER.index());
        let joins = |flags: &[AtomicBool; 2]| taken::take_first(flags).expect("room for two");
        let one = {
            let flags = flags.clone();
            thread::spawn(move || joins(&flags))
        };
        let two = joins(&flags);
        let one = one.join().expect("loom reports panics itself");
        assert_eq!(one + two, HANDED_OVER.index() + OTHER.index(), "one has no slot of its own");
    });
}

models! {
    "hand_over"
    /// 1 round each, 3 preemptions.
    bakery: hand_over(Looks::Idle, preemptions(1, 3), Bakery::<2>::new);
    /// 1 round each, 3 preemptions.
    black_white: hand_over(Looks::Idle, preemptions(1, 3), BlackWhite::<2>::new);
    /// 1 round each, 3 preemptions.
    fast: hand_over(Looks::Active, preemptions(1, 3), Fast::<2>::new);
    /// 1 round each, 3 preemptions.
    peterson_fenced: hand_over(Looks::Idle, preemptions(1, 3), Peterson::<Fenced>::new);
    /// 1 round each, 3 preemptions.
    peterson_swapped: hand_over(Looks::Idle, preemptions(1, 3), Peterson::<Swapped>::new);
    /// 1 round each, 3 preemptions.
    filter_fenced: hand_over(Looks::Idle, preemptions(1, 3), Filter::<2, Fenced>::new);
    /// 1 round each, 3 preemptions.
    filter_swapped: hand_over(Looks::Idle, preemptions(1, 3), Filter::<2, Swapped>::new);
    /// 1 round each, 3 preemptions.
    tournament_fenced: hand_over(Looks::Idle, preemptions(1, 3), Tournament::<2, Fenced>::new);
    /// 1 round each, 3 preemptions.
    tournament_swapped: hand_over(Looks::Idle, preemptions(1, 3), Tournament::<2, Swapped>::new);
    /// 2 participants, exhaustive.
    given_back: taken_again(exhaustive(1));
    /// 1 round each, 3 preemptions.
    ticket: hand_over(Looks::Idle, preemptions(1, 3), Ticket::<2>::new);
}
