//! The holder forks.

use anyhow::Result;

use crate::cell::Cell;
use crate::stage::Stage;

pub fn child_lives_on(stage: &Stage) -> Result<Cell> {
    let mut holder = stage.holder()?;
    let waiter = stage.waiter()?;
    holder.fork()?;
    holder.kill()?;
    if waiter.entry(stage.bound)?.is_some() {
        return Ok(Cell::good("gets in"));
    }
    holder.kill_child();
    Ok(match waiter.entry(stage.bound)? {
        Some(_) => Cell::bad("after the child"),
        None => Cell::stuck(),
    })
}

pub fn child_lets_go(stage: &Stage) -> Result<Cell> {
    let mut holder = stage.holder()?;
    holder.release_in_child()?;
    Ok(Cell::either(!stage.lets_one_in()?, "kept", "lost"))
}
