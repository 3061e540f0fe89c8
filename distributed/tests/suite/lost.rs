//! Sessions that are not renewed any more.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use bakery_distributed::Error;
use tokio::time::{sleep, timeout};

use crate::arena::{Arena, TTL, options};
use crate::disturbed;

pub async fn a_holder_is_told_before_the_next_one_is_in(arena: Arena) -> Result<()> {
    let (mutex, how) = disturbed::mutex(&arena)?;
    let mut me = mutex.with(arena.short()).join().await?;
    let guard = me.lock().await?;
    let token = guard.token();
    let heedless = arena.mutex()?.with(options().poisoning(false));
    let mut other = heedless.join().await?;
    let waiting = other.enter().await?;
    arena.ensure_held(&guard)?;
    how.is_mute.store(true, Relaxed);
    let after = waiting.wait().await?;
    // Whoever asks now is told, and so was whoever has waited for it: that goes by the same clock.
    ensure!(guard.is_lost() && guard.time_left().is_zero());
    timeout(Duration::ZERO, guard.lost()).await.context("the next one is in before that")?;
    let next = after.token();
    ensure!(next > token && after.death().is_some_and(|death| death.token == token));
    after.unlock().await?;
    let Err(Error::Lost { .. }) = guard.check().await else { bail!("it is not held") };
    // It goes on telling its token, and to unlock it is no error.
    ensure!(guard.token() == token);
    guard.unlock().await?;
    // A participant that has lost its session takes another one.
    how.is_mute.store(false, Relaxed);
    let guard = me.lock().await?;
    ensure!(guard.token() > next && guard.death().is_none());
    guard.check().await?;
    Ok(())
}

pub async fn a_waiter_whose_session_ends_is_told(arena: Arena) -> Result<()> {
    let mut holder = arena.mutex()?.join().await?;
    let guard = holder.lock().await?;
    let (mutex, how) = disturbed::mutex(&arena)?;
    let mut me = mutex.with(arena.short()).join().await?;
    let waiting = me.enter().await?;
    how.is_mute.store(true, Relaxed);
    let Err(Error::Lost { .. }) = waiting.wait().await else { bail!("it waits for ever") };
    arena.wait_for(|status| status.queue.is_empty()).await?;
    guard.check().await?;
    guard.unlock().await?;
    how.is_mute.store(false, Relaxed);
    me.lock().await?.unlock().await?;
    Ok(())
}

pub async fn a_check_does_not_take_the_lease_for_the_lock(arena: Arena) -> Result<()> {
    let (mutex, how) = disturbed::mutex(&arena)?;
    let mut me = mutex.with(arena.short()).join().await?;
    let guard = me.lock().await?;
    how.is_forged.store(true, Relaxed);
    let mut other = arena.mutex()?.join().await?;
    let next = other.lock_or_repair(async |_| Ok::<_, Error>(())).await?;
    let Err(Error::Lost { .. }) = guard.check().await else { bail!("it is not held") };
    ensure!(guard.is_lost() && guard.token() < next.token());
    Ok(())
}

fn is_of(error: &Error, token: u64) -> bool {
    matches!(error, Error::OwnerDied { death, .. } if death.token == token)
}

pub async fn unlocking_what_is_lost_does_not_hide_it(arena: Arena) -> Result<()> {
    let (mutex, how) = disturbed::mutex(&arena)?;
    let mut me = mutex.with(arena.short()).join().await?;
    let guard = me.lock().await?;
    let token = guard.token();
    let mut other = arena.mutex()?.join().await?;
    how.is_mute.store(true, Relaxed);
    let told = other.lock().await.map(|_| ());
    ensure!(told.as_ref().is_err_and(|error| is_of(error, token)), "{told:?}");
    ensure!(guard.is_lost());
    guard.unlock().await?;
    let told = other.lock().await.map(|_| ());
    ensure!(told.as_ref().is_err_and(|error| is_of(error, token)), "{told:?}");
    Ok(())
}

pub async fn a_waiter_lives_longer_than_its_session_would_by_itself(arena: Arena) -> Result<()> {
    let mutex = arena.mutex()?.with(arena.short());
    let (mut holder, mut me) = (mutex.join().await?, mutex.join().await?);
    let guard = holder.lock().await?;
    let waiting = me.enter().await?;
    sleep(TTL * 3 / 2).await;
    guard.check().await?;
    guard.unlock().await?;
    let guard = waiting.wait().await?;
    guard.check().await?;
    guard.unlock().await?;
    Ok(())
}
