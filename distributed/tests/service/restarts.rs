//! A coordinator that ends and comes back.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use anyhow::{Result, bail, ensure};
use bakery_distributed::{Client, Error, Options, connect};
use bakery_servers::Cluster;
use tokio::time::sleep;

use crate::arena::{Arena, TTL, short};
use crate::disturbed;

fn arena(cluster: &Cluster, name: &'static str) -> Arena {
    Arena { engine: "service", url: cluster.url.clone(), name, is_short: Arc::default() }
}

/// Until the lease is over that was out when it ended; and who comes meanwhile stands in line.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gets_in_while_one_from_before_the_restart_may_be_inside() -> Result<()> {
    let mut cluster = Cluster::start("service")?;
    let arena = arena(&cluster, "before");
    // It hears of nothing, so its own clock is all that it goes by.
    let (mutex, how) = disturbed::mutex(&arena)?;
    let mut me = mutex.with(short()).join().await?;
    let guard = me.lock().await?;
    how.is_mute.store(true, Relaxed);
    cluster.restart()?;
    let heedless = arena.mutex()?;
    let (mut one, mut two) = (heedless.join().await?, heedless.join().await?);
    let tried = two.try_lock().await?;
    ensure!(tried.is_none() || guard.is_lost());
    drop(tried);
    let waiting = one.enter().await?;
    let status = heedless.status().await?;
    ensure!(
        guard.is_lost() || (status.holders.is_empty() && status.queue.len() == 1),
        "{status:?}"
    );
    let next = waiting.wait().await?;
    ensure!(guard.is_lost() && next.token() > guard.token());
    Ok(())
}

/// Nor once more, if it ends again before that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_restart_does_not_forget_the_first() -> Result<()> {
    let mut cluster = Cluster::start("service")?;
    let arena = arena(&cluster, "twice");
    let (mutex, how) = disturbed::mutex(&arena)?;
    let mut me = mutex.with(short()).join().await?;
    let guard = me.lock().await?;
    how.is_mute.store(true, Relaxed);
    cluster.restart()?;
    // Another session, of less time, comes and goes.
    let brief = Options::default().ttl(TTL / 8);
    connect(&cluster.url)?.mutex("twice")?.with(brief).join().await?.leave().await?;
    cluster.restart()?;
    let next = arena.mutex()?.join().await?.lock_owned().await?;
    ensure!(guard.is_lost() && next.token() > guard.token());
    Ok(())
}

/// Where every lease had been given back, there is nothing to wait for: the lease would be five minutes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_leases_that_were_given_back() -> Result<()> {
    let mut cluster = Cluster::start("service")?;
    let client = connect(&cluster.url)?;
    let long = Options::default().ttl(crate::place::LONG);
    let go = async |client: &Client| {
        let mut me = client.mutex("back")?.with(long.clone()).join().await?;
        let Some(guard) = me.try_lock().await? else { bail!("it waits for nobody") };
        let token = guard.token();
        guard.unlock().await?;
        me.leave().await?;
        Ok(token)
    };
    let token = go(&client).await?;
    cluster.restart()?;
    ensure!(go(&client).await? > token);
    Ok(())
}

/// Its session was the server's that has ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_hears_of_the_restart() -> Result<()> {
    let mut cluster = Cluster::start("service")?;
    let mutex = connect(&cluster.url)?.mutex("hears")?.with(short());
    let mut me = mutex.join().await?;
    let guard = me.lock().await?;
    cluster.restart()?;
    guard.lost().await;
    let Err(Error::Lost { .. }) = guard.check().await else { bail!("it is held") };
    guard.unlock().await?;
    // It goes on with another session, when that may go in.
    while me.try_lock().await?.is_none() {
        sleep(std::time::Duration::from_millis(20)).await;
    }
    Ok(())
}
