//! A slot that one participant leaves is taken by the next, while somebody else competes.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;

use super::{Bounds, Looks, Protected, check, models, preemptions};
use crate::algorithm::{
    Algorithm, Bakery, BlackWhite, Fast, Fenced, Filter, Peterson, Slot, Swapped, Ticket,
    Tournament,
};

const HANDED_OVER: Slot = Slot::new(0);
const OTHER: Slot = Slot::new(1);

/// The flag is handed from one to the next as in the library's slot flags: stored with Release,
/// swapped with Acquire. Waits are assumed: for the flag, and for the turn.
fn hand_over<A: Algorithm + 'static>(looks: Looks, bounds: Bounds, new: fn() -> A) {
    check(bounds, move || {
        let shared = Arc::new((Protected::new(new()), AtomicBool::new(true)));
        shared.0.algorithm.join(HANDED_OVER);
        let next = {
            let shared = shared.clone();
            thread::spawn(move || {
                if !shared.1.swap(true, Ordering::Acquire) {
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
            shared.1.store(false, Ordering::Release);
        }
        next.join().expect("loom reports panics itself");
        other.join().expect("loom reports panics itself");
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
    /// 1 round each, 3 preemptions.
    ticket: hand_over(Looks::Idle, preemptions(1, 3), Ticket::<2>::new);
}
