//! Clients that are slow: they are sent away, and nobody waits for them.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bakery_distributed::Options;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::time::{sleep, timeout};

use crate::place::{LIMIT, LONG, Others, Place};
use crate::raw::{Raw, frame, hello, open};

/// How long the service waits for somebody here.
const PATIENCE: Duration = Duration::from_secs(2);

async fn impatient() -> Result<Place> {
    Place::limited(|limits| limits.patience = PATIENCE).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_does_not_say_who_it_is_is_sent_away() -> Result<()> {
    let place = impatient().await?;
    let others = Others::of(&place)?;
    others.meanwhile(async { Raw::connect(&place).await?.ends().await }).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_does_not_end_its_frame_is_sent_away() -> Result<()> {
    let place = impatient().await?;
    let others = Others::of(&place)?;
    let half = async {
        let mut raw = Raw::welcome(&place, hello()).await?;
        raw.0.write_all(&frame(open().to_string().as_bytes())[..20]).await?;
        raw.ends().await
    };
    others.meanwhile(half).await
}

/// A byte now and then is not enough.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_trickles_is_sent_away() -> Result<()> {
    let place = impatient().await?;
    let others = Others::of(&place)?;
    let trickle = async {
        let mut raw = Raw::welcome(&place, hello()).await?;
        let bytes = frame(" ".repeat(400).as_bytes());
        for byte in bytes {
            if raw.0.write_all(&[byte]).await.is_err() {
                return Ok(());
            }
            sleep(PATIENCE / 10).await;
        }
        anyhow::bail!("it was listened to")
    };
    others.meanwhile(trickle).await
}

/// It asks for long answers, and reads none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_does_not_read_is_sent_away() -> Result<()> {
    let place = impatient().await?;
    let others = Others::of(&place)?;
    let options = Options::default().ttl(LONG).note(&"\u{1}".repeat(4096))?;
    let mut me = place.mutex("long")?.with(options).join().await?;
    let _guard = me.lock().await?;
    let deaf = async {
        let mut raw = Raw::welcome(&place, hello()).await?;
        let look =
            frame(json!({"id": 1, "ask": {"look": {"line": "long"}}}).to_string().as_bytes());
        // More than what the two ends keep of what is not read; and on, until it hears of its end.
        let asks = async {
            while raw.0.write_all(&look).await.is_ok() {
                sleep(Duration::from_micros(100)).await;
            }
        };
        timeout(LIMIT, asks).await.context("it may stay")
    };
    others.meanwhile(deaf).await
}

/// One that is silent is not slow.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_asks_for_nothing_may_stay() -> Result<()> {
    let place = impatient().await?;
    let mut raw = Raw::welcome(&place, hello()).await?;
    sleep(PATIENCE * 3 / 2).await;
    let opened = raw.ask(&open()).await?;
    ensure!(opened["answer"]["opened"].is_object(), "{opened}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_silent_for_long_is_closed_and_the_session_stays() -> Result<()> {
    let place = Place::limited(|limits| limits.idle = PATIENCE).await?;
    let mutex = place.mutex("idle")?;
    let mut me = mutex.join().await?;
    let guard = me.lock().await?;
    let mut raw = Raw::welcome(&place, hello()).await?;
    raw.ends().await?;
    // This one's connection has been closed as well, or is being closed right now.
    while let Err(error) = guard.check().await {
        ensure!(!guard.is_lost(), "{error}");
    }
    guard.unlock().await?;
    Ok(())
}

/// However many wait for their answers on one connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_requests_of_one_connection_are_refused() -> Result<()> {
    let place = Place::limited(|limits| limits.requests = 10).await?;
    let others = Others::of(&place)?;
    let many = async {
        let mut raw = Raw::welcome(&place, hello()).await?;
        let looked = raw.ask(&json!({"id": 1, "ask": {"look": {"line": "quiet"}}})).await?;
        let version = &looked["answer"]["line"]["version"];
        let wait =
            |id: u32| json!({"id": id, "ask": {"changed": {"line": "quiet", "version": version}}});
        for id in 0..11 {
            raw.send(&wait(id)).await?;
        }
        let refused = raw.hear().await?.unwrap_or_default();
        ensure!(
            refused["id"] == 10 && refused["answer"]["failed"]["kind"] == "passing",
            "{refused}"
        );
        // Whoever does not wait any more makes room.
        raw.send(&json!({"id": 0, "ask": {"forget": {"id": 3}}})).await?;
        loop {
            let look = json!({"id": 20, "ask": {"look": {"line": "quiet"}}});
            if raw.ask(&look).await?["answer"]["line"].is_object() {
                return Ok(());
            }
        }
    };
    others.meanwhile(many).await
}
