//! What is so with PostgreSQL and with no other engine, on real servers.
#![cfg(feature = "postgres")]

#[macro_use]
mod own;

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use bakery_distributed::{Error, connect};
use bakery_servers::{Cluster, pgbouncer};
use tokio::task::JoinSet;

use own::arena;

use crate::arena::{Arena, options, skip};

tests! { postgres:
    a_leader_without_a_token_does_not_lead_yet
    a_line_takes_no_more_room_for_its_past
    a_pooler_of_sessions_is_refused
    a_pooler_of_statements_is_refused
    a_pooler_of_transactions_is_refused
    one_that_unlocks_and_hangs_up_is_not_taken_for_dead
    options_of_the_address_are_kept
}

/// The lock comes first, and the token after it.
async fn a_leader_without_a_token_does_not_lead_yet(arena: Arena) -> Result<()> {
    let election = connect(&arena.url)?.election(arena.name)?.with(options());
    let mut candidate = election.join().await?;
    let mut observer = election.observe();
    ensure!(observer.next().await?.is_none());

    // The token is drawn where a record is written; nobody writes one now.
    let client = server(&arena.url).await?;
    client.batch_execute("BEGIN; LOCK TABLE bakery_lines IN SHARE MODE").await?;
    let leading = candidate.campaign("");
    tokio::pin!(leading);
    let holding = async {
        while election.status().await?.holder().is_none() {}
        anyhow::Ok(())
    };
    tokio::select! {
        biased;
        _ = &mut leading => bail!("it leads without a record"),
        held = holding => held?,
    }
    let news = observer.next();
    tokio::pin!(news);
    let patience = tokio::time::sleep(Duration::from_millis(500));
    tokio::select! {
        told = &mut news => bail!("told too early: {told:?}"),
        () = patience => {}
    }
    client.batch_execute("COMMIT").await?;
    let leader = leading.await?;
    let told = news.await?.map(|told| told.token);
    ensure!(told == Some(leader.token()), "{told:?}");
    Ok(leader.resign().await?)
}

/// The server itself, without this library.
async fn server(url: &str) -> Result<tokio_postgres::Client> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// What the server keeps of a line does not grow with those who pass, and goes with them. The server is the test's
/// own: whoever looks at anything for long keeps it from cleaning up.
async fn a_line_takes_no_more_room_for_its_past(arena: Arena) -> Result<()> {
    let cluster = Cluster::start(arena.engine)?;
    let mutex = connect(&cluster.url)?.mutex(arena.name)?.with(options());
    let server = server(&cluster.url).await?;
    let mut passing = JoinSet::new();
    for _ in 0..5 {
        let mut me = mutex.join().await?;
        passing.spawn(async move {
            for _ in 0..400 {
                me.lock().await?.unlock().await?;
            }
            anyhow::Ok(me)
        });
    }
    let all = passing.join_all().await.into_iter().collect::<Result<Vec<_>>>()?;
    let size = server.query_one("SELECT pg_total_relation_size('bakery_lines')", &[]).await?;
    let size: i64 = size.get(0);
    ensure!(size < 96 << 10, "{size} bytes after 2000 passages");
    for me in all {
        me.leave().await?;
    }
    let rows = "SELECT FROM bakery_lines WHERE line = hashtextextended($1, 0)";
    ensure!(server.query(rows, &[&arena.name]).await?.is_empty(), "its row is left");
    Ok(())
}

async fn a_pooler_of_sessions_is_refused(arena: Arena) -> Result<()> {
    is_refused(&arena, "session").await
}

async fn a_pooler_of_statements_is_refused(arena: Arena) -> Result<()> {
    is_refused(&arena, "statement").await
}

async fn a_pooler_of_transactions_is_refused(arena: Arena) -> Result<()> {
    is_refused(&arena, "transaction").await
}

/// Also the first and only client, which is given the same process again and again.
async fn is_refused(arena: &Arena, mode: &str) -> Result<()> {
    // One that does not know what it is asked for, and one that takes no notice of it.
    for ignored in ["extra_float_digits", "extra_float_digits,options"] {
        let settings = format!("pool_mode = {mode}\nignore_startup_parameters = {ignored}");
        let pooler = match pgbouncer::start(&arena.url, &settings) {
            Ok(pooler) => pooler,
            Err(why) => {
                skip(&format!("postgres::{}: {why:#}", arena.name));
                return Ok(());
            }
        };
        let mutex = connect(&pooler.url)?.mutex(arena.name)?.with(options());
        // Whoever comes later is given what others have had.
        for _ in 0..2 {
            let Err(Error::Pooled { why }) = mutex.join().await else { bail!("it has joined") };
            let is_expected = why.contains("options") || why.contains("process");
            ensure!(is_expected, "{why}");
        }
    }
    Ok(())
}

async fn options_of_the_address_are_kept(arena: Arena) -> Result<()> {
    let url = format!("{}?options=-c%20lock_timeout%3D1", arena.url);
    let refused = format!("{}?options=-c%20no_such_setting%3D1", arena.url);
    connect(&url)?.mutex(arena.name)?.join().await?.leave().await?;
    let Err(Error::Refused { why, .. }) = connect(&refused)?.mutex(arena.name)?.join().await else {
        bail!("the server has not been told")
    };
    ensure!(why.contains("no_such_setting"), "{why}");
    Ok(())
}

/// Whoever looks reads who has left a record and who is still there at different moments.
async fn one_that_unlocks_and_hangs_up_is_not_taken_for_dead(arena: Arena) -> Result<()> {
    let mutex = arena.mutex()?;
    let passing = async {
        for _ in 0..300 {
            let mut me = mutex.join().await?;
            me.lock().await?.unlock().await?;
            me.leave().await?;
        }
        anyhow::Ok(())
    };
    // Several, so that one or the other looks at the wrong moment.
    let mut looking = JoinSet::new();
    for _ in 0..4 {
        let mutex = arena.mutex()?;
        looking.spawn(async move {
            loop {
                let status = mutex.status().await?;
                ensure!(status.deaths.is_empty(), "{status:?}");
            }
        });
    }
    tokio::select! {
        passed = passing => passed,
        Some(looked) = looking.join_next() => looked?,
    }
}
