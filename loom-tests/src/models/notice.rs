//! Owners that leave without a look for sleepers until they see a notice. A sleep that may not be
//! noticed is a nap, which ends by itself; whoever sleeps for longer and is not woken leaves a
//! deadlock.

use loom::sync::Arc;

use hasty::Hasty;

use super::{
    Bounds, BypassHands, Hands, Model, Protected, check, models, participants, preemptions,
};
use crate::algorithm::{
    Algorithm, Bakery, BlackWhite, Fast, Fenced, Filter, Peterson, Slot, Swapped, Ticket,
    Tournament, Withdraw,
};
use crate::attempt::{self, Attempt};
use crate::futex::Sleep;
use crate::local::lot::ThreadLot;
use crate::wait::Notice;

struct Noticed<A> {
    protected: Protected<A>,
    notice: Notice,
}

impl<A: Algorithm> Noticed<A> {
    fn lot(&self) -> ThreadLot<'_> {
        ThreadLot::new(&self.notice)
    }

    fn leave(&self, me: Slot) {
        self.protected.touch();
        attempt::leave::<_, _, Sleep>(&self.protected.algorithm, me, self.lot());
    }

    fn round(&self, me: Slot) {
        Attempt::<_, _, Sleep>::enter_when_open(&self.protected.algorithm, me, self.lot()).wait();
        self.leave(me);
    }
}

fn sleeping<A: Algorithm + 'static>(number: u32, bounds: Bounds, new: fn() -> A) {
    run(number, bounds, new, Noticed::round);
}

/// The same with one participant that takes its attempts back unless it is in at once.
fn withdrawing<A: Withdraw + 'static>(number: u32, bounds: Bounds, new: fn() -> A) {
    const TAKES_IT_BACK: Slot = Slot::new(0);

    run(number, bounds, new, |lock, me| {
        if me != TAKES_IT_BACK {
            lock.round(me);
        } else if attempt::try_lock::<_, _, Sleep>(&lock.protected.algorithm, me, lock.lot()) {
            lock.leave(me);
        }
    });
}

fn run<A: Algorithm + 'static>(
    number: u32,
    bounds: Bounds,
    new: fn() -> A,
    round: fn(&Noticed<A>, Slot),
) {
    check(bounds, move || {
        let shared = Arc::new(Noticed { protected: Protected::new(new()), notice: Notice::new() });
        (0..number).for_each(|index| shared.protected.algorithm.join(Slot::new(index)));
        participants(&shared, number, move |lock: &Noticed<A>, me| {
            (0..bounds.rounds).for_each(|_| round(lock, me));
        });
        assert!(shared.protected.touched() as usize >= (number as usize - 1) * bounds.rounds);
    });
}

/// What an algorithm is that only says that it hands on last.
mod hasty {
    use crate::algorithm::{
        Algorithm, Blocked, DoorwayClosed, Intent, Slot, Standing, Turn, Wake, Withdrawal,
    };

    pub(super) struct Hasty<A>(pub(super) A);

    // SAFETY: the algorithm within excludes; only waiting is at risk.
    unsafe impl<A: Algorithm> Algorithm for Hasty<A> {
        const FIRST_COME_FIRST_SERVED: bool = A::FIRST_COME_FIRST_SERVED;
        const HANDS_ON_LAST: bool = true;

        fn capacity(&self) -> usize {
            self.0.capacity()
        }
        fn join(&self, me: Slot) {
            self.0.join(me);
        }
        fn enter(&self, me: Slot, intent: Intent, wake: &impl Wake) -> Result<(), DoorwayClosed> {
            self.0.enter(me, intent, wake)
        }
        fn poll(&self, me: Slot, wake: &impl Wake) -> Turn {
            self.0.poll(me, wake)
        }
        fn is_blocked(&self, me: Slot, by: Blocked) -> bool {
            self.0.is_blocked(me, by)
        }
        fn standing(&self, of: Slot) -> Standing {
            self.0.standing(of)
        }
        fn leave(&self, me: Slot, wake: &impl Wake) {
            self.0.leave(me, wake);
        }
        fn withdraw(&self, me: Slot, wake: &impl Wake) -> Withdrawal {
            self.0.withdraw(me, wake)
        }
    }
}

