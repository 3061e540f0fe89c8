//! Attempts that are given up, and guards that are forgotten.

use std::time::Duration;

use anyhow::{Result, ensure};
use bakery_distributed::algorithm::{Entered, Lock};
use bakery_distributed::node::{Config, Node, Run};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::time::timeout;

async fn nodes<A>(directory: &TempDir, number: u8) -> Result<Vec<Node<A>>>
where
    A: Run<Request = Lock, Answer = Entered>,
{
    let address = |node| format!("unix:{}/{node}", directory.path().display()).parse().unwrap();
    let addresses: Vec<_> = (0..number).map(address).collect();
    let mut nodes = Vec::new();
    for me in 0..number {
        nodes.push(Node::start(Config::new(me, 1, addresses.clone())).await?);
    }
    Ok(nodes)
}

pub fn an_attempt_that_is_dropped_gives_up<A>() -> Result<()>
where
    A: Run<Request = Lock, Answer = Entered>,
{
    Runtime::new()?.block_on(async {
        let directory = TempDir::new()?;
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

pub fn a_forgotten_guard_is_unlocked_by_the_next_attempt<A>() -> Result<()>
where
    A: Run<Request = Lock, Answer = Entered>,
{
    Runtime::new()?.block_on(async {
        let directory = TempDir::new()?;
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
        ensure!(directory.path().read_dir()?.next().is_none(), "a socket was left");
        Ok(())
    })
}

pub fn a_node_alone_goes_in<A>() -> Result<()>
where
    A: Run<Request = Lock, Answer = Entered>,
{
    Runtime::new()?.block_on(async {
        let directory = TempDir::new()?;
        let mut nodes = nodes::<A>(&directory, 1).await?;
        let first = nodes[0].lock().await?.token();
        ensure!(nodes[0].lock().await?.token() > first);
        Ok(())
    })
}
