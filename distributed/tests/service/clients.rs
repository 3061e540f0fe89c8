//! Who a client is, and what it may do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use bakery_distributed::engine::Line;
use bakery_distributed::service::{Grant, Policy};
use bakery_distributed::{Access, Client, Error, Options, connect_with};
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::place::{LIMIT, LONG, Place};
use crate::raw::{Raw, open};

/// Of `hunter2` and `hunter3`.
const HASHES: [&str; 2] = [
    "f52fbd32b2b3b86ff88ef6c490628285f482af15ddcb29541f94bcf526a3f6c7",
    "fb8c2e2b85ca81eb4350199faddd983cb26af3064614e737ea9f479621cfa57a",
];

pub fn grant(name: &str, hash: &str) -> Grant {
    Grant {
        name: name.to_owned(),
        token_sha256: Some(hash.to_owned()),
        certificate: None,
        lock: vec![format!("{name}-")],
        look: vec!["all-".to_owned()],
        requests_per_second: None,
        sessions: None,
    }
}

/// One that may lock what begins with `ci-`, and one of `web-`.
async fn two() -> Result<Place> {
    two_with(|_| {}).await
}

async fn two_with(change: impl FnOnce(&mut Grant)) -> Result<Place> {
    let mut grants = [grant("ci", HASHES[0]), grant("web", HASHES[1])];
    change(&mut grants[0]);
    Place::with(Policy::of(&grants)?, |service| service).await
}

fn client(place: &Place, token: &str) -> Result<Client> {
    let url = format!("bakery://{}", place.address);
    Ok(connect_with(&url, &Access::new().token(token))?)
}

async fn lock(client: &Client, name: &str) -> Result<u64, Error> {
    let mut me = client.mutex(name)?.with(Options::default().ttl(LONG)).join().await?;
    let guard = me.lock().await?;
    let token = guard.token();
    guard.unlock().await?;
    me.leave().await?;
    Ok(token)
}

