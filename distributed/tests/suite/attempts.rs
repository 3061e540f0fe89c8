//! Attempts that may fail, and what becomes of their places.

use std::mem;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bakery_distributed::Error;

use crate::arena::Arena;

pub async fn a_free_lock_is_taken_even_without_time(arena: Arena) -> Result<()> {
    let mut me = arena.mutex()?.join().await?;
    me.lock_for(Duration::MAX).await?.context("it is free")?.unlock().await?;
    let guard = me.lock_for(Duration::ZERO).await?.context("it is free")?;
    guard.unlock().await?;
    let guard = me.try_lock().await?.context("it is free")?;
    guard.unlock().await?;
    Ok(())
}

pub async fn one_that_tries_does_not_stand_in_line(arena: Arena) -> Result<()> {
    let mutex = arena.mutex()?;
    let (mut me, mut other) = (mutex.join().await?, mutex.join().await?);
    let guard = me.lock().await?;
    ensure!(other.try_lock().await?.is_none());
    ensure!(mutex.status().await?.queue.is_empty());
    guard.unlock().await?;
    ensure!(other.try_lock().await?.is_some());
    Ok(())
}

pub async fn whoever_has_no_time_left_leaves_the_line(arena: Arena) -> Result<()> {
    let mutex = arena.mutex()?;
    let (mut me, mut other) = (mutex.join().await?, mutex.join().await?);
    let guard = me.lock().await?;
    for millis in [0, 1, 10, 100] {
        ensure!(other.lock_for(Duration::from_millis(millis)).await?.is_none());
    }
    // Its session lives, and it is not in line.
    arena.wait_for(|status| status.queue.is_empty()).await?;
    guard.unlock().await?;
    ensure!(other.lock_for(Duration::ZERO).await?.is_some());
    Ok(())
}

pub async fn a_forgotten_guard_keeps_the_lock_until_the_next_attempt(arena: Arena) -> Result<()> {
    let mutex = arena.mutex()?;
    let (mut me, mut other) = (mutex.join().await?, mutex.join().await?);
    let guard = me.lock().await?;
    let token = guard.token();
    mem::forget(guard);
    ensure!(other.try_lock().await?.is_none());
    let guard = me.lock().await?;
    ensure!(guard.token() > token);
    ensure!(other.try_lock().await?.is_none());
    guard.unlock().await?;
    ensure!(other.try_lock().await?.is_some());
    Ok(())
}

pub async fn unlocking_lets_the_next_one_in_and_a_check_says_so(arena: Arena) -> Result<()> {
    let mutex = arena.mutex()?;
    let (mut me, mut other) = (mutex.join().await?, mutex.join().await?);
    let guard = me.lock().await?;
    guard.check().await?;
    ensure!(!guard.is_lost() && !guard.time_left().is_zero());
    let token = guard.token();
    let waiting = other.enter().await?;
    // Dropped, it unlocks in the background.
    drop(guard);
    let guard = waiting.wait().await?;
    ensure!(guard.token() > token);
    guard.check().await?;
    // A participant that leaves takes nothing with it.
    let lost = guard.lost();
    guard.unlock().await?;
    other.leave().await?;
    lost.await;
    let Error::BadName { .. } = arena.client()?.mutex("a/b").unwrap_err() else {
        anyhow::bail!("a slash in a name");
    };
    Ok(())
}