models! {
    "notice"
    /// 2 participants, 1 round, 4 preemptions.
    bakery_2: sleeping(2, preemptions(1, 4), Bakery::<2>::new);
    /// 2 participants, 2 rounds, 2 preemptions.
    bakery_2_again: sleeping(2, preemptions(2, 2), Bakery::<2>::new);
    /// 3 participants, 1 round, 1 preemption.
    bakery_3: sleeping(3, preemptions(1, 1), Bakery::<3>::new);
    /// 2 participants, 2 rounds, 2 preemptions.
    black_white_2_again: sleeping(2, preemptions(2, 2), BlackWhite::<2>::new);
    /// 3 participants, 1 round, 1 preemption.
    black_white_3: sleeping(3, preemptions(1, 1), BlackWhite::<3>::new);
    /// 2 participants, 2 rounds, 2 preemptions.
    fast_2_again: sleeping(2, preemptions(2, 2), Fast::<2>::new);
    /// 3 participants, 1 round, 1 preemption.
    fast_3: sleeping(3, preemptions(1, 1), Fast::<3>::new);
    /// 2 participants, 2 rounds, 2 preemptions.
    peterson_fenced_again: sleeping(2, preemptions(2, 2), Peterson::<Fenced>::new);
    /// 2 participants, 2 rounds, 2 preemptions.
    peterson_swapped_again: sleeping(2, preemptions(2, 2), Peterson::<Swapped>::new);
    /// 2 participants, 2 rounds, 2 preemptions.
    filter_swapped_2_again: sleeping(2, preemptions(2, 2), Filter::<2, Swapped>::new);
    /// 3 participants, 1 round, 1 preemption.
    filter_swapped_3: sleeping(3, preemptions(1, 1), Filter::<3, Swapped>::new);
    /// 3 participants, 1 round, 1 preemption.
    tournament_swapped_3: sleeping(3, preemptions(1, 1), Tournament::<3, Swapped>::new);
    /// 2 participants, 2 rounds, 3 preemptions.
    ticket_2_again: sleeping(2, preemptions(2, 3), Ticket::<2>::new);
    /// 3 participants, 1 round, 2 preemptions.
    ticket_3: sleeping(3, preemptions(1, 2), Ticket::<3>::new);
    /// 3 participants, 1 round, 2 preemptions.
    queue_3: sleeping(3, preemptions(1, 2), || Hands::new(3));
    /// 2 participants, 2 rounds, 3 preemptions.
    queue_2_again: sleeping(2, preemptions(2, 3), || Hands::new(2));
    /// 2 participants, 2 rounds, 3 preemptions.
    bypass_2_again: sleeping(2, preemptions(2, 3), || BypassHands::new(2));
    /// 3 participants, 1 round, 2 preemptions.
    bypass_3: sleeping(3, preemptions(1, 2), || BypassHands::new(3));
    /// 3 participants, 1 round, 1 preemption.
    bakery_withdrawing_3: withdrawing(3, preemptions(1, 1), Bakery::<3>::new);
    /// 3 participants, 1 round, 2 preemptions.
    ticket_withdrawing_3: withdrawing(3, preemptions(1, 2), Ticket::<3>::new);
}

/// What has to fail: each ends in a deadlock.
pub(super) const FALSE_CLAIMS: &[Model] = &[
    Model {
        subject: "notice",
        name: "hasty_tournament",
        run: || sleeping(3, preemptions(1, 3), || Hasty(Tournament::<3, Swapped>::new())),
    },
    Model {
        subject: "notice",
        name: "hasty_fast",
        run: || sleeping(3, preemptions(1, 2), || Hasty(Fast::<3>::new())),
    },
];
