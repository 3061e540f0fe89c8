//! Who else is there when somebody dies.

use std::time::Duration;

use super::board::Phase;
use super::case::{Case, Failure, Who};
use super::forgery;
use super::player::{COMES_AND_GOES, Dies, Files, Part};

/// A number of victims, which die at given points, and others.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    /// How many slots it takes at least.
    pub(super) places: u32,
    /// How many victims there are.
    pub(super) deaths: usize,
    pub(super) place: Place,
    /// Whether the victim takes the same steps each time, alone.
    pub(super) is_alone: bool,
    /// Plays it, with the victims' points. Who the victims were.
    pub(super) play: fn(&mut Case, &[u64]) -> Result<Vec<Who>, Failure>,
}

/// Where the segment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It has no name, and is there before anybody comes.
    Nowhere,
    /// Those who come make it, in memory.
    InMemory,
    /// Those who come make it, on a disk.
    OnADisk,
}

const fn scenario(
    name: &'static str,
    places: u32,
    deaths: usize,
    play: fn(&mut Case, &[u64]) -> Result<Vec<Who>, Failure>,
) -> Scenario {
    Scenario { name, places, deaths, place: Place::Nowhere, is_alone: false, play }
}

pub(super) const SCENARIOS: [Scenario; 28] = [
    Scenario { is_alone: true, ..scenario("alone", 2, 1, alone) },
    Scenario { place: Place::InMemory, ..scenario("making-it", 2, 1, alone) },
    Scenario { place: Place::InMemory, ..scenario("making-it-together", 2, 1, together) },
    Scenario { place: Place::InMemory, ..scenario("making-it-hidden", 2, 1, under_a_hidden_name) },
    Scenario {
        place: Place::InMemory,
        ..scenario("hidden-together", 3, 1, under_hidden_names_together)
    },
    Scenario { place: Place::InMemory, ..scenario("removing-it", 2, 1, removing_it) },
    Scenario {
        place: Place::InMemory,
        ..scenario("removing-it-together", 3, 1, removing_it_together)
    },
    Scenario { place: Place::OnADisk, ..scenario("making-it-ready", 2, 1, making_it_ready) },
    Scenario { place: Place::OnADisk, ..scenario("making-it-anew", 2, 1, making_it_anew) },
    Scenario { place: Place::OnADisk, ..scenario("finding-zeros", 2, 1, finding_zeros) },
    Scenario { is_alone: true, ..scenario("hand-to-hand", 2, 1, from_hand_to_hand) },
    scenario("hand-to-hand-in-line", 3, 1, from_hand_to_hand_in_line),
    scenario("behind-a-holder", 2, 1, behind_a_holder),
    scenario("ahead-of-a-waiter", 2, 1, ahead_of_a_waiter),
    scenario("between-waiters", 4, 1, between_waiters),
    scenario("together", 2, 1, together),
    scenario("gives-up", 3, 1, gives_up),
    scenario("finds-dead-holder", 2, 1, finds_a_dead_holder),
    scenario("finds-dead-waiter", 4, 1, finds_a_dead_waiter),
    scenario("finds-dead-doorway-1", 2, 1, |case, at| finds_a_dead_doorway(case, at, 2)),
    scenario("finds-dead-doorway-2", 2, 1, |case, at| finds_a_dead_doorway(case, at, 3)),
    scenario("finds-dead-doorway-3", 2, 1, |case, at| finds_a_dead_doorway(case, at, 4)),
    scenario("finds-dead-doorway-4", 2, 1, |case, at| finds_a_dead_doorway(case, at, 5)),
    scenario("finds-all-slots-dead", 2, 1, finds_all_slots_dead),
    Scenario { place: Place::InMemory, ..scenario("making-it-twice", 2, 2, one_after_the_other) },
    scenario("twice", 2, 2, one_after_the_other),
    scenario("twice-in-line", 4, 2, behind_each_other),
    scenario("thrice", 2, 3, one_after_the_other),
];

fn dying(at: u64) -> Part {
    Part::dying(Dies::At(at))
}

fn alone(case: &mut Case, at: &[u64]) -> Result<Vec<Who>, Failure> {
    let victim = case.start(dying(at[0]));
    case.dies_alone(victim)?;
    let first = case.start(Part::staying());
    case.until(first, Phase::Inside)?;
    let second = case.start(COMES_AND_GOES);
    case.until(second, Phase::Entered)?;
    case.let_go(first);
    Ok(vec![victim])
}

