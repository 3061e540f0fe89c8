//! Where everybody is, and what may happen next.

use std::hash::{Hash, Hasher};

use crate::algorithm::Blocked;
use crate::machine::Memory;

/// What a participant is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    /// Has not joined.
    Away,
    Joining,
    Outside,
    Entering,
    /// Enters if it is let in at once.
    Trying,
    Polling,
    Blocked(Blocked),
    /// Blocked, and about to learn by whom.
    Looking,
    /// In the critical section, which it has not done yet; or has.
    Inside {
        done: bool,
    },
    Leaving,
    Withdrawing,
    /// Killed, and the others may not know yet; inside, or on its way out; and whether somebody
    /// has found that it waits for this one.
    Dead {
        inside: bool,
        named: bool,
    },
    /// Somebody else does away with what it left behind.
    Reset {
        inside: bool,
    },
}

/// `Blocked` has no hash of its own, and needs none.
impl Hash for Doing {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Self::Blocked(Blocked { on, place, channel, seen }) => {
                (on, place, channel, seen).hash(state);
            }
            Self::Inside { done: flag } | Self::Reset { inside: flag } => flag.hash(state),
            Self::Dead { inside, named } => (inside, named).hash(state),
            _ => {}
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Participant {
    pub(crate) doing: Doing,
    /// What the accesses of the move that is underway returned.
    pub(crate) log: Vec<u64>,
    pub(crate) attempts_left: Option<u8>,
    /// Those who had completed their doorways when this one began its own, and are still in line, or
    /// may come back to their places: a bit for each.
    pub(crate) before: u32,
    /// Its place in line, from its doorway until it goes in; and who was before it when it came
    /// there. Whoever gives up may find the same again.
    pub(crate) place: Option<(u64, u32)>,
    /// How often each other has gone in since this one completed its doorway.
    pub(crate) bypassed: Vec<u8>,
}

impl Participant {
    pub(crate) fn is_in_line(&self) -> bool {
        matches!(self.doing, Doing::Polling | Doing::Blocked(_) | Doing::Looking)
    }

    /// Has begun an attempt, and is not in yet.
    pub(crate) fn is_trying(&self) -> bool {
        self.doing == Doing::Entering || self.is_in_line()
    }

    /// Need not do anything.
    pub(crate) fn is_at_rest(&self) -> bool {
        matches!(self.doing, Doing::Away | Doing::Outside)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) memory: Memory,
    pub(crate) participants: Vec<Participant>,
    pub(crate) crashes_left: u8,
    /// How many critical sections there were.
    pub(crate) generation: u64,
    /// Why this state ought not to be.
    pub(crate) broken: Option<String>,
}

impl State {
    /// Why it ought not to be.
    pub(crate) fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// How many are in the critical section.
    pub(crate) fn inside(&self) -> usize {
        self.participants.iter().filter(|it| matches!(it.doing, Doing::Inside { .. })).count()
    }

    /// Whether stores of a participant are on their way.
    pub(crate) fn has_pending(&self, who: usize) -> bool {
        self.memory.has_pending(who)
    }
}

/// Who does what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    /// The next step of what it is about, or the first of what comes after.
    Step(usize),
    /// Enters if it is let in at once: the first step of that.
    Try(usize),
    /// Takes a blocked attempt back.
    Withdraw(usize),
    /// One of its pending stores arrives.
    Arrival(usize, usize),
    Crash(usize),
}
