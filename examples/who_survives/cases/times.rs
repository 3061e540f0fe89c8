//! From a death to the entry of the next one.

use std::time::Duration;

use anyhow::Result;

use crate::board::now;
use crate::cell::Cell;
use crate::stage::Stage;

pub fn dead_holder(stage: &Stage) -> Result<Cell> {
    let mut waiter = stage.process()?;
    let mut times = Vec::new();
    for _ in 0..stage.rounds {
        let mut holder = stage.holder()?;
        waiter.queue()?;
        let killed = now();
        holder.kill()?;
        let Some(entered) = waiter.entry(stage.bound)? else { return Ok(Cell::stuck()) };
        times.push(entered.at - killed);
        waiter.unlock()?;
    }
    Ok(median_and_worst(times))
}

pub fn dead_waiter(stage: &Stage) -> Result<Cell> {
    let mut holder = stage.process()?;
    let mut behind = stage.process()?;
    let mut times = Vec::new();
    for _ in 0..stage.rounds {
        holder.get_in()?;
        let mut dies = stage.waiter()?;
        behind.queue()?;
        let killed = now();
        dies.kill()?;
        holder.unlock()?;
        let Some(entered) = behind.entry(stage.bound)? else { return Ok(Cell::stuck()) };
        times.push(entered.at - killed);
        behind.unlock()?;
    }
    Ok(median_and_worst(times))
}

fn median_and_worst(mut times: Vec<u64>) -> Cell {
    times.sort_unstable();
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
    Cell::good(format!("{} / {}", milliseconds(median), milliseconds(worst)))
}

/// To two digits.
fn milliseconds(nanoseconds: u64) -> String {
    let time = Duration::from_nanos(nanoseconds).as_secs_f64() * 1e3;
    match time {
        ..1.0 => format!("{time:.2}"),
        1.0..10.0 => format!("{time:.1}"),
        _ => format!("{time:.0}"),
    }
}
