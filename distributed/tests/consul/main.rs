//! What is so with Consul and with no other engine, on real servers.
#![cfg(feature = "consul")]

#[macro_use]
#[path = "../own/mod.rs"]
mod own;

mod agents;

use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, bail, ensure};
use bakery_distributed::engine::{Me, Patience, Turn};
use bakery_distributed::{Error, Mode, Options, Who, connect};
use bakery_servers::{Cluster, programs};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use own::{arena, disturbed, raw};

use crate::agents::{
    a_leader_that_was_deposed_is_not_believed_that_the_lock_is_held,
    an_agent_that_lags_is_not_believed_that_a_place_is_gone,
    whoever_looks_on_asks_again_only_when_something_has_changed,
};
use crate::arena::{Arena, LIMIT, TTL, options};

tests! { consul:
    a_leader_that_was_deposed_is_not_believed_that_the_lock_is_held
    an_agent_that_lags_is_not_believed_that_a_place_is_gone
    whoever_looks_on_asks_again_only_when_something_has_changed
    sessions_outlive_the_nodes_of_the_agents
    no_delay_follows_a_session_that_ended_inside
    the_next_one_is_in_after_twice_the_sessions_time
    a_token_is_the_create_index_and_not_the_lock_index
    one_that_tries_does_not_stand_in_line
    names_that_mean_something_in_a_path_are_names
    an_entry_that_is_repeated_is_the_same_one
    whoever_waits_is_not_woken_again_by_what_was_said_before
    consul_lock_keeps_out_and_is_kept_out
    a_time_that_the_servers_do_not_keep_is_refused
}

/// The first agent's answer.
fn ask(arena: &Arena, request: &str, body: &Value) -> Result<Value> {
    let (_, agents) = arena.url.split_once("://").context("no address")?;
    raw::ask(agents.split(',').next().unwrap_or_default(), request, "", body)
}

/// The keys of a line.
fn queue(arena: &Arena) -> Result<Vec<Value>> {
    let path = format!("GET /v1/kv/line:{}/queue/?recurse&consistent", arena.name);
    let Value::Array(keys) = ask(arena, &path, &Value::Null)? else { bail!("no line") };
    Ok(keys)
}

/// Whoever takes a node out of the catalog, as an operator or autopilot does with a server that has gone,
/// ends the sessions of that node.
async fn sessions_outlive_the_nodes_of_the_agents(arena: Arena) -> Result<()> {
    // Its own servers: other tests' `consul lock` has a session of such a node.
    let cluster = Cluster::start(arena.engine)?;
    let arena = Arena { url: cluster.url.clone(), ..arena };
    let mutex = arena.mutex()?;
    let (mut me, mut other) = (mutex.join().await?, mutex.join().await?);
    let guard = me.lock().await?;
    let waiting = other.enter().await?;
    for node in ["c1", "c2", "c3"] {
        ask(&arena, "PUT /v1/catalog/deregister", &json!({"Node": node}))?;
    }
    guard.check().await?;
    ensure!(mutex.status().await?.queue.len() == 1);
    guard.unlock().await?;
    waiting.wait().await?.check().await?;
    Ok(())
}

async fn no_delay_follows_a_session_that_ended_inside(arena: Arena) -> Result<()> {
    let mutex = arena.mutex()?;
    let (mut me, mut other) = (mutex.join().await?, mutex.join().await?);
    let guard = me.lock().await?;
    let waiting = other.enter().await?;
    let mut queue = queue(&arena)?.into_iter();
    let key = queue.find(|key| key["CreateIndex"] == json!(guard.token())).context("no key")?;
    let session = key["Session"].as_str().context("nobody holds it")?;
    ask(&arena, &format!("PUT /v1/session/destroy/{session}"), &Value::Null)?;
    let Err(Error::OwnerDied { death, .. }) = waiting.wait().await else { bail!("nobody died") };
    ensure!(death.token == guard.token());
    let Err(Error::Lost { .. }) = guard.check().await else { bail!("it is not held") };
    // Nor does unlocking what is lost take the record of it away.
    guard.unlock().await?;
    ensure!(mutex.status().await?.deaths == [death]);
    let all = ask(&arena, &format!("GET /v1/kv/line:{}/?keys", arena.name), &Value::Null)?;
    ensure!(!all.as_array().context("no keys")?.contains(&key["Key"]), "{all}");
    // The key that it held can be taken at once.
    let session = json!({"Node": "bakery-locks", "NodeChecks": [], "Behavior": "delete"});
    let session = ask(&arena, "PUT /v1/session/create", &session)?;
    let session = session["ID"].as_str().context("no session")?;
    let key = key["Key"].as_str().context("no key")?;
    let got = ask(&arena, &format!("PUT /v1/kv/{key}?acquire={session}"), &Value::Null)?;
    ensure!(got == json!(true), "{got}");
    ask(&arena, &format!("PUT /v1/session/destroy/{session}"), &Value::Null)?;
    Ok(())
}

