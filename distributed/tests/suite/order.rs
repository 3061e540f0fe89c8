//! The order in which they come is that in which they get in.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::arena::{Arena, LIMIT, options};
use crate::disturbed;

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

/// The one before leaves after the look that found it there, and before the wait for it.
pub async fn a_wake_up_before_the_wait_is_not_lost(arena: Arena) -> Result<()> {
    let mut first = arena.mutex()?.join().await?;
    let inside = first.lock().await?;
    let (mutex, how) = disturbed::mutex(&arena)?;
    // A long life: it looks again by itself after half of it.
    let mut me = mutex.with(options().ttl(LIMIT * 10)).join().await?;
    let waiting = me.enter().await?;
    how.delay.store(500, Relaxed);
    let waits = async { anyhow::Ok(waiting.wait().await?.unlock().await?) };
    let leaves = async {
        sleep(Duration::from_millis(100)).await;
        anyhow::Ok(inside.unlock().await?)
    };
    tokio::try_join!(waits, leaves)?;
    Ok(())
}
