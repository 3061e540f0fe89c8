//! Sessions that are not renewed any more.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use bakery_distributed::Error;
use tokio::time::sleep;

use crate::arena::{Arena, TTL};
use crate::disturbed;

pub async fn a_holder_is_told_before_the_next_one_is_in(arena: Arena) -> Result<()> {
    let (mutex, how) = disturbed::mutex(&arena)?;
    let mut me = mutex.join().await?;
    let guard = me.lock().await?;
    let token = guard.token();
    let mut other = arena.mutex()?.join().await?;
    let next = tokio::spawn(async move {
        let guard = other.lock_or_repair(async |_| Ok::<_, Error>(())).await?;
        let came = Instant::now();
        let (next, death) = (guard.token(), guard.death().cloned());
        guard.unlock().await?;
        Ok::<_, Error>((came, next, death))
    });
    arena.wait_for(|status| status.queue.len() == 1).await?;
    how.is_mute.store(true, Relaxed);
    guard.lost().await;
    let told = Instant::now();
    ensure!(guard.is_lost() && guard.time_left().is_zero());
    let (came, next, death) = next.await??;
    ensure!(told < came, "told {:?} too late", told - came);
    ensure!(next > token && death.is_some_and(|death| death.token == token));
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
    let mut me = mutex.join().await?;
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
    let mut me = mutex.join().await?;
    let guard = me.lock().await?;
    how.is_forged.store(true, Relaxed);
    let mut other = arena.mutex()?.join().await?;
    let next = other.lock_or_repair(async |_| Ok::<_, Error>(())).await?;
    ensure!(!guard.is_lost());
    let Err(Error::Lost { .. }) = guard.check().await else { bail!("it is not held") };
    ensure!(guard.is_lost() && guard.token() < next.token());
    Ok(())
}

pub async fn unlocking_what_is_lost_does_not_hide_it(arena: Arena) -> Result<()> {
    let (mutex, how) = disturbed::mutex(&arena)?;
    let mut me = mutex.join().await?;
    let guard = me.lock().await?;
    let token = guard.token();
    let mut other = arena.mutex()?.join().await?;
    how.is_mute.store(true, Relaxed);
    let Err(Error::OwnerDied { death, .. }) = other.lock().await else { bail!("it went in") };
    ensure!(death.token == token);
    ensure!(guard.is_lost());
    guard.unlock().await?;
    let Err(Error::OwnerDied { death, .. }) = other.lock().await else { bail!("it went in") };
    ensure!(death.token == token);
    Ok(())
}

pub async fn a_waiter_lives_longer_than_its_session_would_by_itself(arena: Arena) -> Result<()> {
    let mutex = arena.mutex()?;
    let (mut holder, mut me) = (mutex.join().await?, mutex.join().await?);
    let guard = holder.lock().await?;
    let waiting = me.enter().await?;
    sleep(TTL * 3 / 2).await;
    guard.check().await?;
    ensure!(!guard.is_lost());
    guard.unlock().await?;
    let guard = waiting.wait().await?;
    guard.check().await?;
    guard.unlock().await?;
    Ok(())
}
