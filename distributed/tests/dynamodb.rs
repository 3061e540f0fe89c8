//! What is so with DynamoDB and with no other engine, on dynalite.
#![cfg(feature = "dynamodb")]

#[macro_use]
mod own;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, bail, ensure};
use bakery_distributed::engine::{Me, Patience, Renewal, Session, Turn};
use bakery_distributed::{Error, Mode, Who, connect};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use own::{arena, raw};

use crate::arena::{Arena, LIMIT, options};
use crate::own::between::between;

tests! { dynamodb:
    an_entry_that_is_repeated_is_the_same_one
    an_entry_whose_answer_was_lost_gets_its_number_back
    an_entry_that_comes_after_its_session_holds_nobody_up
    a_dead_waiter_is_taken_out_by_the_one_behind_it
    a_session_is_judged_by_its_own_time
    a_session_that_is_renewed_at_the_last_moment_lives
    whoever_only_tries_gets_in_after_one_that_died
    nothing_is_left_of_those_who_have_left
    whoever_comes_first_makes_the_table
    addresses_that_name_no_table_are_refused
}

/// A line's item.
fn item(arena: &Arena) -> Result<Value> {
    const HEADERS: &str = "Content-Type: application/x-amz-json-1.0\r\n\
        X-Amz-Target: DynamoDB_20120810.GetItem\r\nX-Amz-Date: 20000101T000000Z\r\n\
        Authorization: AWS4-HMAC-SHA256 Credential=n/20000101/n/dynamodb/aws4_request, \
        SignedHeaders=host, Signature=n\r\n";
    let (_, address) = arena.url.split_once("://").context("no address")?;
    let (server, _) = address.split_once('/').context("no table")?;
    let key = json!({"k": {"S": format!("line#{}", arena.name)}});
    let body = json!({"TableName": "bakery", "Key": key, "ConsistentRead": true});
    Ok(raw::ask(server, "POST /", HEADERS, &body)?["Item"].take())
}

/// A session that nobody renews.
async fn session(arena: &Arena, ttl: Duration) -> Result<Arc<dyn Session>> {
    Ok(arena.client()?.engine().open(&Who::this(), ttl).await?)
}

fn attempt(arena: &Arena) -> Me {
    Me {
        line: arena.name.into(),
        attempt: 1,
        mode: Mode::Exclusive,
        is_recorded: true,
        who: Who::this(),
        note: "".into(),
        since: SystemTime::now(),
        order: OnceLock::new(),
    }
}

async fn an_entry_that_is_repeated_is_the_same_one(arena: Arena) -> Result<()> {
    let session = session(&arena, LIMIT).await?;
    let me = attempt(&arena);
    let first = session.enter(&me, Patience::Endless).await?;
    for patience in [Patience::Endless, Patience::None] {
        ensure!(session.enter(&me, patience).await? == first);
    }
    let length = |item: &Value| item["lineLength"]["N"].clone();
    ensure!(first == Turn::Mine { token: 1, deaths: Vec::new() }, "{first:?}");
    ensure!(length(&item(&arena)?) == json!("1"));
    // So is leaving: nobody else's place is counted out.
    let other = Me { attempt: 2, ..attempt(&arena) };
    ensure!(matches!(session.enter(&other, Patience::Endless).await?, Turn::Blocked(_)));
    for _ in 0..2 {
        session.leave(&me, false).await?;
        ensure!(length(&item(&arena)?) == json!("1"));
    }
    ensure!(session.poll(&other).await? == Turn::Mine { token: 2, deaths: Vec::new() });
    Ok(session.leave(&other, false).await?)
}

