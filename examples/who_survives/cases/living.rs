//! The holder lives, whatever it looks like.

use anyhow::{Context, Result, ensure};

use crate::cell::Cell;
use crate::stage::{Stage, WATCH};

pub fn stopped(stage: &Stage) -> Result<Cell> {
    let mut holder = stage.holder()?;
    let waiter = stage.waiter()?;
    holder.stop()?;
    if waiter.entry(WATCH)?.is_some() {
        return Ok(Cell::bad("robbed"));
    }
    holder.proceed()?;
    holder.unlock()?;
    Ok(if waiter.entry(stage.bound)?.is_some() { Cell::good("kept") } else { Cell::stuck() })
}

pub fn stray_close(stage: &Stage) -> Result<Cell> {
    let mut holder = stage.holder()?;
    holder.close_once_more()?;
    Ok(Cell::either(!stage.lets_one_in()?, "kept", "lost"))
}

pub fn namesake(stage: &Stage) -> Result<Cell> {
    let (Some(mut holder), Some(mut namesake)) = (stage.process_alone()?, stage.process_alone()?)
    else {
        return Ok(Cell::not_run());
    };
    ensure!(holder.number == namesake.number, "the two have different numbers");
    holder.get_in()?;
    namesake.queue()?;
    namesake.kill()?;
    if stage.lets_one_in()? {
        return Ok(Cell::bad("robbed"));
    }
    holder.unlock().context("the holder was to live")?;
    Ok(Cell::good("kept"))
}