/// As where files cannot be without a name.
fn under_a_hidden_name(case: &mut Case, at: &[u64]) -> Result<Vec<Who>, Failure> {
    let victim = case.start(Part { files: Files::Hidden, ..dying(at[0]) });
    case.dies_alone(victim)?;
    case.start(COMES_AND_GOES);
    Ok(vec![victim])
}

#[expect(clippy::unnecessary_wraps, reason = "as the other scenarios")]
fn under_hidden_names_together(case: &mut Case, at: &[u64]) -> Result<Vec<Who>, Failure> {
    let victim = case.start(Part { files: Files::Hidden, ..dying(at[0]) });
    case.start(Part { files: Files::Hidden, ..COMES_AND_GOES });
    case.start(COMES_AND_GOES);
    Ok(vec![victim])
}

fn from_hand_to_hand(case: &mut Case, at: &[u64]) -> Result<Vec<Who>, Failure> {
    let victim = case.start(Part { changes_hands: true, ..dying(at[0]) });
    case.dies_alone(victim)?;
    case.start(COMES_AND_GOES);
    Ok(vec![victim])
}

fn from_hand_to_hand_in_line(case: &mut Case, at: &[u64]) -> Result<Vec<Who>, Failure> {
    let holder = case.start(Part::staying());
    case.until(holder, Phase::Inside)?;
    let victim = case.start(Part { changes_hands: true, ..dying(at[0]) });
    case.until(victim, Phase::Entered)?;
    let behind = case.start(Part { changes_hands: true, ..COMES_AND_GOES });
    case.until(behind, Phase::Entered)?;
    case.let_go(holder);
    Ok(vec![victim])
}

fn removing_it(case: &mut Case, at: &[u64]) -> Result<Vec<Who>, Failure> {
    let victim = case.start(Part { removes: true, ..dying(at[0]) });
    case.gone(victim)?;
    let first = case.start(Part::staying());
    case.until(first, Phase::Inside)?;
    let second = case.start(COMES_AND_GOES);
    case.until(second, Phase::Entered)?;
    case.let_go(first);
    Ok(vec![victim])
}

#[expect(clippy::unnecessary_wraps, reason = "as the other scenarios")]
fn removing_it_together(case: &mut Case, at: &[u64]) -> Result<Vec<Who>, Failure> {
    let victim = case.start(Part { removes: true, ..dying(at[0]) });
    case.start(Part { removes: true, ..COMES_AND_GOES });
    case.start(COMES_AND_GOES);
    Ok(vec![victim])
}

/// After a restart, in which somebody was inside.
fn making_it_ready(case: &mut Case, at: &[u64]) -> Result<Vec<Who>, Failure> {
    let dead = case.start(Part::dying(Dies::Inside));
    finds_what_was_there(case, at, dead, forgery::of_another_run)
}

/// After a restart, with another version.
fn making_it_anew(case: &mut Case, at: &[u64]) -> Result<Vec<Who>, Failure> {
    let first = case.start(COMES_AND_GOES);
    finds_what_was_there(case, at, first, |bytes| {
        forgery::of_another_run(bytes);
        forgery::of_another_version(bytes);
    })
}

/// After a loss of power.
fn finding_zeros(case: &mut Case, at: &[u64]) -> Result<Vec<Who>, Failure> {
    let first = case.start(COMES_AND_GOES);
    finds_what_was_there(case, at, first, |bytes| bytes.fill(0))
}

fn finds_what_was_there(
    case: &mut Case,
    at: &[u64],
    first: Who,
    change: fn(&mut [u8]),
) -> Result<Vec<Who>, Failure> {
    case.gone(first)?;
    case.change(change)?;
    let victim = case.start(dying(at[0]));
    case.until(victim, Phase::Entered)?;
    case.start(COMES_AND_GOES);
    Ok(vec![victim])
}

fn behind_a_holder(case: &mut Case, at: &[u64]) -> Result<Vec<Who>, Failure> {
    let holder = case.start(Part::staying());
    case.until(holder, Phase::Inside)?;
    let victim = case.start(dying(at[0]));
    case.until(victim, Phase::Entered)?;
    case.let_go(holder);
    case.gone(holder)?;
    case.start(COMES_AND_GOES);
    Ok(vec![victim])
}

