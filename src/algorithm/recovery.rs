//! What others can do about a participant that will never move again, and what anybody can read
//! about one that may.

use crate::algorithm::{Algorithm, Slot, Turn, Wake};

/// How a participant stands with the lock, as its registers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It is not competing.
    Outside,
    /// It is in the doorway, and has no place in the line yet.
    Doorway,
    /// It is in the line, or inside. Of two, the one with the smaller number goes first; the lower
    /// slot, if the numbers are the same.
    Line(u64),
}

/// What came of a reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// The slot is as if its participant had never entered.
    Done,
    /// Not yet: what this one has left behind cannot be told from what another is about to do, or
    /// its turn has to come first. To be tried again.
    Later,
}

/// Algorithms whose participants may die at any step, and be reset by others.
///
/// Whoever calls [`reset`](Self::reset) knows for certain that the participant takes no step any
/// more, that all its steps happened before, and that nobody else resets that slot at the same time.
/// It may itself die at any step; the slot is then reset once more.
pub trait Recover: Algorithm {
    /// Whom `me`, which is past its doorway and blocked, waits for. `None`: nobody that could be
    /// named; look again later.
    #[inline]
    fn ahead_of(&self, me: Slot, wake: &impl Wake) -> Option<Slot> {
        match self.poll(me, wake) {
            Turn::Mine => None,
            Turn::Blocked(by) => by.on,
        }
    }

    /// Names those whose deaths `me`, which is past its doorway and blocked, has to hear of to be certain
    /// that it goes on: the one right before it, which in turn hears of the one before that; the nearest
    /// first. Nobody, if that is not known now. (`me` is woken when somebody named does not go before it
    /// any more, as long as those wake it that live.)
    #[inline]
    fn right_before(&self, me: Slot, wake: &impl Wake, name: &mut impl FnMut(Slot)) {
        if let Some(ahead) = self.ahead_of(me, wake) {
            name(ahead);
        }
    }

    /// Takes a dead participant out of the line, or out of the critical section. What it did there
    /// happens before whatever the next one does.
    ///
    /// With most algorithms that is withdrawing on its behalf. [`Reset::Later`] may be the answer
    /// until another that is dead is reset, or has been tried to be: whoever waits should ask
    /// [`ahead_of`](Self::ahead_of) again before it tries again.
    #[inline]
    fn reset(&self, dead: Slot, wake: &impl Wake) -> Reset {
        self.withdraw(dead, wake);
        Reset::Done
    }
}
