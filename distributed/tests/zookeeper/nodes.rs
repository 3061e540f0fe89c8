//! A line's nodes, as ZooKeeper has them.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::OnceLock;
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, bail, ensure};
use bakery_distributed::engine::{Me, Patience, Turn};
use bakery_distributed::{Error, Mode, Who};
use tokio::time::timeout;
use zookeeper_client::Client;

use crate::arena::{Arena, LIMIT, TTL};

/// Somebody who looks after the servers.
async fn operator(arena: &Arena) -> Result<Client> {
    let servers = arena.url.strip_prefix("zookeeper://").context("another engine")?;
    Ok(Client::connect(servers).await?)
}

/// The nodes of a line, in order.
async fn nodes(operator: &Client, arena: &Arena) -> Result<Vec<String>> {
    operator.sync("/").await?;
    let mut nodes = operator.list_children(&format!("/{}", arena.name)).await?;
    nodes.sort_by_key(|node| node[node.len() - 10..].to_owned());
    Ok(nodes)
}

fn attempt(arena: &Arena, attempt: u64) -> Me {
    Me {
        line: arena.name.into(),
        attempt,
        mode: Mode::Exclusive,
        is_recorded: true,
        who: Who::this(),
        note: "".into(),
        since: SystemTime::now(),
        order: OnceLock::new(),
    }
}

/// As when the answer to the first request was lost.
pub async fn an_entry_that_is_repeated_is_the_same_one(arena: Arena) -> Result<()> {
    let engine = arena.client()?.engine();
    let session = engine.open(&Who::this(), TTL).await?;
    // There is a directory from the first one on.
    for number in 1..4 {
        let me = attempt(&arena, number);
        {
            let mut first = pin!(session.enter(&me, Patience::Endless));
            poll_fn(|context| Poll::Ready(first.as_mut().poll(context).is_ready())).await;
        }
        let Turn::Mine { token, .. } = session.enter(&me, Patience::Endless).await? else {
            bail!("somebody else is in the line");
        };
        ensure!(session.enter(&me, Patience::Endless).await? == session.poll(&me).await?);
        let line = engine.look(arena.name).await?;
        ensure!(line.inside.len() == 1 && line.queue.is_empty(), "{line:?}");
        ensure!(line.inside[0].token == token && me.order.get() == Some(&token));
        ensure!(session.holds(&me).await?);
        session.leave(&me, false).await?;
        ensure!(!session.holds(&me).await?);
    }
    Ok(session.close().await?)
}

/// The server takes away directories in which nobody has been for a while; then the sequence numbers begin
/// again.
pub async fn tokens_grow_when_a_directory_begins_again(arena: Arena) -> Result<()> {
    let mut me = arena.mutex()?.join().await?;
    let mut token = 0;
    for _ in 0..3 {
        for _ in 0..3 {
            let guard = me.lock().await?;
            ensure!(guard.token() > token);
            token = guard.token();
            guard.unlock().await?;
        }
        let operator = operator(&arena).await?;
        operator.delete(&format!("/{}", arena.name), None).await?;
        operator.delete(&format!("/bakery-inside/{}", arena.name), None).await?;
    }
    Ok(())
}

pub async fn whoever_loses_its_node_finds_out(arena: Arena) -> Result<()> {
    let mutex = arena.mutex()?;
    let (mut me, mut other) = (mutex.join().await?, mutex.join().await?);
    let guard = me.lock().await?;
    let waiting = other.enter().await?;
    let operator = operator(&arena).await?;
    let line = nodes(&operator, &arena).await?;
    ensure!(line.len() == 2 && line.iter().all(|node| node.contains("-lock-")), "{line:?}");
    for node in line.iter().rev() {
        operator.delete(&format!("/{}/{node}", arena.name), None).await?;
    }
    let Err(Error::Lost { .. }) = waiting.wait().await else { bail!("it waits for ever") };
    let Err(Error::Lost { .. }) = guard.check().await else { bail!("it is not held") };
    ensure!(guard.is_lost());
    Ok(())
}

pub async fn a_time_that_the_servers_do_not_keep_is_refused(arena: Arena) -> Result<()> {
    for ttl in [Duration::from_hours(1), Duration::MAX] {
        let opened = arena.client()?.engine().open(&Who::this(), ttl).await;
        let Err(Error::BadTtl { .. }) = opened else { bail!("{ttl:?} is kept") };
    }
    // One that is too short is made longer.
    let short = Duration::from_millis(1);
    let session = arena.client()?.engine().open(&Who::this(), short).await?;
    ensure!(session.ttl() > short);
    Ok(session.close().await?)
}

/// By itself the client goes on telling the server that it lives.
pub async fn a_session_that_nobody_renews_ends_after_one_and_a_half_of_its_time(
    arena: Arena,
) -> Result<()> {
    let began = Instant::now();
    let unrenewed = arena.client()?.engine().open(&Who::this(), TTL).await?;
    ensure!(unrenewed.ttl() >= TTL);
    let me = attempt(&arena, 1);
    ensure!(matches!(unrenewed.enter(&me, Patience::Endless).await?, Turn::Mine { .. }));
    let mut next = arena.client()?.mutex(arena.name)?.join().await?;
    let came = timeout(LIMIT, next.lock()).await.context("it does not end")?;
    let Err(Error::OwnerDied { .. }) = came else { bail!("nobody died") };
    // Whoever is told after the time that it has asked for is told long before that.
    ensure!(began.elapsed() >= TTL * 3 / 2, "{:?}", began.elapsed());
    Ok(())
}