async fn the_next_one_is_in_after_twice_the_sessions_time(arena: Arena) -> Result<()> {
    let (mutex, how) = disturbed::mutex(&arena)?;
    how.is_mute.store(true, Relaxed);
    let mut next = arena.mutex()?.join().await?;
    let began = Instant::now();
    let mut me = mutex.with(arena.short()).join().await?;
    let guard = me.lock().await?;
    let waiting = next.enter().await?;
    let told = async {
        guard.lost().await;
        Instant::now()
    };
    let came = async {
        let Err(Error::OwnerDied { .. }) = waiting.wait().await else { bail!("nobody died") };
        Ok(Instant::now())
    };
    let (told, came) = tokio::join!(told, came);
    let came = came?;
    ensure!(told < came);
    ensure!(came - began >= TTL * 2, "{:?}", came - began);
    Ok(())
}

async fn a_token_is_the_create_index_and_not_the_lock_index(arena: Arena) -> Result<()> {
    let mut me = arena.mutex()?.join().await?;
    for _ in 0..3 {
        let guard = me.lock().await?;
        let queue = queue(&arena)?;
        let [key] = &queue[..] else { bail!("one is inside: {queue:?}") };
        ensure!(key["CreateIndex"] == json!(guard.token()), "{key}");
        ensure!(key["LockIndex"] == json!(1), "{key}");
        guard.unlock().await?;
    }
    Ok(())
}

/// At no moment.
async fn one_that_tries_does_not_stand_in_line(arena: Arena) -> Result<()> {
    let mutex = arena.mutex()?;
    let (mut me, mut other) = (mutex.join().await?, mutex.join().await?);
    let guard = me.lock().await?;
    let tries = tokio::spawn(async move {
        for _ in 0..100 {
            ensure!(other.try_lock().await?.is_none());
        }
        Ok(())
    });
    while !tries.is_finished() {
        let status = mutex.status().await?;
        ensure!(status.queue.is_empty(), "{status:?}");
    }
    tries.await??;
    Ok(guard.unlock().await?)
}

async fn names_that_mean_something_in_a_path_are_names(arena: Arena) -> Result<()> {
    for name in [".", "..", "%2e%2e", "a b", "?recurse", "#", "&index=1", "Línea 1", "\\", "\""] {
        let mutex = arena.client()?.mutex(name)?.with(options());
        let (mut me, mut other) = (mutex.join().await?, mutex.join().await?);
        let guard = me.lock().await?;
        let waiting = other.enter().await?;
        guard.unlock().await?;
        // It does not know yet, so it asks for a key of that name.
        waiting.wait().await.with_context(|| format!("{name:?}"))?.unlock().await?;
    }
    Ok(())
}

/// And its key has not changed, or those who wait for it would be woken for nothing, again and again.
async fn an_entry_that_is_repeated_is_the_same_one(arena: Arena) -> Result<()> {
    let engine = arena.client()?.engine();
    let session = engine.open(&Who::this(), Duration::from_secs(10)).await?;
    let me = Me {
        line: arena.name.into(),
        attempt: 1,
        mode: Mode::Exclusive,
        is_recorded: true,
        who: Who::this(),
        note: "".into(),
        since: SystemTime::now(),
        order: OnceLock::new(),
    };
    let first = session.enter(&me, Patience::Endless).await?;
    ensure!(matches!(first, Turn::Mine { .. }), "{first:?}");
    ensure!(session.enter(&me, Patience::Endless).await? == first);
    let queue = queue(&arena)?;
    let [key] = &queue[..] else { bail!("one is inside: {queue:?}") };
    ensure!(key["ModifyIndex"] == key["CreateIndex"], "{key}");
    session.leave(&me, false).await?;
    ensure!(arena.mutex()?.status().await?.holder().is_none());
    // Whose session has ended is out, and leaves nothing.
    session.close().await?;
    let again = Me { attempt: 2, order: OnceLock::new(), ..me };
    ensure!(session.enter(&again, Patience::Endless).await? == Turn::Out);
    ensure!(arena.mutex()?.status().await?.holder().is_none());
    Ok(())
}

