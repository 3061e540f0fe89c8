//! Nodes in one process: attempts that are given up, guards that are forgotten, and what is not sent.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use bakery_distributed::node::{Config, Error, Exclude, Node};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::cluster::directory;

fn within_a_minute(test: impl Future<Output = Result<()>>) -> Result<()> {
    Runtime::new()?.block_on(async { timeout(Duration::from_mins(1), test).await? })
}

async fn nodes<A: Exclude>(directory: &TempDir, number: u8) -> Result<Vec<Node<A>>> {
    let address = |node| format!("unix:{}/{node}", directory.path().display()).parse().unwrap();
    let addresses: Vec<_> = (0..number).map(address).collect();
    let mut nodes = Vec::new();
    for me in 0..number {
        let journal = directory.path().join(format!("journal-{me}"));
        let config = Config::new(me, 1, addresses.clone()).short(Duration::from_millis(20));
        nodes.push(Node::start(config.journal(journal)).await?);
    }
    Ok(nodes)
}

pub fn an_attempt_that_is_dropped_gives_up<A: Exclude>() -> Result<()> {
    within_a_minute(async {
        let directory = directory()?;
        let mut nodes = nodes::<A>(&directory, 3).await?;
        let [first, second, third] = &mut nodes[..] else { unreachable!() };
        for round in 0..20 {
            let guard = first.lock().await?;
            let token = guard.token();
            // At whatever point it has got to.
            let end = Duration::from_micros(round * round * 50);
            ensure!(timeout(end, second.lock()).await.is_err(), "two are inside");
            guard.unlock().await?;
            let guard = third.lock().await?;
            ensure!(guard.token() > token);
            ensure!(timeout(end, second.lock()).await.is_err(), "two are inside");
            drop(guard);
            let guard = second.lock().await?;
            guard.unlock().await?;
        }
        Ok(())
    })
}

pub fn a_forgotten_guard_is_unlocked_by_the_next_attempt<A: Exclude>() -> Result<()> {
    within_a_minute(async {
        let directory = directory()?;
        let mut nodes = nodes::<A>(&directory, 2).await?;
        let guard = nodes[0].lock().await?;
        let token = guard.token();
        std::mem::forget(guard);
        ensure!(nodes[0].lock().await?.token() > token);
        nodes[1].lock().await?.unlock().await?;
        // Nothing is left behind.
        for node in nodes {
            node.stop().await;
        }
        let left = directory.path().read_dir()?.collect::<Result<Vec<_>, _>>()?;
        ensure!(left.iter().all(|file| file.file_type().is_ok_and(|kind| kind.is_file())));
        Ok(())
    })
}

pub fn a_node_alone_goes_in<A: Exclude>() -> Result<()> {
    within_a_minute(async {
        let directory = directory()?;
        let mut nodes = nodes::<A>(&directory, 1).await?;
        let first = nodes[0].lock().await?.token();
        ensure!(nodes[0].lock().await?.token() > first);
        Ok(())
    })
}

pub fn a_node_that_cannot_be_is_refused<A: Exclude>() -> Result<()> {
    within_a_minute(async {
        let directory = directory()?;
        let address = format!("unix:{}/0", directory.path().display());
        let addresses = |number| vec![address.parse().unwrap(); number];
        let config = |me, number| Config::new(me, 1, addresses(number));
        for bad in [
            config(1, 1),
            config(0, 65),
            config(0, 1).called(&"x".repeat(201)),
            config(0, 1).patience(Duration::ZERO),
            config(0, 1).short(Duration::ZERO),
        ] {
            let refused = Node::<A>::start(bad).await.map(drop);
            ensure!(matches!(refused, Err(Error::BadConfig { .. })), "{refused:?}");
        }
        // Nobody listens where another one does.
        let journal = |name| config(0, 1).journal(directory.path().join(name));
        let node = Node::<A>::start(journal("one")).await?;
        let refused = Node::<A>::start(journal("two")).await.map(drop);
        ensure!(matches!(refused, Err(Error::Unlistenable { node: 0, .. })), "{refused:?}");
        node.stop().await;
        Ok(())
    })
}

/// What one that is away was sent is kept for it, but not without end.
pub fn no_more_is_begun_when_too_much_is_kept<A: Exclude>() -> Result<()> {
    within_a_minute(async {
        let directory = directory()?;
        let mut nodes = nodes::<A>(&directory, 2).await?;
        nodes.pop().expect("two").stop().await;
        nodes.pop().expect("one").stop().await;
        let address = |node| format!("unix:{}/{node}", directory.path().display()).parse().unwrap();
        let config = |me, life| Config::new(me, life, vec![address(0), address(1)]).most_kept(10);
        let mut stays = Node::<A>::start(config(0, 2)).await?;
        let mut leaves = Node::<A>::start(config(1, 2)).await?;
        leaves.lock().await?.unlock().await?;
        leaves.stop().await;
        let kept = loop {
            // Each asks, and gives up.
            match timeout(Duration::from_millis(1), stays.lock()).await {
                Err(_) => {}
                Ok(Err(Error::Behind { kept })) => break kept,
                Ok(other) => bail!("{:?} by one that is away", other.map(|guard| guard.token())),
            }
        };
        ensure!(kept > 10, "{kept} are not too many");
        let mut back = Node::<A>::start(config(1, 3)).await?;
        back.lock().await?.unlock().await?;
        stays.lock().await?.unlock().await?;
        Ok(())
    })
}

/// Whoever gets it keeps it for a while.
pub fn a_token_that_nobody_wants_goes_round_slowly<A: Exclude>() -> Result<()> {
    within_a_minute(async {
        let directory = directory()?;
        let mut nodes = nodes::<A>(&directory, 3).await?;
        nodes[0].lock().await?.unlock().await?;
        let sent = |nodes: &[Node<A>]| nodes.iter().map(|node| node.status().borrow().sent).sum();
        let (before, began): (u64, _) = (sent(&nodes), Instant::now());
        tokio::time::sleep(Duration::from_millis(500)).await;
        let (after, pauses): (u64, _) = (sent(&nodes), began.elapsed().as_millis() / 20);
        // Once round, each sees that it was used.
        let most = 6 + u64::try_from(pauses)?;
        ensure!(after - before <= most, "{} messages, not {most}", after - before);
        Ok(())
    })
}
