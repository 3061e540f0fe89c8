//! Leaders, and those who look on.

use anyhow::{Context as _, Result, ensure};
use bakery_distributed::{Election, Observer};
use rustix::process::Signal;
use tokio::time::timeout;

use crate::arena::{Arena, LIMIT, options};
use crate::deaths::holder;

fn election(arena: &Arena) -> Result<Election> {
    Ok(arena.client()?.election(arena.name)?.with(options()))
}

/// Waits until the leader, as the observer is told, says this.
async fn is_told(observer: &mut Observer, note: Option<&str>) -> Result<u64> {
    loop {
        let leader = timeout(LIMIT, observer.next()).await.context("it is not told")??;
        if leader.as_ref().map(|leader| leader.note.as_str()) == note {
            return Ok(leader.map_or(0, |leader| leader.token));
        }
    }
}

pub async fn leaders_follow_each_other_and_are_seen(arena: Arena) -> Result<()> {
    let election = election(&arena)?;
    let mut observer = election.observe();
    ensure!(observer.next().await?.is_none());
    let (mut first, mut second) = (election.join().await?, election.join().await?);
    let leader = first.campaign("at one").await?;
    ensure!(is_told(&mut observer, Some("at one")).await? == leader.token());
    leader.proclaim("it's here;\nat 'one', of \"two\"").await?;
    let told = is_told(&mut observer, Some("it's here;\nat 'one', of \"two\"")).await?;
    ensure!(told == leader.token());
    leader.check().await?;
    let next = tokio::spawn(async move {
        let leader = second.campaign("at two").await?;
        let (token, death) = (leader.token(), leader.death().cloned());
        leader.resign().await?;
        second.leave().await?;
        anyhow::Ok((token, death))
    });
    arena.wait_for(|status| status.queue.len() == 1).await?;
    let token = leader.token();
    leader.resign().await?;
    let (next, death) = next.await??;
    ensure!(next > token && death.is_none());
    is_told(&mut observer, None).await?;
    Ok(())
}

pub async fn a_leader_that_died_is_followed(arena: Arena) -> Result<()> {
    let (dead, token) = holder(&arena)?;
    let election = election(&arena)?;
    let leads = election.observe().next().await?.ok_or_else(|| arena.lost())?;
    ensure!((leads.token, leads.who.pid) == (token, dead.id()));
    dead.signal(Signal::KILL)?;
    let mut me = election.join().await?;
    let leader = me.campaign("").await?;
    ensure!(leader.death().is_some_and(|death| death.token == token));
    Ok(())
}
