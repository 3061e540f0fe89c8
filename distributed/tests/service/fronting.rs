//! A service in front of etcd. That its clients have all that the engine's have is in the suite.

use std::sync::Arc;

use anyhow::{Result, bail, ensure};
use bakery_distributed::engine::Engine;
use bakery_distributed::service::{Policy, Service};
use bakery_distributed::{Error, connect};
use bakery_servers::Cluster;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::arena::{options, short, skip};

async fn front(engine: Arc<dyn Engine>) -> Result<(String, JoinHandle<()>)> {
    let service = Service::new(engine, Policy::anyone());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("bakery://{}", listener.local_addr()?);
    Ok((url, tokio::spawn(async move { service.serve(listener).await })))
}

fn etcd() -> Option<Cluster> {
    match Cluster::start("etcd") {
        Ok(cluster) => Some(cluster),
        Err(why) => {
            skip(&format!("a service in front of etcd: {why:#}"));
            None
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_the_service_and_of_the_engine_stand_in_one_line() -> Result<()> {
    let Some(cluster) = etcd() else { return Ok(()) };
    let direct = connect(&cluster.url)?.mutex("one line")?.with(options());
    let (url, _service) = front(connect(&cluster.url)?.engine()).await?;
    let by_service = connect(&url)?.mutex("one line")?.with(options());
    let (mut one, mut two) = (direct.join().await?, by_service.join().await?);
    let guard = one.lock().await?;
    let token = guard.token();
    ensure!(two.try_lock().await?.is_none());
    let waiting = two.enter().await?;
    ensure!(direct.status().await? == by_service.status().await?);
    ensure!(direct.status().await?.queue.len() == 1);
    guard.unlock().await?;
    let guard = waiting.wait().await?;
    ensure!(guard.token() > token && one.try_lock().await?.is_none());
    ensure!(direct.status().await?.holders[0].token == guard.token());
    guard.unlock().await?;
    one.lock().await?.unlock().await?;
    Ok(())
}

/// When their sessions' time is over, and not before their clients know; and these count as dead.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_service_ends_the_engine_lets_the_next_one_in() -> Result<()> {
    let Some(cluster) = etcd() else { return Ok(()) };
    let (url, service) = front(connect(&cluster.url)?.engine()).await?;
    let mut me = connect(&url)?.mutex("ends")?.with(short()).join().await?;
    let guard = me.lock().await?;
    let mut next = connect(&cluster.url)?.mutex("ends")?.with(options()).join().await?;
    let waiting = next.enter().await?;
    service.abort();
    let Err(Error::OwnerDied { death, .. }) = waiting.wait().await else { bail!("nobody died") };
    ensure!(death.token == guard.token() && guard.is_lost());
    Ok(())
}
