//! Several at a time, and no more.

use std::sync::Arc;
use std::sync::atomic::{
    AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use bakery_distributed::{Error, Guard, Semaphore, connect};
use rustix::process::Signal;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::arena::{Arena, LIMIT, options, short};
use crate::child::{Process, block_on, tell};
use crate::disturbed;

fn semaphore(arena: &Arena) -> Result<Semaphore> {
    Ok(arena.client()?.semaphore(arena.name, 2)?.with(options()))
}

pub async fn no_more_than_there_are_permits(arena: Arena) -> Result<()> {
    let semaphore = semaphore(&arena)?;
    let (mut one, mut two) = (semaphore.join().await?, semaphore.join().await?);
    let mut three = semaphore.join().await?;
    {
        let first = one.try_acquire().await?.context("there are two")?;
        let second = two.acquire_for(Duration::ZERO).await?.context("there is one")?;
        ensure!(first.token() < second.token());
        ensure!(three.try_acquire().await?.is_none());
        ensure!(three.acquire_for(Duration::from_millis(50)).await?.is_none());
        ensure!(semaphore.status().await?.holders.len() == 2);
        first.check().await?;
        first.unlock().await?;
        three.acquire_for(LIMIT).await?.context("there is one")?.unlock().await?;
        second.unlock().await?;
    }
    let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut tasks = JoinSet::new();
    for mut me in [one, two, three] {
        let (inside, most) = (inside.clone(), most.clone());
        tasks.spawn(async move {
            for _ in 0..20 {
                let guard = me.acquire().await?;
                most.fetch_max(inside.fetch_add(1, SeqCst) + 1, SeqCst);
                tokio::task::yield_now().await;
                inside.fetch_sub(1, SeqCst);
                guard.unlock().await?;
            }
            me.leave().await
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    ensure!(most.load(SeqCst) <= 2, "{most:?} were inside");
    Ok(())
}

pub async fn permits_are_taken_in_order(arena: Arena) -> Result<()> {
    let semaphore = semaphore(&arena)?;
    let (mut one, mut two) = (semaphore.join().await?, semaphore.join().await?);
    let (first, second) = (one.acquire().await?, two.acquire().await?);
    let (told, mut order) = tokio::sync::mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    for number in 0..3 {
        let mut me = semaphore.join().await?;
        let told = told.clone();
        tasks.spawn(async move {
            let guard = me.acquire().await?;
            let _ = told.send((number, guard.token()));
            // Both permits go round, and no others.
            guard.unlock().await
        });
        while semaphore.status().await?.queue.len() <= number {
            sleep(Duration::from_millis(5)).await;
        }
    }
    second.unlock().await?;
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    for number in 0..3 {
        let (next, _) = order.recv().await.context("one is missing")?;
        ensure!(next == number);
    }
    first.check().await?;
    Ok(())
}

/// Or two would count the same permit.
pub async fn the_door_is_kept_until_the_permit_is_taken(arena: Arena) -> Result<()> {
    let (client, how) = disturbed::client(&arena)?;
    let far = client.semaphore(arena.name, 1)?.with(options());
    let near = arena.client()?.semaphore(arena.name, 1)?.with(options());
    let (mut before, mut one, mut two) =
        (near.join().await?, far.join().await?, near.join().await?);
    let held = before.acquire().await?;
    let inside = AtomicUsize::new(0);
    let wait_for = async |waiters| {
        while near.status().await?.queue.len() != waiters {
            sleep(Duration::from_millis(5)).await;
        }
        anyhow::Ok(())
    };
    let stay = async |guard: Guard<'_>| {
        let others = inside.fetch_add(1, SeqCst);
        sleep(Duration::from_secs(1)).await;
        inside.fetch_sub(1, SeqCst);
        ensure!(others == 0, "two have the one permit");
        Ok(guard.unlock().await?)
    };
    // Long enough for the next one to come in the door and count, if it could.
    how.delay.store(500, Relaxed);
    let first = async { stay(one.acquire().await?).await };
    let second = async {
        wait_for(1).await?;
        stay(two.acquire().await?).await
    };
    let both_wait = async {
        wait_for(2).await?;
        Ok(held.unlock().await?)
    };
    tokio::try_join!(first, second, both_wait)?;
    Ok(())
}

/// Those behind it only wait for the one before them, so that a permit that comes back wakes nobody else.
pub async fn only_the_first_one_watches_the_permits(arena: Arena) -> Result<()> {
    let semaphore = arena.client()?.semaphore(arena.name, 1)?.with(options());
    let (mut holder, mut first) = (semaphore.join().await?, semaphore.join().await?);
    let guard = holder.acquire().await?;
    let waiting = tokio::spawn(async move { first.acquire().await?.unlock().await });
    while semaphore.status().await?.queue.is_empty() {
        sleep(Duration::from_millis(5)).await;
    }
    let (client, how) = disturbed::client(&arena)?;
    let mut second = client.semaphore(arena.name, 1)?.with(options()).join().await?;
    let waits = timeout(Duration::from_millis(500), second.acquire()).await;
    ensure!(waits.is_err(), "there is no permit");
    ensure!(how.looks.load(Relaxed) == 0, "it has looked for {how:?}");
    guard.unlock().await?;
    Ok(waiting.await??)
}

/// Has a permit by a short session, and says so.
pub fn has_a_permit(words: &[&str]) -> Result<()> {
    let [url, name] = words else { bail!("not the words that are needed") };
    block_on(async {
        let semaphore = connect(url)?.semaphore(name, 2)?.with(short());
        let mut me = semaphore.join().await?;
        let _guard = match me.acquire().await {
            Err(Error::Lost { .. }) => {
                tell("lost");
                return Ok(());
            }
            guard => guard?,
        };
        tell("in");
        std::future::pending().await
    })
}

pub async fn a_permit_of_one_that_was_killed_comes_back(arena: Arena) -> Result<()> {
    let mut dead = [
        Process::start(&arena, "has a permit", &[])?,
        Process::start(&arena, "has a permit", &[])?,
    ];
    // They are the ones that have short sessions.
    let _ = arena.short();
    for process in &mut dead {
        if process.hear()? == "lost" {
            return Err(arena.lost());
        }
    }
    let mut me = semaphore(&arena)?.join().await?;
    if me.try_acquire().await?.is_some() {
        return Err(arena.lost());
    }
    dead.iter().try_for_each(|process| process.signal(Signal::KILL))?;
    let guard = me.acquire().await?;
    // It is no reason not to go in.
    ensure!(guard.death().is_none());
    Ok(())
}
