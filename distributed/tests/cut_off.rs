//! Servers that are cut off from the others and go on talking to their clients, and leaders that are killed.
#![cfg(any(feature = "consul", feature = "etcd", feature = "zookeeper"))]

#[macro_use]
mod own;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use bakery_distributed::engine::Renewal;
use bakery_distributed::{Death, Error, Guard, Mutex, Options, Who, connect};
use bakery_servers::{self as servers, Cluster, Link};
use serde_json::json;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use own::{arena, raw};

use crate::arena::{Arena, options};

#[cfg(feature = "consul")]
tests! { consul:
    whoever_is_on_a_follower_that_is_cut_off_is_told_before_the_next_one_is_in
    whoever_is_on_a_leader_that_is_cut_off_is_told_before_the_next_one_is_in
    when_the_leader_is_killed_the_lock_is_kept_or_its_holder_is_told
}

#[cfg(feature = "etcd")]
tests! { etcd:
    a_leader_that_stood_still_renews_nothing_by_itself
    when_the_leader_is_killed_the_lock_is_kept_or_its_holder_is_told
}

#[cfg(feature = "zookeeper")]
tests! { zookeeper:
    whoever_is_on_a_follower_that_is_cut_off_is_told_before_the_next_one_is_in
    whoever_is_on_a_leader_that_is_cut_off_is_told_before_the_next_one_is_in
    when_the_leader_is_killed_the_lock_is_kept_or_its_holder_is_told
}

/// The number of the server that leads, if one does.
fn leader(engine: &str) -> fn(&Cluster) -> Option<usize> {
    match engine {
        "consul" => servers::consul::leader,
        "etcd" => servers::etcd::leader,
        _ => servers::zookeeper::leader,
    }
}

/// Three servers, and a link to the last one.
struct Apart {
    cluster: Cluster,
    link: Link,
}

impl Apart {
    fn start(engine: &str, last_leads: bool) -> Result<Self> {
        let (mut cluster, link) = match engine {
            "consul" => servers::consul::start_apart()?,
            _ => servers::zookeeper::start_apart()?,
        };
        cluster.elect(leader(engine), last_leads)?;
        Ok(Self { cluster, link })
    }

    /// The lock, by way of this server only.
    fn mutex(&self, name: &str, server: usize, options: Options) -> Result<Mutex> {
        Ok(connect(&self.cluster.url_of(server))?.mutex(name)?.with(options))
    }
}

/// Goes in, however often its own session ends before that; says when, with which token, and after whose
/// death.
fn next(mutex: Mutex) -> JoinHandle<Result<(Instant, u64, Option<Death>)>> {
    tokio::spawn(async move {
        let mut me = mutex.join().await?;
        loop {
            let guard = match me.lock_or_repair(async |_| Ok::<_, Error>(())).await {
                Err(Error::Lost { .. } | Error::Unreachable { .. } | Error::Silent { .. }) => {
                    continue;
                }
                guard => guard?,
            };
            let came = Instant::now();
            let (token, death) = (guard.token(), guard.death().cloned());
            guard.unlock().await?;
            return Ok((came, token, death));
        }
    })
}