async fn an_entry_whose_answer_was_lost_gets_its_number_back(arena: Arena) -> Result<()> {
    let mut holder = arena.mutex()?.join().await?;
    let guard = holder.lock().await?;
    let session = session(&arena, LIMIT).await?;
    let lost = attempt(&arena);
    session.enter(&lost, Patience::Endless).await?;
    // What is known without the answer.
    let me = attempt(&arena);
    let Turn::Blocked(before) = session.enter(&me, Patience::Endless).await? else {
        bail!("somebody is inside");
    };
    ensure!(before.order == guard.token());
    ensure!(me.order.get() == lost.order.get() && me.order.get() == Some(&(guard.token() + 1)));
    guard.unlock().await?;
    let Turn::Mine { token, .. } = session.poll(&me).await? else { bail!("it is its turn") };
    ensure!(me.order.get() == Some(&token));
    Ok(session.leave(&me, false).await?)
}

async fn an_entry_that_comes_after_its_session_holds_nobody_up(arena: Arena) -> Result<()> {
    let mutex = arena.mutex()?;
    let (mut holder, mut me) = (mutex.join().await?, mutex.join().await?);
    let guard = holder.lock().await?;
    let session = session(&arena, LIMIT).await?;
    session.close().await?;
    session.enter(&attempt(&arena), Patience::Endless).await?;
    ensure!(mutex.status().await?.queue.len() == 1);
    let waiting = me.enter().await?;
    guard.unlock().await?;
    // Nor is it taken for one that died inside.
    let guard = waiting.wait().await?;
    ensure!(guard.death().is_none());
    Ok(())
}

async fn a_dead_waiter_is_taken_out_by_the_one_behind_it(arena: Arena) -> Result<()> {
    let mutex = arena.mutex()?;
    let (mut holder, mut me) = (mutex.join().await?, mutex.join().await?);
    let guard = holder.lock().await?;
    let dead = session(&arena, Duration::from_secs(1)).await?;
    dead.enter(&attempt(&arena), Patience::Endless).await?;
    let waiting = me.enter().await?;
    ensure!(mutex.status().await?.queue.len() == 2);
    let wait = tokio::time::timeout(LIMIT, waiting.wait());
    let watch = async {
        arena.wait_for(|status| status.queue.len() == 1).await?;
        // The holder is none of its business.
        guard.check().await?;
        Ok::<_, anyhow::Error>(guard.unlock().await?)
    };
    let (waited, watched) = tokio::join!(wait, watch);
    watched?;
    ensure!(waited??.death().is_none());
    ensure!(dead.renew().await? == Renewal::Ended);
    Ok(())
}

/// Not by that of the one who judges.
async fn a_session_is_judged_by_its_own_time(arena: Arena) -> Result<()> {
    let ttl = Duration::from_secs(5);
    let began = Instant::now();
    let dead = session(&arena, ttl).await?;
    dead.enter(&attempt(&arena), Patience::Endless).await?;
    let options = arena.short().ttl(Duration::from_secs(2));
    let mut me = arena.mutex()?.with(options).join().await?;
    let Err(Error::OwnerDied { death, .. }) = me.lock().await else { bail!("nobody died") };
    ensure!(death.token == 1);
    ensure!(began.elapsed() >= ttl, "{:?}", began.elapsed());
    Ok(())
}