/// One that says something of itself changes its key, and whoever is behind it waits on.
async fn whoever_waits_is_not_woken_again_by_what_was_said_before(arena: Arena) -> Result<()> {
    let engine = arena.client()?.engine();
    let mut sessions = Vec::new();
    for attempt in 1..=2 {
        let session = engine.open(&Who::this(), LIMIT).await?;
        let order = OnceLock::new();
        let (line, who, note) = (arena.name.into(), Who::this(), "".into());
        let (mode, is_recorded, since) = (Mode::Exclusive, true, SystemTime::now());
        let me = Me { line, attempt, mode, is_recorded, who, note, since, order };
        let turn = session.enter(&me, Patience::Endless).await?;
        sessions.push((session, me, turn));
    }
    let [(holder, inside, _), (waiter, waiting, _)] = &sessions[..] else { bail!("two") };
    holder.say(inside, "one").await?;
    // It may be told of that, but once.
    let Turn::Blocked(before) = waiter.poll(waiting).await? else { bail!("it is in") };
    let woken = timeout(Duration::from_millis(500), waiter.wait(waiting, &before)).await;
    ensure!(woken.is_err(), "woken for nothing");
    let (woken, said) = tokio::join!(waiter.wait(waiting, &before), holder.say(inside, "two"));
    woken?;
    said?;
    ensure!(arena.mutex()?.status().await?.holder().is_some_and(|holder| holder.note == "two"));
    holder.leave(inside, false).await?;
    waiter.wait(waiting, &before).await?;
    ensure!(matches!(waiter.poll(waiting).await?, Turn::Mine { .. }));
    waiter.close().await?;
    Ok(holder.close().await?)
}

/// A program that does not outlive the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn consul_lock_keeps_out_and_is_kept_out(arena: Arena) -> Result<()> {
    let mutex = connect(&format!("{}/?usual-key", arena.url))?.mutex(arena.name)?.with(options());
    let (mut me, mut other) = (mutex.join().await?, mutex.join().await?);
    let guard = me.lock().await?;
    let directory = tempfile::tempdir()?;
    let (is_in, may_go) = (directory.path().join("in"), directory.path().join("go"));
    let (_, agents) = arena.url.split_once("://").context("no address")?;
    let agent = format!("-http-addr=http://{}", agents.split(',').next().unwrap_or_default());
    // Stays inside until it may go, or for a minute.
    let script =
        r#"touch "$0"; for _ in $(seq 3000); do [ -e "$1" ] && exit; sleep 0.02; done; false"#;
    let real = Command::new(programs("consul")?.join("consul"))
        .args(["lock", &agent, "-shell=false", arena.name, "sh", "-c", script])
        .args([&is_in, &may_go])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let mut real = Running(real);
    let end = Instant::now() + LIMIT;
    // It is there when its session is.
    let begins = format!("' at '{}'", arena.name);
    while !ask(&arena, "GET /v1/session/list", &Value::Null)?.to_string().contains(&begins) {
        ensure!(Instant::now() < end, "`consul lock` does not begin");
        sleep(Duration::from_millis(20)).await;
    }
    sleep(Duration::from_millis(300)).await;
    ensure!(!is_in.exists(), "both are inside");
    guard.check().await?;
    guard.unlock().await?;
    while !is_in.exists() {
        ensure!(Instant::now() < end, "`consul lock` does not get in");
        sleep(Duration::from_millis(20)).await;
    }
    ensure!(me.try_lock().await?.is_none(), "both are inside");
    let waiting = other.enter().await?;
    ensure!(me.lock_for(Duration::from_millis(300)).await?.is_none(), "both are inside");
    std::fs::write(&may_go, "")?;
    let guard = waiting.wait().await?;
    guard.check().await?;
    guard.unlock().await?;
    ensure!(real.0.wait()?.success());
    Ok(())
}

async fn a_time_that_the_servers_do_not_keep_is_refused(arena: Arena) -> Result<()> {
    for ttl in [Duration::from_millis(500), Duration::from_hours(25), Duration::MAX] {
        let mutex = arena.client()?.mutex(arena.name)?.with(Options::default().ttl(ttl));
        let refused = mutex.join().await.map(|_| ()).unwrap_err();
        ensure!(matches!(refused, Error::BadTtl { .. }), "{ttl:?}: {refused}");
    }
    Ok(())
}
