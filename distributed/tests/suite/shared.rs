//! Readers and writers.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};

use anyhow::{Context as _, Result, bail, ensure};
use bakery_distributed::{Error, RwLock};
use rustix::process::Signal;
use tokio::task::JoinSet;

use crate::arena::{Arena, options};
use crate::deaths::holder;

fn lock(arena: &Arena) -> Result<RwLock> {
    Ok(arena.client()?.rw_lock(arena.name)?.with(options()))
}

pub async fn readers_go_in_together_and_a_writer_alone(arena: Arena) -> Result<()> {
    let lock = lock(&arena)?;
    let (mut one, mut two, mut three) =
        (lock.join().await?, lock.join().await?, lock.join().await?);
    {
        let (first, second) = (one.read().await?, two.read().await?);
        ensure!(first.token() != second.token());
        ensure!(three.try_write().await?.is_none());
        ensure!(lock.status().await?.holders.len() == 2);
        first.check().await?;
        first.unlock().await?;
        second.unlock().await?;
    }
    let writer = three.write().await?;
    ensure!(one.try_read().await?.is_none() && two.try_write().await?.is_none());
    writer.unlock().await?;
    // How many are inside: a writer counts for a hundred.
    let inside = Arc::new(AtomicI64::new(0));
    let mut tasks = JoinSet::new();
    for number in 0..5 {
        let (lock, inside) = (lock.clone(), inside.clone());
        tasks.spawn(async move {
            let mut me = lock.join().await?;
            for round in 0..20 {
                let is_writer = (number + round) % 3 == 0;
                let weight = if is_writer { 100 } else { 1 };
                let guard = if is_writer { me.write().await? } else { me.read().await? };
                let before = inside.fetch_add(weight, SeqCst);
                tokio::task::yield_now().await;
                ensure!(before < 100 && (!is_writer || before == 0), "{before} were inside");
                inside.fetch_sub(weight, SeqCst);
                guard.unlock().await?;
            }
            Ok(me.leave().await?)
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(())
}

pub async fn a_reader_that_comes_after_a_writer_waits_for_it(arena: Arena) -> Result<()> {
    let lock = lock(&arena)?;
    let (mut first, mut second) = (lock.join().await?, lock.join().await?);
    let reader = first.read().await?;
    let mut writer = lock.join().await?;
    let writing = tokio::spawn(async move {
        let guard = writer.write().await?;
        let token = guard.token();
        guard.unlock().await?;
        Ok::<_, Error>(token)
    });
    arena.wait_for(|status| status.queue.len() == 1).await?;
    ensure!(second.try_read().await?.is_none());
    let reading = tokio::spawn(async move { Ok::<_, Error>(second.read().await?.token()) });
    arena.wait_for(|status| status.queue.len() == 2).await?;
    reader.unlock().await?;
    let (written, read) = (writing.await??, reading.await??);
    ensure!(written < read);
    Ok(())
}

pub async fn a_writer_that_gives_up_lets_the_readers_in(arena: Arena) -> Result<()> {
    let lock = lock(&arena)?;
    let mut first = lock.join().await?;
    let reader = first.read().await?;
    let mut writer = lock.join().await?;
    let writing = tokio::spawn(async move { writer.write().await.map(|_| ()) });
    arena.wait_for(|status| status.queue.len() == 1).await?;
    let mut second = lock.join().await?;
    let reading = tokio::spawn(async move { second.read().await?.unlock().await });
    arena.wait_for(|status| status.queue.len() == 2).await?;
    writing.abort();
    reading.await??;
    reader.check().await?;
    Ok(())
}

pub async fn a_reader_is_told_of_a_writer_that_died(arena: Arena) -> Result<()> {
    let (dead, token) = holder(&arena)?;
    let mut reader = lock(&arena)?.join().await?;
    dead.signal(Signal::KILL)?;
    for _ in 0..2 {
        let Err(Error::OwnerDied { death, .. }) = reader.read().await else { bail!("it reads") };
        ensure!(death.token == token);
    }
    reader.write_or_repair(async |_| Ok::<_, Error>(())).await?.unlock().await?;
    let read = reader.try_read().await?.context("it is free")?;
    ensure!(read.token() > token && read.death().is_none());
    Ok(())
}
