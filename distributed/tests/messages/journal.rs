//! Nodes go on by what they have written down, also when all die at once.

use anyhow::{Result, ensure};
use bakery_distributed::node::Run;

use crate::cluster::Cluster;

pub fn all_of_them_go_on_by_their_journals<A: Run>() -> Result<()> {
    let mut nodes = Cluster::over_tcp::<A>(3)?;
    for round in 0..3 {
        (0..3).try_for_each(|node| nodes.ask(node, "pass 5"))?;
        (0..3).try_for_each(|node| nodes.hear(node, "passed"))?;
        let holder = round % 3;
        nodes.ask(holder, "hold")?;
        nodes.hear(holder, "inside")?;
        nodes.ask((holder + 1) % 3, "pass 1")?;
        (0..3).for_each(|node| nodes.kill(node));
        (0..3).try_for_each(|node| nodes.begin(node))?;
    }
    // The child that passes has looked whether tokens grow.
    let number = nodes.finish(5)?;
    ensure!(number == 3 * 16 + 15, "{number} passages");
    Ok(())
}

/// It ends, and says nothing that it could forget; the others go on.
pub fn one_whose_disk_is_full_ends<A: Run>() -> Result<()> {
    let mut nodes = Cluster::over_tcp::<A>(3)?;
    // Not the one that ends: it could still be inside, as far as the others have heard.
    [1, 2].iter().try_for_each(|&node| nodes.ask(node, "pass 5"))?;
    [1, 2].iter().try_for_each(|&node| nodes.hear(node, "passed"))?;
    nodes.ask(0, "fill")?;
    nodes.hear(0, "full")?;
    nodes.ask(0, "fail")?;
    nodes.hear(0, "failed")?;
    [1, 2].iter().try_for_each(|&node| nodes.ask(node, "pass 5"))?;
    [1, 2].iter().try_for_each(|&node| nodes.hear(node, "passed"))?;
    // What it wrote in part is dropped.
    nodes.kill(0);
    nodes.begin(0)?;
    let number = nodes.finish(5)?;
    ensure!(number == 10 + 10 + 15, "{number} passages");
    Ok(())
}

pub fn a_journal_that_is_not_this_nodes_is_refused<A: Run>() -> Result<()> {
    let mut nodes = Cluster::over_tcp::<A>(3)?;
    nodes.ask(0, "pass 1")?;
    nodes.hear(0, "passed")?;
    let journal = |node| nodes.path().join(format!("journal-{node}"));
    let (own, other) = (journal(0), journal(1));
    nodes.kill(0);
    let kept = std::fs::read(&own)?;
    std::fs::copy(other, &own)?;
    ensure!(nodes.begin(0).is_err(), "it goes on by another one's journal");
    std::fs::write(&own, kept)?;
    nodes.begin(0)?;
    ensure!(nodes.finish(1)? == 4);
    Ok(())
}
