//! All the points of a scenario.

use std::fmt;

use super::board::{Board, Phase};
use super::case::{Case, Failure, Fate};
use super::scenario::Scenario;
use crate::options::Options;
use crate::shared::Kind;

/// Slots enough for every scenario.
const SLOTS: u32 = 4;
/// Unless asked otherwise: with two deaths, every so-manieth point of both; with three, of all.
const STRIDES: [u64; 3] = [1, 2, 7];
/// A sweep that has failed so often is not worth going on with.
const FAILURES: usize = 3;
/// Where others run at the same time, the same step is not always the same point: so many points in
/// a row have to be behind the end.
const BEYOND: u64 = 3;

/// What a sweep has seen.
#[derive(Debug, Default)]
pub(super) struct Tally {
    cases: u64,
    /// The last victim's last point.
    points: u64,
    deaths: u64,
    told: u64,
    silent: u64,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cases, points, deaths, told, silent } = self;
        write!(f, "{cases:>7} {points:>7} {deaths:>7} {told:>7} {silent:>7}")
    }
}

/// Goes through all points of one victim, or through a grid of those of several.
pub(super) fn sweep(
    board: &'static Board,
    kind: Kind,
    scenario: &Scenario,
    options: &Options,
) -> (Tally, Vec<Failure>) {
    let slots = SLOTS.min(kind.slots().1);
    let stride = match scenario.deaths {
        1 => 1,
        deaths => options.stride.unwrap_or(STRIDES[deaths - 1]),
    };
    let (mut tally, mut failures, mut alone) = (Tally::default(), Vec::new(), Vec::new());
    let mut points = vec![1; scenario.deaths];
    let mut beyond = 0;
    loop {
        let outcome =
            Case::new(board, kind, slots, scenario.place, options.limit).and_then(|mut case| {
                let victims = (scenario.play)(&mut case, &points)?;
                case.close(&victims)
            });
        tally.cases += 1;
        let last = points.len() - 1;
        // The victim that did not die, as its point is behind its end: the sweep of those is over.
        let survivor = match outcome {
            Ok(fates) => {
                tally.add(&fates);
                alone.extend(fates.last().cloned().filter(|fate| fate.died));
                fates.iter().position(|fate| !fate.died)
            }
            Err(why) => {
                failures.push(format!("point {points:?}: {why}"));
                if failures.len() == FAILURES {
                    break;
                }
                None
            }
        };
        beyond = if survivor == Some(last) { beyond + 1 } else { 0 };
        let needed = if last == 0 { BEYOND } else { 1 };
        match survivor {
            Some(which) if which < last || beyond == needed => {
                beyond = 0;
                let Some(before) = which.checked_sub(1) else { break };
                points[before] += stride;
                // Not the same ones again each time.
                let first = 1 + points[before] / stride % stride;
                points[which..].fill(first);
            }
            _ => points[last] += stride,
        }
    }
    if scenario.is_alone {
        failures.extend(is_told_at_a_stretch(&alone).err());
    }
    (tally, failures)
}

impl Tally {
    fn add(&mut self, fates: &[Fate]) {
        for fate in fates.iter().filter(|fate| fate.died) {
            self.deaths += 1;
            *(if fate.told { &mut self.told } else { &mut self.silent }) += 1;
        }
        if let Some(fate) = fates.last() {
            self.points = self.points.max(fate.passed);
        }
    }
}

/// For a victim that takes the same steps each time: from some point on its death is told, from some
/// later one on it is not any more; and in between is all that it does inside.
fn is_told_at_a_stretch(fates: &[Fate]) -> Result<(), Failure> {
    let changes: Vec<_> = fates.windows(2).filter(|two| two[0].told != two[1].told).collect();
    let show = |fate: &Fate| format!("{} ({:?}, {})", fate.passed, fate.phase, fate.place);
    let [begins, ends] = changes[..] else {
        let changes: Vec<_> = changes.iter().map(|two| show(&two[1])).collect();
        return Err(format!(
            "it changes {} times whether a death is told: {changes:?}",
            changes.len()
        ));
    };
    println!("  told from point {} to point {}", show(&begins[1]), show(&ends[0]));
    match fates.iter().find(|fate| fate.phase == Phase::Inside && !fate.told) {
        None => Ok(()),
        Some(fate) => Err(format!("a death inside, at {}, is not told", show(fate))),
    }
}