fn ahead_of_a_waiter(case: &mut Case, at: &[u64]) -> Result<Vec<Who>, Failure> {
    let victim = case.start(Part { stays: true, ..dying(at[0]) });
    case.until(victim, Phase::Inside)?;
    let waiter = case.start(COMES_AND_GOES);
    case.until(waiter, Phase::Entered)?;
    case.let_go(victim);
    Ok(vec![victim])
}

fn between_waiters(case: &mut Case, at: &[u64]) -> Result<Vec<Who>, Failure> {
    let holder = case.start(Part::staying());
    case.until(holder, Phase::Inside)?;
    let before = case.start(COMES_AND_GOES);
    case.until(before, Phase::Entered)?;
    let victim = case.start(dying(at[0]));
    case.until(victim, Phase::Entered)?;
    let behind = case.start(COMES_AND_GOES);
    case.until(behind, Phase::Entered)?;
    case.let_go(holder);
    Ok(vec![victim])
}

#[expect(clippy::unnecessary_wraps, reason = "as the other scenarios")]
fn together(case: &mut Case, at: &[u64]) -> Result<Vec<Who>, Failure> {
    let victim = case.start(dying(at[0]));
    case.start(COMES_AND_GOES);
    Ok(vec![victim])
}

fn gives_up(case: &mut Case, at: &[u64]) -> Result<Vec<Who>, Failure> {
    let holder = case.start(Part::staying());
    case.until(holder, Phase::Inside)?;
    let victim = case.start(Part { patience: Some(Duration::from_micros(500)), ..dying(at[0]) });
    case.until(victim, Phase::Entered)?;
    let behind = case.start(COMES_AND_GOES);
    case.gone(victim)?;
    case.let_go(holder);
    case.gone(behind)?;
    Ok(vec![victim])
}

fn finds_a_dead_holder(case: &mut Case, at: &[u64]) -> Result<Vec<Who>, Failure> {
    let dead = case.start(Part::dying(Dies::Inside));
    case.gone(dead)?;
    let victim = case.start(dying(at[0]));
    case.until(victim, Phase::Entered)?;
    case.start(COMES_AND_GOES);
    Ok(vec![victim])
}

fn finds_a_dead_waiter(case: &mut Case, at: &[u64]) -> Result<Vec<Who>, Failure> {
    let holder = case.start(Part::staying());
    case.until(holder, Phase::Inside)?;
    let dead = case.start(Part::dying(Dies::InLine));
    case.gone(dead)?;
    let victim = case.start(dying(at[0]));
    case.until(victim, Phase::Entered)?;
    let behind = case.start(COMES_AND_GOES);
    case.until(behind, Phase::Entered)?;
    case.let_go(holder);
    Ok(vec![victim])
}

fn finds_a_dead_doorway(case: &mut Case, at: &[u64], step: u64) -> Result<Vec<Who>, Failure> {
    let dead = case.start(Part::dying(Dies::InDoorway(step)));
    case.gone(dead)?;
    let victim = case.start(dying(at[0]));
    case.until(victim, Phase::Entered)?;
    case.start(COMES_AND_GOES);
    Ok(vec![victim])
}

fn finds_all_slots_dead(case: &mut Case, at: &[u64]) -> Result<Vec<Who>, Failure> {
    let dead = case.start(Part { joins: case.slots(), ..Part::dying(Dies::Joined) });
    case.gone(dead)?;
    let victim = case.start(dying(at[0]));
    case.until(victim, Phase::Entered)?;
    case.start(COMES_AND_GOES);
    Ok(vec![victim])
}

/// Each of them finds what the ones before have left.
fn one_after_the_other(case: &mut Case, at: &[u64]) -> Result<Vec<Who>, Failure> {
    let mut victims = Vec::new();
    for point in at {
        let victim = case.start(dying(*point));
        victims.push(victim);
        if !case.dies_alone(victim)? {
            break;
        }
    }
    case.start(COMES_AND_GOES);
    Ok(victims)
}

/// Each of them waits for the one before, and the first for a holder.
fn behind_each_other(case: &mut Case, at: &[u64]) -> Result<Vec<Who>, Failure> {
    let holder = case.start(Part::staying());
    case.until(holder, Phase::Inside)?;
    let mut victims = Vec::new();
    for point in at {
        let victim = case.start(dying(*point));
        victims.push(victim);
        case.until(victim, Phase::Entered)?;
    }
    let behind = case.start(COMES_AND_GOES);
    case.until(behind, Phase::Entered)?;
    case.let_go(holder);
    Ok(victims)
}
