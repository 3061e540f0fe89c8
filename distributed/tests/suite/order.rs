//! The order in which they come is that in which they get in.

use std::sync::Arc;

use anyhow::{Result, ensure};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::arena::{Arena, options};

pub async fn first_come_first_served(arena: Arena) -> Result<()> {
    let mutex = arena.mutex()?;
    let mut first = mutex.join().await?;
    let inside = first.lock().await?;
    let (order, mut tasks) = (Arc::new(Mutex::new(Vec::new())), JoinSet::new());
    for number in 0..8 {
        let mutex = mutex.clone().with(options().called(&format!("n{number}")));
        let (arrived, told) = tokio::sync::oneshot::channel();
        let order = order.clone();
        tasks.spawn(async move {
            let mut me = mutex.join().await?;
            let waiting = me.enter().await?;
            let _ = arrived.send(());
            let guard = waiting.wait().await?;
            order.lock().await.push((number, guard.token()));
            guard.unlock().await
        });
        told.await?;
    }
    let status = mutex.status().await?;
    let queue: Vec<_> = status.queue.iter().map(|waiter| waiter.who.command.to_string()).collect();
    ensure!(queue == ["n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7"], "{status:?}");
    ensure!(status.holder().is_some_and(|holder| holder.token == inside.token()), "{status:?}");
    ensure!(status.queue.iter().all(|waiter| waiter.since.is_some()), "{status:?}");
    inside.unlock().await?;
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    let order = order.lock().await;
    ensure!(order.iter().map(|(number, _)| *number).eq(0..8), "{order:?}");
    ensure!(order.is_sorted_by_key(|(_, token)| *token), "{order:?}");
    Ok(())
}