async fn wait_for_a_waiter(mutex: &Mutex) -> Result<()> {
    while mutex.status().await?.queue.is_empty() {
        sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

async fn when_told(guard: &Guard<'_>) -> Instant {
    guard.lost().await;
    Instant::now()
}

/// Whether it is held.
async fn when_it_is_known_again(guard: &Guard<'_>) {
    while guard.check().await.is_err() {
        sleep(Duration::from_millis(10)).await;
    }
}

async fn cut_off(arena: &Arena, apart: &Apart) -> Result<()> {
    let name = arena.name;
    let mut me = apart.mutex(name, 2, arena.short())?.join().await?;
    let guard = me.lock().await?;
    let token = guard.token();
    let others = apart.mutex(name, 0, options())?;
    let next = next(others.clone());
    wait_for_a_waiter(&others).await?;
    // Those who wait elsewhere are told as well, and leave the line.
    let other_name = format!("{name}-waited-for");
    let elsewhere = apart.mutex(&other_name, 1, options())?;
    let mut holder = elsewhere.join().await?;
    let held = holder.lock().await?;
    let mut waiter = apart.mutex(&other_name, 2, arena.short())?.join().await?;
    let waiting = waiter.enter().await?;
    // Not of those that are told: what a session asks for after a question that hangs, hangs as well.
    let mut asking = apart.mutex(&format!("{name}-asked-for"), 2, arena.short())?.join().await?;
    let asked = asking.lock().await?;

    arena.ensure_held(&guard)?;
    arena.ensure_held(&asked)?;
    apart.link.cut();
    // Nobody can say any more that it is held.
    let (is_known, told) = tokio::join!(asked.check(), when_told(&guard));
    ensure!(is_known.is_err());
    let (came, next_token, death) = next.await??;
    ensure!(told < came, "told {:?} too late", told - came);
    ensure!(next_token > token && death.is_some_and(|death| death.token == token));
    ensure!(guard.check().await.is_err());
    let Err(Error::Lost { .. }) = waiting.wait().await else { bail!("it waits for ever") };
    while !elsewhere.status().await?.queue.is_empty() {
        sleep(Duration::from_millis(5)).await;
    }
    drop(held);
    apart.link.mend();
    Ok(())
}

/// It answers reads and pings until it has missed its leader for ten ticks, which is longer than the session
/// lives.
async fn whoever_is_on_a_follower_that_is_cut_off_is_told_before_the_next_one_is_in(
    arena: Arena,
) -> Result<()> {
    cut_off(&arena, &Apart::start(arena.engine, false)?).await
}

/// It answers renewals too, until it has missed its followers for ten ticks; as long as they need to elect
/// another one.
async fn whoever_is_on_a_leader_that_is_cut_off_is_told_before_the_next_one_is_in(
    arena: Arena,
) -> Result<()> {
    cut_off(&arena, &Apart::start(arena.engine, true)?).await
}

/// Until it hears of the next leader, it takes itself for the leader.
#[cfg(feature = "etcd")]
async fn a_leader_that_stood_still_renews_nothing_by_itself(arena: Arena) -> Result<()> {
    const LIFE: u64 = 60;
    let cluster = Cluster::start(arena.engine)?;
    // Which it hears first is chance.
    for _ in 0..4 {
        let leads = loop {
            match servers::etcd::leader(&cluster) {
                Some(leads) => break leads,
                None => sleep(Duration::from_millis(50)).await,
            }
        };
        let engine = connect(&cluster.url_of(leads))?.engine();
        let session = engine.open(&Who::this(), Duration::from_secs(LIFE)).await?;
        let another = cluster.url_of((leads + 1) % 3);
        let another = another.trim_start_matches("etcd://");
        let leases = raw::ask(another, "POST /v3/lease/leases", "", &json!({}))?;
        let lease = leases["leases"][0]["ID"].clone();
        cluster.nodes[leads].stop()?;
        while servers::etcd::leader(&cluster).is_none_or(|now| now == leads) {
            sleep(Duration::from_millis(50)).await;
        }
        // So that a renewal can be told from none; and that the others hang up, and are not heard at once.
        sleep(Duration::from_secs(6)).await;
        let mut renewals = JoinSet::new();
        for _ in 0..50 {
            let session = session.clone();
            renewals.spawn(async move { session.renew().await });
        }
        sleep(Duration::from_millis(300)).await;
        cluster.nodes[leads].go_on()?;
        let renewals = renewals.join_all().await;
        let renewed =
            renewals.iter().filter(|renewed| matches!(renewed, Ok(Renewal::Alive))).count();
        let told = raw::ask(another, "POST /v3/lease/timetolive", "", &json!({"ID": lease}))?;
        let left: u64 = told["TTL"].as_str().context("it has ended")?.parse()?;
        ensure!(renewed == 0 || left + 2 >= LIFE, "{renewed} times renewed, with {left} s left");
        while session.close().await.is_err() {
            sleep(Duration::from_millis(50)).await;
        }
    }
    Ok(())
}

async fn when_the_leader_is_killed_the_lock_is_kept_or_its_holder_is_told(
    arena: Arena,
) -> Result<()> {
    let mut cluster = Cluster::start(arena.engine)?;
    let mutex = connect(&cluster.url)?.mutex(arena.name)?.with(options());
    for _ in 0..3 {
        let mut me = mutex.join().await?;
        let guard = me.lock_or_repair(async |_| Ok::<_, Error>(())).await?;
        let token = guard.token();
        let next = next(mutex.clone());
        wait_for_a_waiter(&mutex).await?;
        let leader = leader(arena.engine)(&cluster).context("nobody leads")?;
        cluster.nodes[leader].kill()?;
        let told = tokio::select! {
            told = when_told(&guard) => Some(told),
            () = when_it_is_known_again(&guard) => {
                ensure!(!next.is_finished(), "two are inside");
                None
            }
        };
        guard.unlock().await?;
        let (came, next_token, _) = next.await??;
        ensure!(next_token > token && told.is_none_or(|told| told < came));
        cluster.nodes[leader].start_again()?;
        cluster.wait()?;
    }
    Ok(())
}
