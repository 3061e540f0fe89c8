//! Bytes that are no requests: they cost whoever sends them its connection, and nobody else anything.

use anyhow::{Result, bail, ensure};
use bakery_distributed::{Error, connect};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::place::{LONG, Others, Place};
use crate::raw::{Raw, frame, hello, open};

async fn begin(place: &Place, welcome: bool) -> Result<Raw> {
    if welcome { Raw::welcome(place, hello()).await } else { Raw::connect(place).await }
}

/// Sends these bytes, before or after it has been welcomed, and sees its connection end.
async fn are_refused(place: &Place, welcome: bool, bytes: &[u8]) -> Result<()> {
    let mut raw = begin(place, welcome).await?;
    // It may have been sent away before all of it was sent.
    let _ = raw.0.write_all(bytes).await;
    raw.ends().await
}

/// What is no frame, or no request, whatever comes after it.
fn bad() -> Vec<Vec<u8>> {
    let nested = "[".repeat(30_000);
    let texts = [
        "",
        "x",
        "null",
        "{}",
        "[]",
        "\"\\ud800\"",
        &nested,
        r#"{"bakery": "1"}"#,
        r#"{"bakery": -1}"#,
        r#"{"bakery": 1, "token": "x", "more": 1}"#,
        r#"{"id": 1}"#,
        r#"{"id": 1, "ask": "nothing"}"#,
        r#"{"id": 1, "ask": {"renew": {}}}"#,
        r#"{"id": -1, "ask": {"renew": {"session": "x"}}}"#,
        r#"{"id": 1e99, "ask": {"renew": {"session": "x"}}}"#,
        r#"{"id": 1, "ask": {"poll": {"session": "x", "line": "l", "number": 18446744073709551616}}}"#,
        r#"{"id": 1, "ask": {"open": {"who": {"pid": -1, "host": "", "command": ""}, "ttl_ms": 1}}}"#,
    ];
    let mut bad: Vec<_> = texts.iter().map(|text| frame(text.as_bytes())).collect();
    bad.push(frame(&[0xff; 100]));
    bad.push(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec());
    bad.push(vec![0; 4]);
    bad
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_request_ends_its_connection_only() -> Result<()> {
    // Nobody is sent away for being slow.
    let place = Place::limited(|limits| limits.patience = LONG).await?;
    let others = Others::of(&place)?;
    for bytes in bad() {
        for welcome in [false, true] {
            others.meanwhile(are_refused(&place, welcome, &bytes)).await?;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_that_would_be_too_long_is_not_waited_for() -> Result<()> {
    let place = Place::limited(|limits| limits.patience = LONG).await?;
    let others = Others::of(&place)?;
    for length in [32 * 1024 + 1, 1 << 20, u32::MAX] {
        for welcome in [false, true] {
            let bytes = length.to_be_bytes();
            others.meanwhile(are_refused(&place, welcome, &bytes)).await?;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_frame_is_nothing() -> Result<()> {
    let place = Place::start().await?;
    let others = Others::of(&place)?;
    let whole = frame(open().to_string().as_bytes());
    let halves = async {
        for length in 0..whole.len() {
            let mut raw = Raw::welcome(&place, hello()).await?;
            raw.0.write_all(&whole[..length]).await?;
            // It sends nothing more, and is there to read.
            raw.0.shutdown().await?;
            ensure!(raw.hear().await?.is_none());
        }
        Ok(())
    };
    others.meanwhile(halves).await
}

/// Every request that there is.
fn requests() -> Vec<Value> {
    let attempt = json!({"session": "00", "line": "others", "number": 1});
    let since = json!({"secs_since_epoch": 1, "nanos_since_epoch": 1});
    let asks = [
        json!({"renew": {"session": "00"}}),
        json!({"enter": {"attempt": attempt, "mode": "exclusive", "recorded": true, "note": "x",
            "since": since, "wait": true}}),
        json!({"placed": attempt}),
        json!({"poll": attempt}),
        json!({"wait": {"attempt": attempt, "before": {"key": "x", "order": 1}}}),
        json!({"say": {"attempt": attempt, "note": "x"}}),
        json!({"leave": {"attempt": attempt, "clear": true}}),
        json!({"holds": attempt}),
        json!({"close": {"session": "00"}}),
        json!({"look": {"line": "others"}}),
        json!({"forget": {"id": 1}}),
    ];
    let numbered = asks.iter().map(|ask| json!({"id": 1, "ask": ask}));
    numbered.chain([hello(), open()]).collect()
}

/// Whatever has become of them on their way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_with_wrong_bytes_harm_nobody_else() -> Result<()> {
    let place = Place::start().await?;
    let others = Others::of(&place)?;
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let requests = requests();
    let storm = async {
        for _ in 0..1000 {
            let mut raw = begin(&place, random.bool()).await?;
            let mut bytes = frame(random.choice(&requests).unwrap().to_string().as_bytes());
            for _ in 0..random.usize(0..4) {
                let at = random.usize(..bytes.len());
                match random.u8(0..4) {
                    0 => bytes[at] = random.u8(..),
                    1 => bytes[at] ^= 1 << random.u8(0..8),
                    2 => drop(bytes.remove(at)),
                    _ => bytes.insert(at, random.u8(..)),
                }
            }
            let _ = raw.0.write_all(&bytes).await;
            let _ = raw.0.shutdown().await;
            // An answer or none, and then the end.
            raw.ends().await?;
        }
        Ok(())
    };
    others.meanwhile(storm).await
}

/// They are valid requests, and there is nothing to be had by them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_is_refused() -> Result<()> {
    let place = Place::start().await?;
    let mut raw = Raw::welcome(&place, hello()).await?;
    let opened = raw.ask(&open()).await?;
    let session = &opened["answer"]["opened"]["session"];
    ensure!(session.is_string(), "{opened}");
    let enter = |line: &str, note: &str| {
        let since = json!({"secs_since_epoch": u64::MAX >> 2, "nanos_since_epoch": 0});
        json!({"id": 2, "ask": {"enter": {
            "attempt": {"session": session, "line": line, "number": 1}, "mode": "exclusive",
            "recorded": true, "note": note, "since": since, "wait": true,
        }}})
    };
    let (long, zero) = ("x".repeat(4097), "\0");
    let who = json!({"pid": 1, "host": "h", "command": "c"});
    let open = |ttl_ms: u64| json!({"id": 2, "ask": {"open": {"who": who, "ttl_ms": ttl_ms}}});
    for (bad, kind) in [
        (enter("", ""), "refused"),
        (enter("a/b", ""), "refused"),
        (enter(&"x".repeat(201), ""), "refused"),
        (enter("l", &long), "refused"),
        (enter("l", zero), "refused"),
        (json!({"id": 2, "ask": {"look": {"line": "a\nb"}}}), "refused"),
        (open(0), "bad_ttl"),
        (open(u64::MAX), "bad_ttl"),
    ] {
        let answer = raw.ask(&bad).await?;
        ensure!(answer["id"] == 2 && answer["answer"]["failed"]["kind"] == kind, "{answer}");
    }
    // The connection is still good.
    let answer = raw.ask(&enter("l", "")).await?;
    ensure!(answer["answer"]["turn"]["mine"]["token"].is_u64(), "{answer}");
    Ok(())
}

/// Nor does a client suffer from a server that is none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_takes_no_bad_bytes_either() -> Result<()> {
    let mut all = bad();
    all.push(u32::MAX.to_be_bytes().to_vec());
    let welcome =
        frame(json!({"id": 0, "answer": {"welcome": {"client": "x"}}}).to_string().as_bytes());
    for is_welcome in [false, true] {
        for bytes in &all {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let url = format!("bakery://{}", listener.local_addr()?);
            let answer =
                if is_welcome { [&welcome, bytes.as_slice()].concat() } else { bytes.clone() };
            let server = tokio::spawn(async move {
                while let Ok((mut client, _)) = listener.accept().await {
                    let mut words = [0; 1024];
                    let _ = client.read(&mut words).await;
                    let _ = client.write_all(&answer).await;
                    let _ = client.shutdown().await;
                }
            });
            let engine = connect(&url)?.engine();
            match engine.look("x").await {
                Err(Error::Unreachable { .. } | Error::Refused { .. }) => {}
                other => bail!("{other:?}"),
            }
            server.abort();
        }
    }
    Ok(())
}