/// Between the look that found it dead and its end.
async fn a_session_that_is_renewed_at_the_last_moment_lives(arena: Arena) -> Result<()> {
    let late = session(&arena, Duration::from_secs(1)).await?;
    let me = attempt(&arena);
    ensure!(matches!(late.enter(&me, Patience::Endless).await?, Turn::Mine { .. }));
    let (is_renewed, runtime) = (Arc::new(AtomicBool::new(false)), Handle::current());
    let (renewed, renews) = (is_renewed.clone(), late.clone());
    let (_, address) = arena.url.split_once("://").context("no address")?;
    let (server, table) = address.split_once('/').context("no table")?;
    let way = between(server, move |head: &str, _: &str| {
        if head.contains("DynamoDB_20120810.DeleteItem") && !renewed.load(SeqCst) {
            runtime.block_on(renews.renew()).unwrap();
            renewed.store(true, SeqCst);
        }
        None
    })?;
    let judge = connect(&format!("dynamodb://{way}/{table}"))?.mutex(arena.name)?;
    let mut judge = judge.with(options()).join().await?;
    let end = Instant::now() + LIMIT;
    while !is_renewed.load(SeqCst) {
        ensure!(judge.try_lock().await?.is_none(), "both are inside");
        ensure!(Instant::now() < end, "it is not found dead");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    ensure!(late.renew().await? == Renewal::Alive && late.holds(&me).await?);
    late.leave(&me, false).await?;
    Ok(late.close().await?)
}

async fn whoever_only_tries_gets_in_after_one_that_died(arena: Arena) -> Result<()> {
    let dead = session(&arena, Duration::from_secs(1)).await?;
    dead.enter(&attempt(&arena), Patience::Endless).await?;
    let mut me = arena.mutex()?.join().await?;
    let end = Instant::now() + LIMIT;
    loop {
        match me.try_lock().await {
            Ok(None) => ensure!(Instant::now() < end, "it does not get in"),
            Err(Error::OwnerDied { .. }) => return Ok(()),
            other => bail!("nobody died: {other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// An item cannot have more than 400 KB.
async fn nothing_is_left_of_those_who_have_left(arena: Arena) -> Result<()> {
    let mutex = arena.mutex()?;
    // One that died inside, and one that died in line.
    for _ in 0..2 {
        let dead = session(&arena, Duration::from_secs(1)).await?;
        dead.enter(&attempt(&arena), Patience::Endless).await?;
    }
    let (mut me, mut other) = (mutex.join().await?, mutex.join().await?);
    let waiting = me.enter().await?;
    let tried = other.lock_for(Duration::from_millis(20)).await?;
    ensure!(tried.is_none());
    let Err(Error::OwnerDied { .. }) = waiting.wait().await else { bail!("nobody died") };
    me.lock_or_repair(async |_| Ok::<_, Error>(())).await?.unlock().await?;
    let mut shared = arena.client()?.rw_lock(arena.name)?.with(options()).join().await?;
    shared.read().await?.unlock().await?;
    // Nor of what one says that has left.
    let (late, said) = (session(&arena, LIMIT).await?, attempt(&arena));
    late.enter(&said, Patience::Endless).await?;
    late.leave(&said, false).await?;
    late.say(&said, "something").await?;
    arena.wait_for(|status| status.queue.is_empty() && status.holders.is_empty()).await?;
    let item = item(&arena)?;
    let names: BTreeSet<_> =
        item.as_object().context("no item")?.keys().map(String::as_str).collect();
    ensure!(names.into_iter().eq(["k", "lineExclusive", "lineLength", "lineTickets"]), "{item}");
    ensure!(
        [&item["lineExclusive"]["N"], &item["lineLength"]["N"]].iter().all(|n| **n == json!("0"))
    );
    Ok(())
}

async fn whoever_comes_first_makes_the_table(arena: Arena) -> Result<()> {
    let url = arena.url.replace("/bakery?", "/another-table?");
    ensure!(connect(&url)?.mutex(arena.name)?.status().await?.holders.is_empty());
    let mut tasks = JoinSet::new();
    for _ in 0..5 {
        let mutex = connect(&url)?.mutex(arena.name)?.with(options());
        tasks.spawn(async move {
            let mut me = mutex.join().await?;
            me.lock().await?.unlock().await
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(())
}

async fn addresses_that_name_no_table_are_refused(_: Arena) -> Result<()> {
    for end in ["", "/", "/ab", "/a table", "/table?pace=", "/table?pace=5", "/table?pace=x"] {
        let refused = connect(&format!("dynamodb://127.0.0.1:1{end}")).map(|_| ()).unwrap_err();
        ensure!(matches!(refused, Error::BadUrl { .. }), "{end:?}: {refused}");
    }
    Ok(())
}
