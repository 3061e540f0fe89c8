//! Nodes that die outside and stay dead.

use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use bakery_distributed::node::Run;

use crate::cluster::{Cluster, directory, tcp};

/// Five that have met. Those that are to stay dead have not been inside, or it could be that they still are, as
/// far as the others have heard.
fn five<A: Run>() -> Result<Cluster> {
    let nodes = Cluster::at::<A>(vec![tcp(5).join(","); 5], directory()?);
    let mut nodes = nodes.suspecting().started()?;
    (0..5).try_for_each(|node| nodes.meet(node, 4))?;
    [0, 2, 3].iter().try_for_each(|&node| nodes.ask(node, "pass 1"))?;
    [0, 2, 3].iter().try_for_each(|&node| nodes.hear(node, "passed"))?;
    Ok(nodes)
}

/// Two of five.
pub fn one_that_is_dead_is_not_waited_for<A: Run>() -> Result<()> {
    let mut nodes = five::<A>()?;
    for dead in [4, 1] {
        nodes.kill(dead);
    }
    let number = nodes.finish(20)?;
    ensure!(number == 3 + 60, "{number} passages");
    Ok(())
}

pub fn a_minority_lets_nobody_in<A: Run>() -> Result<()> {
    let mut nodes = five::<A>()?;
    for dead in [0, 2, 4] {
        nodes.kill(dead);
    }
    for node in [1, 3] {
        for dead in [0, 2, 4] {
            nodes.miss(node, dead)?;
        }
        nodes.ask(node, "pass 1")?;
    }
    // A chance to go in, and no more: whoever is slow fails nothing.
    thread::sleep(Duration::from_millis(300));
    let number = nodes.passages()?;
    ensure!(number == 3, "{number} passages");
    [0, 2, 4].iter().try_for_each(|&node| nodes.begin(node))?;
    [1, 3].iter().try_for_each(|&node| nodes.hear(node, "passed"))?;
    let number = nodes.finish(2)?;
    ensure!(number == 3 + 2 + 10, "{number} passages");
    Ok(())
}
