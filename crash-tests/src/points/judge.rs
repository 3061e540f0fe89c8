//! Whether what was noted is what has to be.
//!
//! - One is inside at a time, and the data is whole for everybody who is not told otherwise.
//! - Whoever was inside and died: the next one whose turn it is is told, and everybody else until the
//!   data is repaired. Nobody is told of anybody who was not: a death between the end of the doorway
//!   and the first step inside, or between the last step inside and the end of leaving, may be told
//!   or not; see [`super::sweep`] for where between the two that changes.
//! - Nobody is told who began after the repair.
//! - Tokens grow, also from one segment to the next; and a death is reported with the token with which its owner was inside.
//! - Where the lock is first come first served, whoever was past the doorway before another began
//!   is inside before it.
//! - Nobody is at a segment that was removed once somebody has been at the next.

use super::board::{Died, Event, Phase};
use super::case::{Failure, Who};
use crate::shared::Kind;

pub(super) fn judge(
    kind: Kind,
    segments: &[u64],
    log: &[(Who, Event)],
    killed: &[bool],
    phases: &[Phase],
) -> Result<(), Failure> {
    let fail = |what: String| format!("{what} (log: {log:?}; ends: {phases:?})");
    let mut judge = Judge { segments, killed, phases, ..Judge::default() };
    for (place, (who, event)) in log.iter().enumerate() {
        judge.step(*who, *event).map_err(fail)?;
        let is_last = log.iter().rposition(|(by, _)| by == who) == Some(place);
        if killed[*who] && is_last {
            judge.dies(*who, *event);
        }
    }
    if let Some(dead) = judge.poisoned {
        return Err(fail(format!("nobody was told that {dead} died inside")));
    }
    if keeps_order(kind) {
        in_order(log).map_err(fail)?;
    }
    Ok(())
}

fn keeps_order(kind: Kind) -> bool {
    matches!(kind, Kind::Bakery | Kind::BlackWhite | Kind::Ticket | Kind::Peterson)
}

#[derive(Default)]
struct Judge<'a> {
    /// Which segment each was at.
    segments: &'a [u64],
    /// Those that there have been. The last one is where it goes on; the others were removed.
    so_far: Vec<u64>,
    killed: &'a [bool],
    /// At the end of each.
    phases: &'a [Phase],
    inside: Option<Who>,
    /// Who died inside for certain, while nobody has repaired the data.
    poisoned: Option<Who>,
    /// The greatest so far.
    token: u64,
    owners: Vec<(Who, u64)>,
    /// Those who have begun since the data was last repaired.
    begun_since: Vec<Who>,
    /// Who repairs.
    repairing: Option<Who>,
}

impl Judge<'_> {
    fn step(&mut self, who: Who, event: Event) -> Result<(), Failure> {
        self.comes_to(self.segments[who], who)?;
        match event {
            Event::Begins => self.begun_since.push(who),
            Event::Entered => {}
            Event::Told(died) => {
                self.may_be_told(died)?;
                let is_repaired = self.poisoned.is_none() && self.died_inside(died);
                if self.begun_since.contains(&who) && is_repaired {
                    return Err(format!("{who} was told of a death after the repair"));
                }
            }
            Event::Repairs(died) => {
                self.may_be_told(died)?;
                self.alone(who)?;
                self.inside = Some(who);
                self.repairing = Some(who);
            }
            Event::Inside(token) => {
                self.alone(who)?;
                if self.repairing == Some(who) {
                    self.repairing = None;
                    self.poisoned = None;
                    self.begun_since.clear();
                }
                if let Some(dead) = self.poisoned {
                    return Err(format!("{who} was not told that {dead} died inside"));
                }
                if token <= self.token {
                    return Err(format!("token {token} came after {}", self.token));
                }
                self.inside = Some(who);
                self.token = token;
                self.owners.push((who, token));
            }
            Event::Leaves => self.inside = None,
            Event::Broken => return Err(format!("{who} found the data half-written, untold")),
        }
        Ok(())
    }

    /// In a new segment the data begins anew; tokens do not.
    fn comes_to(&mut self, segment: u64, who: Who) -> Result<(), Failure> {
        if self.so_far.last() == Some(&segment) {
            return Ok(());
        }
        if self.so_far.contains(&segment) {
            return Err(format!("{who} is at a segment that was removed"));
        }
        self.alone(who)?;
        self.so_far.push(segment);
        self.poisoned = None;
        self.owners.clear();
        self.begun_since.clear();
        Ok(())
    }

    fn dies(&mut self, who: Who, last: Event) {
        if self.inside == Some(who) {
            self.inside = None;
        }
        if self.repairing == Some(who) {
            self.repairing = None;
        }
        if matches!(last, Event::Inside(_) | Event::Repairs(_)) {
            self.poisoned = Some(who);
        }
    }

    fn alone(&self, who: Who) -> Result<(), Failure> {
        match self.inside {
            Some(other) if other != who => Err(format!("{who} and {other} are both inside")),
            _ => Ok(()),
        }
    }

    fn may_be_told(&self, died: Died) -> Result<(), Failure> {
        let Some(who) = died.who else {
            return Err("somebody was told that one has died who is not here".to_owned());
        };
        if !self.killed[who] {
            return Err(format!("a false death: {who} is said to have died, and has not"));
        }
        if !(Phase::Entered..=Phase::Leaving).contains(&self.phases[who]) {
            return Err(format!(
                "{who} is said to have died inside; it was {:?}",
                self.phases[who]
            ));
        }
        let token = died.token;
        match self.owners.iter().rfind(|(owner, had)| *owner == who || *had == token) {
            Some((owner, had)) if (*owner, *had) != (who, token) => {
                Err(format!("{who} is said to have died with token {token}; {owner} had {had}"))
            }
            _ => Ok(()),
        }
    }

    /// Whether it is certain that this one died inside.
    fn died_inside(&self, died: Died) -> bool {
        died.who.is_some_and(|who| self.phases[who] == Phase::Inside)
    }
}

/// One way in, as places in the log.
struct Attempt {
    who: Who,
    begun: usize,
    entered: Option<usize>,
    inside: Option<usize>,
}

/// Whoever was told comes out of its turn before it notes that, and begins anew: nothing is said of
/// the order of those.
fn in_order(log: &[(Who, Event)]) -> Result<(), Failure> {
    let mut attempts: Vec<Attempt> = Vec::new();
    for (place, (who, event)) in log.iter().enumerate() {
        let current = attempts.iter_mut().rfind(|attempt| attempt.who == *who);
        match (event, current) {
            (Event::Begins, _) => {
                attempts.push(Attempt { who: *who, begun: place, entered: None, inside: None });
            }
            (Event::Entered, Some(attempt)) => attempt.entered = Some(place),
            (Event::Told(_), Some(attempt)) => attempt.entered = None,
            (Event::Inside(_), Some(attempt)) => attempt.inside = Some(place),
            _ => {}
        }
    }
    for first in &attempts {
        for second in &attempts {
            let (Some(entered), Some(inside)) = (first.entered, first.inside) else { continue };
            if entered < second.begun && second.inside.is_some_and(|place| place < inside) {
                return Err(format!("{} overtook {}", second.who, first.who));
            }
        }
    }
    Ok(())
}
