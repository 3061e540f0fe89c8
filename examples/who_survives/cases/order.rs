//! Who gets in when, while nobody dies.

use anyhow::Result;

use crate::cell::Cell;
use crate::process::{Process, Turns};
use crate::stage::Stage;

pub fn pairs(stage: &Stage) -> Result<Cell> {
    let mut holder = stage.holder()?;
    let mut line = stage.processes(8)?;
    let (mut wrong, mut all) = (0, 0);
    for _ in 0..stage.longer_rounds() {
        line.iter_mut().try_for_each(Process::queue_to_pass)?;
        holder.unlock()?;
        let mut positions = Vec::new();
        for process in &line {
            let Some(entered) = process.entry(stage.bound)? else { return Ok(Cell::stuck()) };
            positions.push(entered.position);
        }
        for (number, first) in positions.iter().enumerate() {
            let behind = &positions[number + 1..];
            wrong += behind.iter().filter(|second| first > second).count();
            all += behind.len();
        }
        holder.get_in()?;
    }
    Ok(if wrong == 0 { Cell::good("0") } else { Cell::bad(format!("{wrong} of {all}")) })
}

pub fn comes_again(stage: &Stage) -> Result<Cell> {
    let mut holder = stage.process()?;
    let mut waiter = stage.process()?;
    let mut overtaken = Vec::new();
    for _ in 0..stage.longer_rounds() {
        holder.get_in()?;
        waiter.queue_to_pass()?;
        let Turns { turns, is_over } = holder.lock_again()?;
        if !is_over {
            return Ok(starved(turns));
        }
        if waiter.entry(stage.bound)?.is_none() {
            return Ok(Cell::stuck());
        }
        overtaken.push(turns);
    }
    Ok(mean_and_most(&overtaken, stage.lock.most_bypasses()))
}

pub fn thief(stage: &Stage) -> Result<Cell> {
    let mut holder = stage.process()?;
    let mut waiter = stage.process()?;
    let mut thief = stage.process()?;
    let mut overtaken = Vec::new();
    for _ in 0..stage.longer_rounds() {
        holder.get_in()?;
        waiter.queue_to_pass()?;
        thief.steal()?;
        holder.unlock_before_a_thief()?;
        let Turns { turns, is_over } = thief.turns()?;
        if !is_over {
            return Ok(starved(turns));
        }
        if waiter.entry(stage.bound)?.is_none() {
            return Ok(Cell::stuck());
        }
        overtaken.push(turns);
    }
    Ok(mean_and_most(&overtaken, stage.lock.most_bypasses()))
}

/// Overtaken so often, one still waited when the bound was over.
fn starved(turns: u64) -> Cell {
    Cell::bad(format!("> {turns}"))
}

/// As it should be if it is never more often than `allowed`.
fn mean_and_most(turns: &[u64], allowed: u64) -> Cell {
    let most = turns.iter().max().copied().unwrap_or(0);
    let sum: u64 = turns.iter().sum();
    let times = turns.len() as u64;
    // To one digit behind the point, without a detour by floating point.
    let mean = (sum * 10 + times / 2) / times;
    let mean =
        if mean < 100 { format!("{}.{}", mean / 10, mean % 10) } else { (mean / 10).to_string() };
    let text = if sum == 0 { "0 / 0".to_owned() } else { format!("{mean} / {most}") };
    if most <= allowed { Cell::good(text) } else { Cell::bad(text) }
}
