//! Servers that end and come back.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bakery_distributed::{Error, connect};
use bakery_servers::{Cluster, Node};
use tokio::time::{Instant, sleep};

use crate::arena::{Arena, LIMIT, options, short};

pub async fn tokens_grow_through_a_restart(arena: Arena) -> Result<()> {
    let mut cluster = Cluster::start(arena.engine)?;
    let mutex = connect(&cluster.url)?.mutex(arena.name)?.with(options());
    let mut token = 0;
    for _ in 0..2 {
        let mut me = mutex.join().await?;
        for _ in 0..3 {
            let guard = me.lock().await?;
            ensure!(guard.token() > token);
            token = guard.token();
            guard.unlock().await?;
        }
        me.leave().await?;
        cluster.restart()?;
    }
    // One that is inside meanwhile is lost, or still inside; and the next one is after it in any case.
    let mut me = mutex.join().await?;
    let guard = me.lock().await?;
    ensure!(guard.token() > token);
    let token = guard.token();
    cluster.restart()?;
    let is_held = guard.check().await.is_ok();
    ensure!(!(is_held && guard.is_lost()));
    guard.unlock().await?;
    let guard = me.lock_or_repair(async |_| Ok::<_, Error>(())).await?;
    ensure!(guard.token() > token);
    Ok(())
}

/// Of several servers, one may be killed: the leader is one of them.
pub async fn no_single_server_takes_the_lock_with_it(arena: Arena) -> Result<()> {
    let mut cluster = Cluster::start(arena.engine)?;
    if cluster.nodes.len() == 1 {
        return Ok(());
    }
    let mutex = connect(&cluster.url)?.mutex(arena.name)?.with(options());
    let (mut me, mut other) = (mutex.join().await?, mutex.join().await?);
    let guard = me.lock().await?;
    let token = guard.token();
    let waiting = other.enter().await?;
    for number in 0..cluster.nodes.len() {
        cluster.nodes[number].kill()?;
        while let Err(error) = guard.check().await {
            ensure!(!guard.is_lost(), "{error}");
            sleep(Duration::from_millis(10)).await;
        }
        cluster.nodes[number].start_again()?;
        cluster.wait()?;
    }
    guard.unlock().await?;
    let guard = waiting.wait().await?;
    ensure!(guard.token() > token);
    guard.unlock().await?;
    Ok(())
}

/// It may have been deposed meanwhile, and another one have been let in by the others.
pub async fn one_server_alone_does_not_say_that_the_lock_is_held(arena: Arena) -> Result<()> {
    let cluster = Cluster::start(arena.engine)?;
    if cluster.nodes.len() == 1 {
        return Ok(());
    }
    let (scheme, servers) = cluster.url.split_once("://").context("no address")?;
    // Whoever leads is one of them.
    for (number, server) in servers.split(',').enumerate() {
        let mutex = connect(&format!("{scheme}://{server}"))?.mutex(arena.name)?;
        let mut me = mutex.join().await?;
        let guard = me.lock_or_repair(async |_| Ok::<_, Error>(())).await?;
        let mut others = cluster.nodes.iter().enumerate().filter(|(other, _)| *other != number);
        others.clone().try_for_each(|(_, node)| node.stop())?;
        let checked = guard.check().await;
        others.try_for_each(|(_, node)| node.go_on())?;
        ensure!(checked.is_err(), "server {number} alone says so");
        cluster.wait()?;
        guard.unlock().await?;
        me.leave().await?;
    }
    Ok(())
}

/// Nobody answers, and nobody else gets in.
pub async fn a_holder_is_told_while_all_servers_are_stopped(arena: Arena) -> Result<()> {
    let cluster = Cluster::start(arena.engine)?;
    let mutex = connect(&cluster.url)?.mutex(arena.name)?.with(arena.short());
    let (mut me, mut other) = (mutex.join().await?, mutex.join().await?);
    let guard = me.lock().await?;
    arena.ensure_held(&guard)?;
    cluster.nodes.iter().try_for_each(Node::stop)?;
    guard.lost().await;
    ensure!(guard.is_lost());
    // It takes its time: the servers do not answer.
    let next = tokio::spawn(async move {
        loop {
            // Its own session may have ended as well.
            match other.lock_or_repair(async |_| Ok::<_, Error>(())).await {
                Err(error) if may_pass(&error) => {}
                guard => break guard.map(|guard| guard.token()),
            }
        }
    });
    cluster.nodes.iter().try_for_each(Node::go_on)?;
    ensure!(next.await?? > guard.token());
    ensure!(guard.check().await.is_err());
    Ok(())
}

async fn lock_and_unlock(cluster: &Cluster, name: &str) -> bakery_distributed::Result<()> {
    let mutex = connect(&cluster.url)?.mutex(name)?;
    let mut me = mutex.join().await?;
    me.lock_or_repair(async |_| Ok::<_, Error>(())).await?.unlock().await?;
    mutex.status().await?;
    me.leave().await
}

/// Whether it comes of servers that are not there for a while.
fn may_pass(error: &Error) -> bool {
    matches!(error, Error::Lost { .. } | Error::Unreachable { .. } | Error::Silent { .. })
}

/// A server that accepts and does not answer is worse than one that is gone.
pub async fn nobody_waits_for_ever_for_servers_that_hang(arena: Arena) -> Result<()> {
    let cluster = Cluster::start(arena.engine)?;
    let many = cluster.nodes.len() > 1;
    for node in cluster.nodes.iter().filter(|_| many) {
        node.stop()?;
        // Whichever server it asks first, and whichever leads: an election takes its time, and on a busy
        // machine it may take that of several sessions.
        let end = Instant::now() + LIMIT;
        while let Err(error) = lock_and_unlock(&cluster, arena.name).await {
            ensure!(may_pass(&error) && Instant::now() < end, "{error}");
        }
        node.go_on()?;
        cluster.wait()?;
    }
    cluster.nodes.iter().try_for_each(Node::stop)?;
    let mutex = connect(&cluster.url)?.mutex(arena.name)?.with(short());
    ensure!(mutex.join().await.is_err() && mutex.status().await.is_err());
    cluster.nodes.iter().try_for_each(Node::go_on)?;
    Ok(())
}
