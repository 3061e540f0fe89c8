//! What is asked of an agent, and what becomes of its answers.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bakery_distributed::connect;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::arena::{Arena, LIMIT, options};
use crate::own::between::{Meddle, between};
use crate::{ask, queue};

/// The address of the first agent, by way of somebody.
fn by_way_of(arena: &Arena, meddle: impl Meddle) -> Result<String> {
    let (_, agents) = arena.url.split_once("://").context("no address")?;
    let agent = agents.split(',').next().unwrap_or_default();
    Ok(format!("consul://{}", between(agent, meddle)?))
}

pub async fn whoever_looks_on_asks_again_only_when_something_has_changed(
    arena: Arena,
) -> Result<()> {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = count.clone();
    let url = by_way_of(&arena, move |_: &str, _: &str| {
        counter.fetch_add(1, Relaxed);
        None
    })?;
    let engine = connect(&url)?.engine();
    let changed = async |known| {
        timeout(LIMIT, engine.changed(arena.name, &known)).await.context("it is not told")??;
        let now = engine.look(arena.name).await?;
        ensure!(now != known, "nothing has changed: {now:?}");
        Ok(now)
    };
    let mutex = arena.mutex()?;
    let (mut me, mut other) = (mutex.join().await?, mutex.join().await?);
    let nobody = engine.look(arena.name).await?;
    let (line, guard) = tokio::join!(changed(nobody), me.lock());
    let guard = guard?;
    // It may have come in between its entry and its record.
    let _ = line?;
    let line = engine.look(arena.name).await?;
    count.store(0, Relaxed);
    let waits = timeout(Duration::from_secs(2), engine.changed(arena.name, &line)).await;
    ensure!(waits.is_err(), "nothing has changed");
    ensure!(count.load(Relaxed) <= 3, "{count:?} requests");
    let (line, said) = tokio::join!(changed(line), guard.say("something"));
    said?;
    let (line, waiting) = tokio::join!(changed(line?), other.enter());
    let _waiting = waiting?;
    let (line, unlocked) = tokio::join!(changed(line?), guard.unlock());
    unlocked?;
    ensure!(line?.inside.len() == 1);
    Ok(())
}

/// It knows of nobody, as one that has just come back does.
pub async fn an_agent_that_lags_is_not_believed_that_a_place_is_gone(arena: Arena) -> Result<()> {
    let url = by_way_of(&arena, |head: &str, body: &str| {
        let is_a_look = body.contains("get-tree") && body.matches("Verb").count() == 1;
        let is_believed = head.starts_with("PUT /v1/txn ") && is_a_look;
        is_believed.then(|| r#"{"Results": [], "Errors": null}"#.to_owned())
    })?;
    let mut holder = arena.mutex()?.join().await?;
    let mut me = connect(&url)?.mutex(arena.name)?.with(options()).join().await?;
    let guard = holder.lock().await?;
    let waiting = me.enter().await?;
    guard.unlock().await?;
    waiting.wait().await?.check().await?;
    Ok(())
}

/// It answers as it was before the others gave it up.
pub async fn a_leader_that_was_deposed_is_not_believed_that_the_lock_is_held(
    arena: Arena,
) -> Result<()> {
    let before = Arc::new(OnceLock::new());
    let told = before.clone();
    let url = by_way_of(&arena, move |head: &str, _: &str| {
        told.get().filter(|_| head.starts_with("PUT /v1/txn ")).cloned()
    })?;
    let mut me = connect(&url)?.mutex(arena.name)?.with(options()).join().await?;
    let guard = me.lock().await?;
    let tree = json!([{"KV": {"Verb": "get-tree", "Key": format!("line:{}/", arena.name)}}]);
    let tree = ask(&arena, "PUT /v1/txn", &tree)?;
    let keys = queue(&arena)?;
    let session = keys[0]["Session"].as_str().context("nobody holds it")?;
    before.set(tree.to_string()).unwrap();
    ask(&arena, &format!("PUT /v1/session/destroy/{session}"), &Value::Null)?;
    ensure!(guard.check().await.is_err(), "it is not held");
    Ok(())
}