fn refusal<T: std::fmt::Debug>(answer: Result<T, Error>) -> Result<String> {
    match answer {
        Err(refused @ Error::Refused { .. }) => Ok(refused.to_string()),
        other => bail!("it is not refused: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_not_known_is_refused_at_once() -> Result<()> {
    let place = two().await?;
    for stranger in [client(&place, "hunter4")?, place.client()?] {
        let words = refusal(lock(&stranger, "ci-1").await)?;
        ensure!(words.contains("knows no client"), "{words}");
        refusal(stranger.mutex("ci-1")?.status().await)?;
    }
    lock(&client(&place, "hunter2")?, "ci-1").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_may_lock_what_begins_so_and_look_at_more() -> Result<()> {
    let place = two().await?;
    let ci = client(&place, "hunter2")?;
    lock(&ci, "ci-1").await?;
    ci.mutex("ci-1")?.status().await?;
    ci.mutex("all-1")?.status().await?;
    for name in ["all-1", "web-1", "c", "xci-1"] {
        let words = refusal(lock(&ci, name).await)?;
        ensure!(words.contains("may not lock") && words.contains("\"ci\""), "{words}");
    }
    let words = refusal(ci.mutex("web-1")?.status().await)?;
    ensure!(words.contains("may not look at"), "{words}");
    let observed = ci.engine().changed("web-1", &Line::default()).await;
    refusal(observed)?;
    Ok(())
}

/// Whoever finds out the number of another one's session can do nothing with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_its_clients_only() -> Result<()> {
    let place = two().await?;
    let mut ci = Raw::welcome(&place, json!({"bakery": 1, "token": "hunter2"})).await?;
    let mut web = Raw::welcome(&place, json!({"bakery": 1, "token": "hunter3"})).await?;
    let opened = ci.ask(&open()).await?;
    let session = &opened["answer"]["opened"]["session"];
    let attempt = json!({"session": session, "line": "ci-1", "number": 1});
    let enter = json!({"id": 2, "ask": {"enter": {
        "attempt": attempt, "mode": "exclusive", "recorded": true, "note": "", "wait": true,
        "since": {"secs_since_epoch": 0, "nanos_since_epoch": 0},
    }}});
    let entered = ci.ask(&enter).await?;
    ensure!(entered["answer"]["turn"]["mine"].is_object(), "{entered}");
    for (ask, expected) in [
        (json!({"renew": {"session": session}}), json!({"renewed": "ended"})),
        (json!({"poll": attempt}), json!({"turn": "out"})),
        (json!({"holds": attempt}), json!({"holds": false})),
        (json!({"leave": {"attempt": attempt, "clear": true}}), json!("done")),
        (json!({"close": {"session": session}}), json!("done")),
    ] {
        let answer = web.ask(&json!({"id": 3, "ask": ask})).await?;
        ensure!(answer["answer"] == expected, "{ask}: {answer}");
    }
    let holds = ci.ask(&json!({"id": 4, "ask": {"holds": attempt}})).await?;
    ensure!(holds["answer"]["holds"] == true, "{holds}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_sessions_than_it_may_have() -> Result<()> {
    let place = two_with(|ci| ci.sessions = Some(2)).await?;
    let (ci, web) = (client(&place, "hunter2")?, client(&place, "hunter3")?);
    let mutex = ci.mutex("ci-1")?;
    let (one, _two) = (mutex.join().await?, mutex.join().await?);
    let words = refusal(mutex.join().await)?;
    ensure!(words.contains("as many sessions"), "{words}");
    lock(&web, "web-1").await?;
    one.leave().await?;
    mutex.join().await?;
    Ok(())
}

/// Of one that has gone without a word.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_are_not_renewed_do_not_count() -> Result<()> {
    let place = two_with(|ci| ci.sessions = Some(1)).await?;
    let mut ci = Raw::welcome(&place, json!({"bakery": 1, "token": "hunter2"})).await?;
    let who = json!({"pid": 1, "host": "h", "command": "c"});
    let open = json!({"id": 1, "ask": {"open": {"who": who, "ttl_ms": 500}}});
    let end = Instant::now() + LIMIT;
    for _ in 0..2 {
        while !ci.ask(&open).await?["answer"]["opened"].is_object() {
            ensure!(Instant::now() < end, "it counts for ever");
            sleep(Duration::from_millis(20)).await;
        }
    }
    Ok(())
}

/// Whatever the first one still waits for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_goes_on_by_another_connection() -> Result<()> {
    let place = two().await?;
    let hello = json!({"bakery": 1, "token": "hunter2"});
    let mut first = Raw::welcome(&place, hello.clone()).await?;
    let mut attempts = Vec::new();
    let mut turn = json!(null);
    for _ in 0..2 {
        let opened = first.ask(&open()).await?;
        let session = &opened["answer"]["opened"]["session"];
        let attempt = json!({"session": session, "line": "ci-1", "number": 1});
        let enter = json!({"id": 2, "ask": {"enter": {
            "attempt": attempt, "mode": "exclusive", "recorded": true, "note": "", "wait": true,
            "since": {"secs_since_epoch": 0, "nanos_since_epoch": 0},
        }}});
        turn = first.ask(&enter).await?["answer"]["turn"].clone();
        attempts.push(attempt);
    }
    let wait = json!({"attempt": attempts[1], "before": turn["blocked"]});
    first.send(&json!({"id": 3, "ask": {"wait": wait}})).await?;
    // It is asked after the wait, so that has begun.
    first.ask(&json!({"id": 4, "ask": {"holds": attempts[1]}})).await?;
    let mut second = Raw::welcome(&place, hello).await?;
    let leave = json!({"id": 5, "ask": {"leave": {"attempt": attempts[1], "clear": false}}});
    ensure!(timeout(LIMIT, second.ask(&leave)).await??["answer"] == "done");
    drop(first);
    let holds = second.ask(&json!({"id": 6, "ask": {"holds": attempts[0]}})).await?;
    ensure!(holds["answer"]["holds"] == true, "{holds}");
    Ok(())
}

/// One second's requests at once, and then so many in each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_asks_too_often_waits_and_nobody_else_does() -> Result<()> {
    let place = two_with(|ci| ci.requests_per_second = Some(1)).await?;
    let (ci, web) = (client(&place, "hunter2")?, client(&place, "hunter3")?);
    let answers = Arc::new(AtomicU64::new(0));
    let (began, count) = (Instant::now(), answers.clone());
    let busy = tokio::spawn(async move {
        while ci.mutex("ci-1")?.status().await.is_ok() {
            count.fetch_add(1, Relaxed);
        }
        Ok::<_, Error>(())
    });
    for _ in 0..100 {
        web.mutex("web-1")?.status().await?;
    }
    while answers.load(Relaxed) < 2 {
        ensure!(!busy.is_finished(), "it was refused");
        sleep(Duration::from_millis(10)).await;
    }
    let answers = answers.load(Relaxed);
    ensure!(answers <= began.elapsed().as_secs() + 2, "{answers} answers");
    busy.abort();
    Ok(())
}
