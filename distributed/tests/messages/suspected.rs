//! Holders that are suspected and live: what the others do then, and that tokens tell them apart.

use anyhow::{Result, ensure};
use bakery_distributed::node::Run;
use rustix::process::Signal;

use crate::cluster::{Cluster, directory, tcp};

fn suspecting<A: Run>() -> Result<Cluster> {
    Cluster::at::<A>(vec![tcp(3).join(","); 3], directory()?).suspecting().started()
}

/// The others pass while this one is stopped inside; what it writes then is refused.
fn go_on_without<A: Run>(stopped: usize) -> Result<()> {
    let mut nodes = suspecting::<A>()?;
    nodes.ask(stopped, "hold")?;
    nodes.hear(stopped, "inside")?;
    nodes.signal(stopped, Signal::STOP)?;
    let others = (0..3).filter(|&node| node != stopped);
    others.clone().try_for_each(|node| nodes.ask(node, "pass 5"))?;
    others.clone().try_for_each(|node| nodes.hear(node, "passed"))?;
    nodes.signal(stopped, Signal::CONT)?;
    nodes.ask(stopped, "")?;
    nodes.hear(stopped, "refused")?;
    let number = nodes.finish(5)?;
    ensure!(number == 1 + 10 + 15, "{number} passages");
    Ok(())
}

pub fn the_others_go_on_without_one_that_is_stopped_inside<A: Run>() -> Result<()> {
    go_on_without::<A>(0)
}

/// The greatest is the coordinator.
pub fn the_others_go_on_without_a_coordinator_that_is_stopped_inside<A: Run>() -> Result<()> {
    go_on_without::<A>(2)
}

pub fn the_others_go_on_without_one_that_is_cut_off_inside<A: Run>() -> Result<()> {
    let (nodes, link) = Cluster::apart::<A>()?;
    let mut nodes = nodes.suspecting().started()?;
    nodes.ask(2, "hold")?;
    nodes.hear(2, "inside")?;
    link.cut();
    [0, 1].iter().try_for_each(|&node| nodes.ask(node, "pass 5"))?;
    [0, 1].iter().try_for_each(|&node| nodes.hear(node, "passed"))?;
    nodes.ask(2, "")?;
    nodes.hear(2, "refused")?;
    link.mend();
    let number = nodes.finish(5)?;
    ensure!(number == 1 + 10 + 15, "{number} passages");
    Ok(())
}

/// It cannot tell who was silent while it was stopped.
pub fn one_that_was_stopped_suspects_nobody<A: Run>() -> Result<()> {
    let mut nodes =
        Cluster::at::<A>(vec![tcp(3).join(","); 3], directory()?).impatient().started()?;
    (0..3).try_for_each(|node| nodes.meet(node, 2))?;
    nodes.signal(0, Signal::STOP)?;
    [1, 2].iter().try_for_each(|&node| nodes.miss(node, 0))?;
    nodes.signal(0, Signal::CONT)?;
    nodes.ask(0, "pass 5")?;
    nodes.hear(0, "passed")?;
    nodes.ask(0, "suspicions")?;
    nodes.hear(0, "0")?;
    let number = nodes.finish(5)?;
    ensure!(number == 20, "{number} passages");
    Ok(())
}

/// Whoever is put out hears of it when it goes on, and not by itself.
pub fn one_that_is_expired_is_told<A: Run>() -> Result<()> {
    let mut nodes = suspecting::<A>()?;
    nodes.ask(0, "hold")?;
    nodes.hear(0, "inside")?;
    // Whoever passes has heard who is before it.
    nodes.signal(0, Signal::STOP)?;
    [1, 2].iter().try_for_each(|&node| nodes.miss(node, 0))?;
    let before = nodes.passages()?;
    ensure!(before == 1, "{before} passages");
    nodes.ask(1, "expire")?;
    nodes.hear(1, "expired")?;
    [1, 2].iter().try_for_each(|&node| nodes.ask(node, "pass 5"))?;
    [1, 2].iter().try_for_each(|&node| nodes.hear(node, "passed"))?;
    nodes.signal(0, Signal::CONT)?;
    nodes.ask(0, "lost")?;
    nodes.hear(0, "lost")?;
    let number = nodes.finish(5)?;
    ensure!(number == 1 + 10 + 15, "{number} passages");
    Ok(())
}
