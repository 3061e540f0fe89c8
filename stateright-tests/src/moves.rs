//! What participants do with an algorithm, whichever it is: so that the checkers are compiled once.
//!
//! There are hundreds of mutants, so what counts is how much is compiled for each of them. It is their
//! moves, once for all numbers of slots (that is why they are boxed: `BakeryOn<[BakerySlot]>` has no
//! size), and a function that makes one. With moves and a `System::new` for each number of slots, LLVM
//! was given twice as much.

use std::any::Any;

use crate::algorithm::{
    self, Algorithm, Blocked, DoorwayClosed, Intent, NobodySleeps, Recover, Slot, Standing, Turn,
    Withdraw, Withdrawal,
};

/// Makes an algorithm.
#[derive(Clone, Copy)]
pub(crate) enum Make {
    /// One with all moves.
    Whole(fn() -> Box<dyn MoreMoves>),
    /// With numbers in its slots, and how to read them.
    WithNumbers(fn() -> Box<dyn MoreMoves>, fn(&dyn Any, Slot) -> u32),
    /// One that can neither be tried nor knows what to do about the dead.
    WithFewerMoves(fn() -> Box<dyn Moves>),
}

/// Of every algorithm.
pub(crate) trait Moves: Any + Send + Sync {
    fn join(&self, me: Slot);
    fn enter(&self, me: Slot, intent: Intent) -> Result<(), DoorwayClosed>;
    fn poll(&self, me: Slot) -> Turn;
    fn is_blocked(&self, me: Slot, by: Blocked) -> bool;
    fn leave(&self, me: Slot);
    fn withdraw(&self, me: Slot) -> Withdrawal;
    fn standing(&self, of: Slot) -> Standing;
}

/// What every algorithm but the fast mutex can do besides.
pub(crate) trait MoreMoves: Moves {
    fn try_enter(&self, me: Slot) -> bool;
    fn ahead_of(&self, me: Slot) -> Option<Slot>;
    fn reset(&self, dead: Slot) -> algorithm::Reset;
}

impl<T: Algorithm + Send + Sync + ?Sized + 'static> Moves for Box<T> {
    fn join(&self, me: Slot) {
        (**self).join(me);
    }
    fn enter(&self, me: Slot, intent: Intent) -> Result<(), DoorwayClosed> {
        (**self).enter(me, intent, &NobodySleeps)
    }
    fn poll(&self, me: Slot) -> Turn {
        (**self).poll(me, &NobodySleeps)
    }
    fn is_blocked(&self, me: Slot, by: Blocked) -> bool {
        (**self).is_blocked(me, by)
    }
    fn leave(&self, me: Slot) {
        (**self).leave(me, &NobodySleeps);
    }
    fn withdraw(&self, me: Slot) -> Withdrawal {
        (**self).withdraw(me, &NobodySleeps)
    }
    fn standing(&self, of: Slot) -> Standing {
        (**self).standing(of)
    }
}

impl<T: Recover + Withdraw + Send + Sync + ?Sized + 'static> MoreMoves for Box<T> {
    fn try_enter(&self, me: Slot) -> bool {
        (**self).try_enter(me, &NobodySleeps)
    }
    fn ahead_of(&self, me: Slot) -> Option<Slot> {
        (**self).ahead_of(me, &NobodySleeps)
    }
    fn reset(&self, dead: Slot) -> algorithm::Reset {
        (**self).reset(dead, &NobodySleeps)
    }
}
