//! Somebody is killed.

use anyhow::Result;

use crate::cell::Cell;
use crate::contender::Entry;
use crate::process::Process;
use crate::stage::Stage;

pub fn holder(stage: &Stage) -> Result<Cell> {
    let mut holder = stage.holder()?;
    let waiter = stage.waiter()?;
    holder.kill()?;
    Ok(match waiter.entry(stage.bound)? {
        None => Cell::stuck(),
        Some(entered) => match entered.entry {
            Entry::Clean => Cell::bad("not told"),
            Entry::OwnerDied => Cell::bad("told that"),
            Entry::ThisOwnerDied(pid) => {
                Cell::either(pid == holder.pid(), "told who", "told another")
            }
        },
    })
}

pub fn zombie(stage: &Stage) -> Result<Cell> {
    let holder = stage.holder()?;
    let waiter = stage.waiter()?;
    holder.kill_to_zombie()?;
    Ok(if waiter.entry(stage.bound)?.is_some() { Cell::good("gets in") } else { Cell::stuck() })
}

pub fn waiter(stage: &Stage) -> Result<Cell> {
    const DIES: usize = 1;

    let mut holder = stage.holder()?;
    let mut line = stage.processes(4)?;
    line.iter_mut().try_for_each(Process::queue_to_pass)?;
    line.remove(DIES).kill()?;
    holder.unlock()?;
    let mut positions = Vec::new();
    for process in &line {
        let Some(entered) = process.entry(stage.bound)? else { return Ok(Cell::stuck()) };
        positions.push(entered.position);
    }
    Ok(Cell::either(positions.is_sorted(), "in order", "out of order"))
}
