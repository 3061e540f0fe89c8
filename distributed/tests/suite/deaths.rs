//! Those who leave without unlocking, and those who come after them.

use std::io::BufRead as _;

use anyhow::{Context as _, Result, bail, ensure};
use bakery_distributed::{Error, connect};
use rustix::process::Signal;

use crate::arena::{Arena, options, short};
use crate::child::{Process, block_on, tell};

/// Holds the lock by a short session, says so with its token, and then whether it has lost it as often as it
/// is asked. With one more word it leaves no record.
pub fn holds(words: &[&str]) -> Result<()> {
    let [url, name, unrecorded @ ..] = words else { bail!("not the words that are needed") };
    block_on(async {
        let options = short().recorded(unrecorded.is_empty());
        let mut me = connect(url)?.mutex(name)?.with(options).join().await?;
        let guard = match me.lock().await {
            Err(Error::Lost { .. }) => {
                tell("lost");
                return Ok(());
            }
            guard => guard?,
        };
        tell(&guard.token().to_string());
        for line in std::io::stdin().lock().lines() {
            line?;
            let is_lost = guard.is_lost();
            let is_checked = guard.check().await.is_ok();
            tell(&format!("lost {is_lost}, checked {is_checked}"));
        }
        guard.unlock().await?;
        Ok(me.leave().await?)
    })
}

/// Another process that [holds] the lock, and its token.
pub fn holder(arena: &Arena) -> Result<(Process, u64)> {
    holder_with(arena, &[])
}

fn holder_with(arena: &Arena, words: &[&str]) -> Result<(Process, u64)> {
    // It is the other process that has the short session.
    let _ = arena.short();
    let mut holder = Process::start(arena, "holds", words)?;
    match holder.hear()?.as_str() {
        "lost" => Err(arena.lost()),
        token => Ok((holder, token.parse().context("no token")?)),
    }
}

pub async fn whoever_comes_after_one_that_was_killed_is_told(arena: Arena) -> Result<()> {
    let (dead, token) = holder(&arena)?;
    let mutex = arena.mutex()?;
    let (mut me, mut other) = (mutex.join().await?, mutex.join().await?);
    let waiting = me.enter().await?;
    dead.signal(Signal::KILL)?;
    let is_told = |error: &Error| match error {
        Error::OwnerDied { death, .. } => death.token == token && death.who.pid == dead.id(),
        _ => false,
    };
    let told = waiting.wait().await.map(|_| ()).unwrap_err();
    ensure!(is_told(&told), "{told}");
    // So is the next one, whether it had to wait or not.
    let told = other.lock().await.map(|_| ()).unwrap_err();
    ensure!(is_told(&told), "{told}");
    let status = mutex.status().await?;
    ensure!(status.deaths.iter().any(|death| death.token == token), "{status:?}");
    let mut repaired = None;
    let repair = async |death| {
        repaired = Some(death);
        Ok::<_, Error>(())
    };
    let guard = me.lock_or_repair(repair).await?;
    ensure!(guard.token() > token && guard.death().is_some_and(|death| death.token == token));
    // However it leaves: it has been repaired.
    drop(guard);
    ensure!(repaired.is_some_and(|death| death.token == token));
    // It is repaired.
    other.lock().await?.unlock().await?;
    ensure!(mutex.status().await?.deaths.is_empty());
    Ok(())
}

pub async fn one_that_was_stopped_finds_itself_lost(arena: Arena) -> Result<()> {
    let (mut stopped, token) = holder(&arena)?;
    stopped.ask("now?")?;
    match stopped.hear()?.as_str() {
        "lost false, checked true" => {}
        "lost true, checked false" => return Err(arena.lost()),
        answer => bail!("{answer}"),
    }
    stopped.signal(Signal::STOP)?;
    let mut me = arena.mutex()?.join().await?;
    let guard = me.lock_or_repair(async |_| Ok::<_, Error>(())).await?;
    ensure!(guard.token() > token && guard.death().is_some_and(|death| death.token == token));
    stopped.ask("and now?")?;
    stopped.signal(Signal::CONT)?;
    let answer = stopped.hear()?;
    ensure!(answer == "lost true, checked false", "{answer}");
    // Its unlocking is no error, and changes nothing.
    stopped.hang_up();
    stopped.succeed()?;
    guard.check().await?;
    guard.unlock().await?;
    Ok(())
}

pub async fn what_is_not_repaired_stays_so(arena: Arena) -> Result<()> {
    let (dead, token) = holder(&arena)?;
    dead.signal(Signal::KILL)?;
    let mut me = arena.mutex()?.join().await?;
    let failed = me.lock_or_repair(async |_| bail!("no spare parts")).await.unwrap_err();
    ensure!(failed.to_string() == "no spare parts");
    // Given up in the middle of it.
    let hanging = me.lock_or_repair(async |_| std::future::pending::<anyhow::Result<()>>().await);
    let given_up = tokio::time::timeout(std::time::Duration::from_millis(300), hanging).await;
    ensure!(given_up.is_err());
    let Err(Error::OwnerDied { death, .. }) = me.lock().await else { bail!("it went in") };
    ensure!(death.token == token);
    Ok(())
}

pub async fn of_one_that_is_not_recorded_nobody_is_told(arena: Arena) -> Result<()> {
    let (dead, token) = holder_with(&arena, &["unrecorded"])?;
    let mut me = arena.mutex()?.with(options().recorded(false)).join().await?;
    let waiting = me.enter().await?;
    dead.signal(Signal::KILL)?;
    let guard = waiting.wait().await?;
    ensure!(guard.death().is_none() && guard.token() > token);
    guard.unlock().await?;
    // It is told itself, whether it had to wait or not, and can repair.
    let (dead, token) = holder(&arena)?;
    let waiting = me.enter().await?;
    dead.signal(Signal::KILL)?;
    for told in [waiting.wait().await.map(|_| ()), me.lock().await.map(|_| ())] {
        let is_told = matches!(&told, Err(Error::OwnerDied { death, .. }) if death.token == token);
        ensure!(is_told, "{told:?}");
    }
    me.lock_or_repair(async |_| Ok::<_, Error>(())).await?.unlock().await?;
    let guard = me.lock().await?;
    ensure!(guard.death().is_none() && guard.token() > token);
    guard.check().await?;
    guard.unlock().await?;
    Ok(())
}

pub async fn without_poisoning_a_death_is_told_once(arena: Arena) -> Result<()> {
    let (dead, token) = holder(&arena)?;
    let mut me = arena.mutex()?.with(options().poisoning(false)).join().await?;
    let waiting = me.enter().await?;
    dead.signal(Signal::KILL)?;
    let guard = waiting.wait().await?;
    ensure!(guard.death().is_some_and(|death| death.token == token));
    guard.unlock().await?;
    let guard = me.lock().await?;
    ensure!(guard.death().is_none());
    Ok(())
}
