//! Attempts that are dropped before they are ready.

use std::pin::pin;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bakery_distributed::Participant;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::arena::{Arena, LIMIT};
use crate::disturbed;

/// 200 attempts of five participants, each dropped after another number of polls, while their sessions live.
pub async fn attempts_that_are_dropped_anywhere_leave_nothing(arena: Arena) -> Result<()> {
    let mutex = arena.mutex()?;
    let mut tasks = JoinSet::new();
    for number in 0..5_u32 {
        let mutex = mutex.clone();
        tasks.spawn(async move {
            let mut me = mutex.join().await?;
            let mut polls = number;
            for _ in 0..40 {
                // Some get in and out again, and keep the others waiting.
                polls = (polls * 5 + 3) % 16;
                dropped_after(polls, &mut me).await?;
            }
            anyhow::Ok(me)
        });
    }
    let mut participants = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        participants.push(ended??);
    }
    arena.wait_for(|status| status.queue.is_empty() && status.holders.is_empty()).await?;
    // Nor is any of them taken for dead.
    participants[0].lock().await?.unlock().await?;
    Ok(())
}

/// The withdrawal does not overtake the entry.
pub async fn an_entry_that_is_under_way_when_it_is_dropped_leaves_nothing(
    arena: Arena,
) -> Result<()> {
    let (mutex, how) = disturbed::mutex(&arena)?;
    let mut me = mutex.join().await?;
    let mut other = arena.mutex()?.join().await?;
    how.delay.store(200, Relaxed);
    for polls in 1..4 {
        dropped_after(polls, &mut me).await?;
        // It has not even arrived. And when it has, it is not in anybody's way.
        sleep(Duration::from_millis(300)).await;
        let guard = other.lock_for(LIMIT / 2).await?;
        guard.context("an entry is left behind")?.unlock().await?;
        arena.wait_for(|status| status.queue.is_empty() && status.holders.is_empty()).await?;
    }
    Ok(())
}

/// One attempt that is given up right after so many polls, with what it has asked for under way; if it is in
/// before that, it goes out again.
async fn dropped_after(polls: u32, me: &mut Participant) -> Result<()> {
    let mut attempt = pin!(async { me.lock().await?.unlock().await });
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(Ok(()));
        }
        left -= 1;
        match attempt.as_mut().poll(context) {
            Poll::Pending if left == 0 => Poll::Ready(Ok(())),
            polled => polled.map_err(Into::into),
        }
    })
    .await
}
