//! Nodes that are killed and begin again, that are stopped and go on, and that are cut off for a while.

use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use bakery_distributed::node::Run;
use rustix::process::Signal;

use crate::cluster::Cluster;

pub fn one_that_is_killed_inside_comes_back<A: Run>() -> Result<()> {
    let mut nodes = Cluster::over_unix_sockets::<A>(3)?;
    nodes.ask(0, "hold")?;
    nodes.hear(0, "inside")?;
    nodes.ask(1, "pass 1")?;
    nodes.ask(2, "pass 1")?;
    nodes.kill(0);
    nodes.begin(0)?;
    nodes.hear(1, "passed")?;
    nodes.hear(2, "passed")?;
    ensure!(nodes.finish(5)? == 18);
    Ok(())
}

pub fn one_that_is_killed_while_it_waits_comes_back<A: Run>() -> Result<()> {
    let mut nodes = Cluster::over_tcp::<A>(3)?;
    nodes.ask(1, "hold")?;
    nodes.hear(1, "inside")?;
    nodes.ask(2, "pass 1")?;
    nodes.ask(0, "pass 1")?;
    nodes.kill(2);
    nodes.begin(2)?;
    nodes.ask(2, "pass 1")?;
    nodes.ask(1, "")?;
    nodes.hear(1, "outside")?;
    nodes.hear(0, "passed")?;
    nodes.hear(2, "passed")?;
    ensure!(nodes.finish(5)? == 18);
    Ok(())
}

pub fn each_of_them_is_killed_again_and_again<A: Run>() -> Result<()> {
    let mut nodes = Cluster::over_tcp::<A>(3)?;
    for round in 0..6 {
        let (victim, others) = (round % 3, [(round + 1) % 3, (round + 2) % 3]);
        nodes.ask(victim, "pass 1000000")?;
        others.iter().try_for_each(|&node| nodes.ask(node, "pass 10"))?;
        // Wherever it is now: inside, waiting, or on its way.
        thread::sleep(Duration::from_millis(u64::try_from(round)? * 7));
        nodes.kill(victim);
        nodes.begin(victim)?;
        others.iter().try_for_each(|&node| nodes.hear(node, "passed"))?;
        // If all forget at once there is nobody to ask.
        nodes.meet(victim, 2)?;
        nodes.ask(victim, "pass 1")?;
        nodes.hear(victim, "passed")?;
    }
    ensure!(nodes.finish(5)? >= 6 * 21 + 15);
    Ok(())
}

pub fn one_that_is_stopped_inside_goes_on<A: Run>() -> Result<()> {
    let mut nodes = Cluster::over_tcp::<A>(3)?;
    nodes.ask(2, "hold")?;
    nodes.hear(2, "inside")?;
    nodes.signal(2, Signal::STOP)?;
    for node in [0, 1] {
        nodes.miss(node, 2)?;
        nodes.ask(node, "pass 1")?;
    }
    nodes.signal(2, Signal::CONT)?;
    nodes.ask(2, "")?;
    nodes.hear(2, "outside")?;
    nodes.hear(0, "passed")?;
    nodes.hear(1, "passed")?;
    ensure!(nodes.finish(5)? == 18);
    Ok(())
}

/// Of those who wait for all.
pub fn one_that_is_stopped_outside_is_waited_for<A: Run>() -> Result<()> {
    let mut nodes = Cluster::over_tcp::<A>(3)?;
    (0..3).try_for_each(|node| nodes.meet(node, 2))?;
    nodes.signal(2, Signal::STOP)?;
    for node in [0, 1] {
        nodes.miss(node, 2)?;
        nodes.ask(node, "pass 20")?;
    }
    // A chance to go in, and no more: whoever is slow fails nothing.
    thread::sleep(Duration::from_millis(300));
    // The token may have been on its way to the one that is stopped.
    let number = nodes.passages()?;
    ensure!(number <= 2, "{number} passages");
    nodes.signal(2, Signal::CONT)?;
    [0, 1].iter().try_for_each(|&node| nodes.hear(node, "passed"))?;
    let number = nodes.finish(5)?;
    ensure!(number == 40 + 15, "{number} passages");
    Ok(())
}

pub fn one_that_is_cut_off_inside_goes_on<A: Run>() -> Result<()> {
    let (nodes, link) = Cluster::apart::<A>()?;
    let mut nodes = nodes.started()?;
    nodes.ask(2, "hold")?;
    nodes.hear(2, "inside")?;
    link.cut();
    for node in [0, 1] {
        nodes.miss(node, 2)?;
        nodes.ask(node, "pass 1")?;
    }
    // It leaves, and nobody hears of it.
    nodes.ask(2, "")?;
    nodes.hear(2, "outside")?;
    [0, 1].iter().try_for_each(|&other| nodes.miss(2, other))?;
    link.mend();
    nodes.hear(0, "passed")?;
    nodes.hear(1, "passed")?;
    ensure!(nodes.finish(5)? == 18);
    Ok(())
}

pub fn links_that_break_all_the_time_lose_and_double_nothing<A: Run>() -> Result<()> {
    let (nodes, link) = Cluster::apart::<A>()?;
    let mut nodes = nodes.started()?;
    let breaker = thread::spawn(move || {
        let mut broken = 0;
        // After another number of bytes each time; and not for ever, or a slow machine gets nowhere.
        for round in 0..300 {
            thread::sleep(Duration::from_millis(round * 7 % 31));
            broken += link.break_off();
        }
        broken
    });
    (0..3).try_for_each(|node| nodes.ask(node, "pass 40"))?;
    (0..3).try_for_each(|node| nodes.hear(node, "passed"))?;
    let broken = breaker.join().expect("it breaks links");
    ensure!(broken > 0, "no link was broken");
    ensure!(nodes.finish(1)? == 123);
    Ok(())
}
