//! What participants do with an algorithm, whichever it is: so that the checkers are compiled once.

use crate::algorithm::{
    self, Algorithm, Blocked, DoorwayClosed, Intent, NobodySleeps, Recover, Slot, Standing, Turn,
    Withdraw, Withdrawal,
};

/// Of every algorithm.
pub(crate) trait Moves: Send + Sync {
    fn join(&self, me: Slot);
    fn enter(&self, me: Slot, intent: Intent) -> Result<(), DoorwayClosed>;
    fn poll(&self, me: Slot) -> Turn;
    fn is_blocked(&self, me: Slot, by: Blocked) -> bool;
    fn leave(&self, me: Slot);
    fn withdraw(&self, me: Slot) -> Withdrawal;
    fn standing(&self, of: Slot) -> Standing;
}

/// What every algorithm but the fast mutex can do besides.
pub(crate) trait MoreMoves: Send + Sync {
    fn try_enter(&self, me: Slot) -> bool;
    fn ahead_of(&self, me: Slot) -> Option<Slot>;
    fn reset(&self, dead: Slot) -> algorithm::Reset;
}

impl<A: Algorithm + Send + Sync> Moves for A {
    fn join(&self, me: Slot) {
        self.join(me);
    }
    fn enter(&self, me: Slot, intent: Intent) -> Result<(), DoorwayClosed> {
        self.enter(me, intent, &NobodySleeps)
    }
    fn poll(&self, me: Slot) -> Turn {
        self.poll(me, &NobodySleeps)
    }
    fn is_blocked(&self, me: Slot, by: Blocked) -> bool {
        self.is_blocked(me, by)
    }
    fn leave(&self, me: Slot) {
        self.leave(me, &NobodySleeps);
    }
    fn withdraw(&self, me: Slot) -> Withdrawal {
        self.withdraw(me, &NobodySleeps)
    }
    fn standing(&self, of: Slot) -> Standing {
        self.standing(of)
    }
}

impl<A: Recover + Withdraw + Send + Sync> MoreMoves for A {
    fn try_enter(&self, me: Slot) -> bool {
        self.try_enter(me, &NobodySleeps)
    }
    fn ahead_of(&self, me: Slot) -> Option<Slot> {
        self.ahead_of(me, &NobodySleeps)
    }
    fn reset(&self, dead: Slot) -> algorithm::Reset {
        self.reset(dead, &NobodySleeps)
    }
}
