//! One claim of one algorithm within bounds, and what comes of it.

use std::fmt;

use crate::bounds::{Bounds, Claims};
use crate::explore::{Extent, Violation, explore};
use crate::moves::Make;
use crate::progress::{self, Progress};
use crate::system::System;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Check {
    Safety(Claims),
    Progress(Progress),
}

/// When a model is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effort {
    /// Always, and against each mutant.
    Quick,
    /// With the tests.
    Regular,
    /// When somebody asks for it.
    Long,
}

/// One claim within bounds.
pub(crate) struct Model {
    pub(crate) source: &'static str,
    check: Check,
    bounds: Bounds,
    pub(crate) effort: Effort,
    /// How many states are looked at, counting those that are reached again, where there are too many.
    nearest: Option<usize>,
    /// What is found, where the claim is known not to hold.
    fails: Option<&'static str>,
    make: Make,
}

impl Model {
    const fn new(source: &'static str, check: Check, bounds: Bounds, make: Make) -> Self {
        Self { source, check, bounds, effort: Effort::Regular, nearest: None, fails: None, make }
    }

    pub(crate) const fn quick(mut self) -> Self {
        self.effort = Effort::Quick;
        self
    }

    pub(crate) const fn long(mut self) -> Self {
        self.effort = Effort::Long;
        self
    }

    /// Not to its end: breadth first, until so many states have been reached. Of claims about states only.
    pub(crate) const fn nearest(mut self, states: usize) -> Self {
        self.effort = Effort::Long;
        self.nearest = Some(states);
        self
    }

    /// The claim does not hold, and that this is found is the point.
    pub(crate) const fn fails(mut self, how: &'static str) -> Self {
        self.fails = Some(how);
        self
    }

    #[cfg(feature = "mutants")]
    pub(crate) fn is_quick(&self) -> bool {
        self.effort == Effort::Quick
    }

    /// Explores it to its end, if it is not one that has too many states. Each other has fewer than are
    /// allowed for, counting those that are reached again.
    pub(crate) fn explore(&self) -> Result<Extent, Violation> {
        let most_states = match self.effort {
            Effort::Quick => 2_000_000,
            Effort::Regular => 20_000_000,
            Effort::Long => 1_000_000_000,
        };
        let system = System::new(self.bounds, self.make);
        match self.check {
            Check::Safety(claims) => {
                let (system, nearest) = (system.claiming(claims), self.nearest.is_some());
                explore(system, self.nearest.unwrap_or(most_states), nearest)
            }
            Check::Progress(progress) => progress::find(&system, progress, most_states),
        }
    }

    /// Explores it. What came of it; an error if that is not what was expected.
    pub(crate) fn run(&self) -> Result<String, String> {
        match (self.explore(), self.fails) {
            (Ok(Extent { states, depth: None, .. }), None) => {
                Ok(format!("holds in {states} states"))
            }
            (Ok(Extent { states, depth: Some(depth), ended }), None) => {
                let more = if ended { "" } else { "; there are more" };
                Ok(format!("holds in {states} states, {depth} deep{more}"))
            }
            (Err(Violation { claim, .. }), Some(how)) if claim.contains(how) => {
                Ok(format!("does not hold, as is known: {claim}"))
            }
            (Ok(_), Some(how)) => Err(format!("holds, but was known not to: {how}")),
            (Err(Violation { claim, steps }), _) => Err(format!("{claim}: {}", steps.join(" "))),
        }
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.source)?;
        match self.check {
            Check::Progress(Progress::NoDeadlock) => write!(f, "no deadlock")?,
            Check::Progress(Progress::NoLockout) => write!(f, "no lockout")?,
            Check::Safety(Claims {
                first_come_first_served, bypass, passages, numbers, ..
            }) => {
                write!(f, "exclusion")?;
                if first_come_first_served {
                    write!(f, ", first come first served")?;
                }
                if let Some(most) = bypass {
                    write!(f, ", bypassed at most {most} times by any one")?;
                }
                if let Some(most) = passages {
                    write!(f, ", {most} others go first at most")?;
                }
                if let Some(most) = numbers {
                    write!(f, ", numbers at most {most}")?;
                }
            }
        }
        write!(f, "; {}", self.bounds)
    }
}

pub(crate) const EXCLUSION: Claims = Claims {
    first_come_first_served: false,
    keeps_places: false,
    standings: false,
    bypass: None,
    passages: None,
    numbers: None,
};
pub(crate) const ORDER: Claims =
    Claims { first_come_first_served: true, standings: true, ..EXCLUSION };
/// Of those who find their places again when they have given them up.
pub(crate) const PLACES: Claims = Claims { keeps_places: true, ..ORDER };
/// For a lock that has none.
pub(crate) const NO_ORDER: Claims = Claims { standings: false, ..ORDER };

/// So many others may go in, all counted, in between a participant's doorway and its turn.
pub(crate) const fn passages(most: u8) -> Claims {
    Claims { passages: Some(most), ..EXCLUSION }
}

pub(crate) const fn by_one(most: u8) -> Claims {
    Claims { bypass: Some(most), ..EXCLUSION }
}

pub(crate) const fn numbers(most: u32) -> Claims {
    Claims { numbers: Some(most), ..EXCLUSION }
}

/// So many participants.
pub(crate) const fn n(participants: usize) -> Bounds {
    Bounds::new(participants)
}

pub(crate) const fn safe(
    source: &'static str,
    claims: Claims,
    bounds: Bounds,
    make: Make,
) -> Model {
    Model::new(source, Check::Safety(claims), bounds, make)
}

pub(crate) const fn no_deadlock(source: &'static str, bounds: Bounds, make: Make) -> Model {
    Model::new(source, Check::Progress(Progress::NoDeadlock), bounds, make)
}

pub(crate) const fn no_lockout(source: &'static str, bounds: Bounds, make: Make) -> Model {
    Model::new(source, Check::Progress(Progress::NoLockout), bounds, make)
}
