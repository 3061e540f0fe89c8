//! Attempts that are taken back: they leave no trace, and nobody is left waiting for one.

use loom::sync::Arc;

use super::{Bounds, Protected, check, exhaustive, models, participants, preemptions, stepping};
use crate::algorithm::{
    Algorithm, Bakery, BlackWhite, Fast, Fenced, Filter, Intent, NobodySleeps, Peterson, Slot,
    Swapped, Ticket, Tournament, Turn, Withdraw, Withdrawal,
};

const TAKES_IT_BACK: Slot = Slot::new(1);

/// Whether it is in after looking once.
fn try_enter<A: Withdraw>(algorithm: &A, me: Slot) -> bool {
    algorithm.try_enter(me, &NobodySleeps)
}

/// The same for an attempt that is in line before it looks, as one with a deadline is.
fn enter_and_withdraw<A: Withdraw>(algorithm: &A, me: Slot) -> bool {
    if algorithm.enter(me, Intent::MayWithdraw, &NobodySleeps).is_err() {
        return false;
    }
    algorithm.poll(me, &NobodySleeps) == Turn::Mine
        || match algorithm.withdraw(me, &NobodySleeps) {
            Withdrawal::Mine => true,
            Withdrawal::Done => false,
            Withdrawal::TooLate => panic!("a withdrawal is never too late here"),
        }
}

/// The same, and comes again if it has withdrawn, until it is in.
fn come_again<A: Withdraw>(algorithm: &A, me: Slot) -> bool {
    if !enter_and_withdraw(algorithm, me) {
        algorithm.enter(me, Intent::Stay, &NobodySleeps).expect("open to those who stay");
        while algorithm.poll(me, &NobodySleeps) != Turn::Mine {
            loom::thread::yield_now();
        }
    }
    true
}

/// One participant takes its attempts back unless it is in at once; the other, who spins, gets in
/// all the same.
///
/// With more participants: see [`attempt`](super::attempt).
fn against<A: Withdraw + 'static>(bounds: Bounds, new: fn() -> A, attempt: fn(&A, Slot) -> bool) {
    check(bounds, move || {
        let shared = Arc::new(Protected::new(new()));
        (0..2).for_each(|index| shared.algorithm.join(Slot::new(index)));
        participants(&shared, 2, move |shared: &Protected<A>, me| {
            for _ in 0..bounds.rounds {
                if me != TAKES_IT_BACK {
                    shared.round(me);
                } else if attempt(&shared.algorithm, me) {
                    shared.touch();
                    shared.algorithm.leave(me, &NobodySleeps);
                }
            }
        });
        assert!(shared.touched() as usize >= bounds.rounds);
    });
}

/// Both ways, 2 participants: 1 round exhaustively; 2 rounds with 2 preemptions; and these with
/// fences that are steps.
fn both<A: Withdraw + 'static>(new: fn() -> A) {
    for bounds in [exhaustive(1), preemptions(2, 2), stepping(2, 2)] {
        against(bounds, new, try_enter);
        against(bounds, new, enter_and_withdraw);
    }
}

/// The fast mutex has no try: it withdraws while it is outside, and otherwise goes on until it is
/// in.
fn fast(bounds: Bounds) {
    check(bounds, move || {
        let shared = Arc::new(Protected::new(Fast::<2>::new()));
        participants(&shared, 2, move |shared: &Protected<Fast<2>>, me| {
            for _ in 0..bounds.rounds {
                if me != TAKES_IT_BACK {
                    shared.round(me);
                    continue;
                }
                shared.enter(me);
                loop {
                    match shared.algorithm.withdraw(me, &NobodySleeps) {
                        Withdrawal::Done => break,
                        Withdrawal::Mine => {
                            shared.touch();
                            break shared.algorithm.leave(me, &NobodySleeps);
                        }
                        Withdrawal::TooLate => {
                            shared.algorithm.poll(me, &NobodySleeps);
                            loom::thread::yield_now();
                        }
                    }
                }
            }
        });
        assert!(shared.touched() as usize >= bounds.rounds);
    });
}

models! {
    "withdrawal"
    /// See `both`.
    bakery: both(Bakery::<2>::new);
    /// See `both`.
    black_white: both(BlackWhite::<2>::new);
    /// 2 participants, 1 round, exhaustive.
    fast_2: fast(exhaustive(1));
    /// 2 participants, 2 rounds, 2 preemptions.
    fast_2_again: fast(preemptions(2, 2));
    /// See `both`.
    peterson_fenced: both(Peterson::<Fenced>::new);
    /// See `both`.
    peterson_swapped: both(Peterson::<Swapped>::new);
    /// See `both`.
    filter_fenced: both(Filter::<2, Fenced>::new);
    /// See `both`.
    filter_swapped: both(Filter::<2, Swapped>::new);
    /// See `both`.
    tournament_fenced: both(Tournament::<2, Fenced>::new);
    /// See `both`.
    tournament_swapped: both(Tournament::<2, Swapped>::new);
    /// See `both`.
    ticket: both(Ticket::<2>::new);
    /// 2 participants, 1 round, 4 preemptions.
    ticket_again: against(preemptions(1, 4), Ticket::<2>::new, come_again);
}
