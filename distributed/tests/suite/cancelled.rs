//! Attempts that are dropped before they are ready.

use std::pin::pin;
use std::task::Poll;

use anyhow::Result;
use bakery_distributed::Participant;
use tokio::task::JoinSet;

use crate::arena::Arena;

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

/// One attempt that is given up after so many polls; if it is in before that, it goes out again.
async fn dropped_after(polls: u32, me: &mut Participant) -> Result<()> {
    let mut attempt = pin!(async { me.lock().await?.unlock().await });
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(Ok(()));
        }
        left -= 1;
        attempt.as_mut().poll(context).map_err(Into::into)
    })
    .await
}
