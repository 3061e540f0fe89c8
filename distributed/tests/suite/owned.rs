//! Guards that own their participant.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use bakery_distributed::{Error, OwnedError};
use rustix::process::Signal;

use crate::arena::{Arena, options};
use crate::child::Process;

pub async fn an_owned_guard_goes_into_a_task_and_gives_its_participant_back(
    arena: Arena,
) -> Result<()> {
    let mutex = arena.mutex()?;
    let guard = mutex.join().await?.lock_owned().await?;
    let token = guard.token();
    let (go, wait) = tokio::sync::oneshot::channel::<()>();
    let task = tokio::spawn(async move {
        wait.await?;
        guard.check().await?;
        ensure!(!guard.is_lost() && guard.death().is_none());
        Ok(guard.unlock().await?)
    });
    let mut other = mutex.join().await?;
    ensure!(other.try_lock().await?.is_none(), "the task does not hold it");
    go.send(()).ok().context("the task has ended")?;
    let mut me = task.await??;
    let guard = other.try_lock().await?.context("it is unlocked")?;
    ensure!(guard.token() > token);
    guard.unlock().await?;
    ensure!(me.try_lock().await?.is_some());
    Ok(())
}

pub async fn an_owned_guard_that_is_dropped_lets_the_next_one_in(arena: Arena) -> Result<()> {
    let mutex = arena.mutex()?;
    let guard = mutex.join().await?.lock_owned().await?;
    let (token, lost) = (guard.token(), guard.lost());
    let mut other = mutex.join().await?;
    let waiting = other.enter().await?;
    drop(guard);
    let guard = waiting.wait().await?;
    // It is not taken for dead, and its session has ended.
    ensure!(guard.token() > token && guard.death().is_none());
    lost.await;
    Ok(())
}

pub async fn a_failure_gives_the_participant_back(arena: Arena) -> Result<()> {
    let mutex = arena.mutex()?;
    let mut dead = Process::start(&arena, "holds", &[])?;
    let token: u64 = dead.hear()?.parse()?;
    let me = mutex.join().await?;
    let Err(OwnedError { error: Error::Busy { .. }, participant: me }) = me.try_lock_owned().await
    else {
        bail!("it is held")
    };
    let soon = Duration::from_millis(20);
    let Err(OwnedError { error: Error::Busy { line }, participant: me }) =
        me.lock_owned_for(soon).await
    else {
        bail!("it is held")
    };
    ensure!(line == arena.name);
    dead.signal(Signal::KILL)?;
    let Err(OwnedError { error: Error::OwnerDied { death, .. }, participant: me }) =
        me.lock_owned().await
    else {
        bail!("it went in")
    };
    ensure!(death.token == token);
    let failed = me.lock_owned_or_repair(async |_| bail!("no spare parts")).await.unwrap_err();
    ensure!(failed.error.to_string() == "no spare parts");
    let repaired = failed.participant.lock_owned_or_repair(async |_| Ok::<_, Error>(())).await?;
    let me = repaired.unlock().await?;
    me.lock_owned().await?.unlock().await?.leave().await?;
    Ok(())
}

pub async fn readers_holders_and_leaders_may_own_their_guards(arena: Arena) -> Result<()> {
    let client = arena.client()?;
    let lock = client.rw_lock(arena.name)?.with(options());
    let first = lock.join().await?.read_owned().await?;
    let second = lock.join().await?.try_read_owned().await?;
    let writer = lock.join().await?;
    let writer = writer.try_write_owned().await.unwrap_err().participant;
    first.unlock().await?.leave().await?;
    second.unlock().await?.leave().await?;
    writer.write_owned().await?.unlock().await?.leave().await?;

    let semaphore = client.semaphore(&format!("{}, permits", arena.name), 1)?.with(options());
    let permit = semaphore.join().await?.acquire_owned().await?;
    let other = semaphore.join().await?.try_acquire_owned().await.unwrap_err();
    ensure!(matches!(other.error, Error::Busy { .. }));
    permit.unlock().await?.leave().await?;
    other.participant.acquire_owned().await?.unlock().await?.leave().await?;

    let election = client.election(&format!("{}, leader", arena.name))?.with(options());
    let leader = election.join().await?.campaign_owned("here").await?;
    let seen = election.observe().next().await?.context("nobody leads")?;
    ensure!((seen.token, seen.note.as_str()) == (leader.token(), "here"));
    leader.unlock().await?.leave().await?;
    Ok(())
}
