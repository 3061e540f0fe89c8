//! Names spread over several servers.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use bakery_distributed::engine::Engine;
use bakery_distributed::service::{Coordinator, Policy, Service, Spread};
use bakery_distributed::{Client, Error, connect};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::arena::{Arena, LIMIT, TTL, short};
use crate::disturbed;
use crate::place::Place;

const NAMES: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];

/// A service in front of some servers, which can be another one's later.
struct Front {
    url: String,
    task: JoinHandle<()>,
}

impl Front {
    async fn of(file: &Path, servers: &[&Server]) -> Result<Self> {
        let list: Vec<_> = servers.iter().map(|server| server.part()).collect();
        let end = Instant::now() + LIMIT;
        let spread = loop {
            // The tasks of the one before may not have ended yet.
            match Spread::open(file, &list, TTL) {
                Err(error) if error.to_string().contains("another server has it") => {
                    ensure!(Instant::now() < end, "{error}");
                    sleep(Duration::from_millis(5)).await;
                }
                spread => break spread?,
            }
        };
        let service = Service::new(Arc::new(spread), Policy::anyone());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("bakery://{}", listener.local_addr()?);
        let task = tokio::spawn(async move { service.serve(listener).await });
        Ok(Self { url, task })
    }

    fn client(&self) -> Result<Client, Error> {
        connect(&self.url)
    }

    /// It is gone, and all that it has.
    async fn end(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

struct Server {
    url: String,
    engine: Coordinator,
    _data: TempDir,
}

impl Server {
    fn start(name: &str) -> Result<Self> {
        let data = tempfile::tempdir()?;
        let engine = Coordinator::open(&data.path().join("state"))?;
        Ok(Self { url: name.to_owned(), engine, _data: data })
    }

    fn part(&self) -> (String, Arc<dyn Engine>) {
        (self.url.clone(), Arc::new(self.engine.clone()))
    }

    /// Whether somebody is in this lock here.
    async fn has(&self, name: &str) -> Result<bool> {
        Ok(!self.engine.look(name).await?.inside.is_empty())
    }
}

async fn lock(client: &Client, name: &str) -> Result<u64, Error> {
    let mut me = client.mutex(name)?.with(short()).join().await?;
    let guard = me.lock_or_repair(async |_| Ok::<_, Error>(())).await?;
    let token = guard.token();
    guard.unlock().await?;
    me.leave().await?;
    Ok(token)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_name_is_kept_by_one_server_and_all_have_some() -> Result<()> {
    let (one, two) = (Server::start("one")?, Server::start("two")?);
    let data = tempfile::tempdir()?;
    let front = Front::of(&data.path().join("spread"), &[&one, &two]).await?;
    let client = front.client()?;
    let mut kept = [0, 0];
    for name in NAMES {
        let mutex = client.mutex(name)?.with(short());
        let (mut me, mut other) = (mutex.join().await?, mutex.join().await?);
        let guard = me.lock().await?;
        ensure!(other.try_lock().await?.is_none());
        let has = [one.has(name).await?, two.has(name).await?];
        ensure!(has[0] != has[1], "{name}: {has:?}");
        kept[usize::from(has[1])] += 1;
        ensure!(mutex.status().await?.holders.len() == 1);
        guard.check().await?;
        guard.unlock().await?;
        me.leave().await?;
        other.leave().await?;
    }
    ensure!(kept[0] > 0 && kept[1] > 0, "{kept:?}");
    Ok(())
}

/// Those that have to move are let go by the one that had them first; and those that stay are not concerned.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gets_into_a_lock_that_moves_while_one_may_be_inside() -> Result<()> {
    let (one, two) = (Server::start("one")?, Server::start("two")?);
    let data = tempfile::tempdir()?;
    let file = data.path().join("spread");
    let front = Front::of(&file, &[&one, &two]).await?;
    let mut moves = None;
    for name in NAMES {
        let mut me = front.client()?.mutex(name)?.with(short()).join().await?;
        let guard = me.lock().await?;
        if two.has(name).await? {
            moves = Some(name);
        }
        guard.unlock().await?;
        me.leave().await?;
    }
    let name = moves.expect("some are kept there");
    let url = front.url.clone();
    let arena = Arena { engine: "service", url, name, is_short: Arc::default() };
    // It hears of nothing, so its own clock is all that it goes by.
    let (mutex, how) = disturbed::mutex(&arena)?;
    let mut me = mutex.with(short()).join().await?;
    let guard = me.lock().await?;
    how.is_mute.store(true, Relaxed);
    front.end().await;
    let front = Front::of(&file, &[&one]).await?;
    let mutex = front.client()?.mutex(name)?.with(short());
    let (mut next, mut hasty) = (mutex.join().await?, mutex.join().await?);
    let tried = hasty.try_lock().await?;
    ensure!(tried.is_none() || guard.is_lost());
    drop(tried);
    let waiting = next.enter().await?;
    let status = mutex.status().await?;
    let is_closed = status.holders.is_empty() && status.queue.len() == 1;
    ensure!(guard.is_lost() || is_closed, "{status:?}");
    let next = waiting.wait().await?;
    ensure!(guard.is_lost());
    // The other server has never given as many.
    ensure!(next.token() > guard.token() && next.death().is_none());
    next.check().await?;
    // It is recorded from then on.
    drop(next);
    Ok(())
}

/// Also if each has given another number of them; and as long as nothing changes, none has to wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_grow_whoever_keeps_the_name() -> Result<()> {
    let servers = [Server::start("one")?, Server::start("two")?, Server::start("three")?];
    let [one, two, three] = &servers;
    for (server, count) in servers.iter().zip([30, 0, 60]) {
        let client = Client::new(server.engine.clone());
        for _ in 0..count {
            lock(&client, "something else").await?;
        }
    }
    let data = tempfile::tempdir()?;
    let file = data.path().join("spread");
    let mut last = [0; NAMES.len()];
    let lists: [&[&Server]; 5] =
        [&[one, three], &[one, three], &[two, one], &[two, one], &[three, two, one]];
    for list in lists {
        let front = Front::of(&file, list).await?;
        let client = front.client()?;
        for (name, last) in NAMES.into_iter().zip(&mut last) {
            let token = lock(&client, name).await?;
            ensure!(token > *last, "{name}: {token} after {last}");
            *last = token;
        }
        front.end().await;
    }
    Ok(())
}

/// The others go on, and its names are not given to them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_down_takes_its_own_names_with_it_only() -> Result<()> {
    let one = Server::start("one")?;
    let two = Place::start().await?;
    let url = format!("bakery://{}", two.address);
    let list = [one.part(), (url.clone(), connect(&url)?.engine())];
    let data = tempfile::tempdir()?;
    let spread = Spread::open(&data.path().join("spread"), &list, LIMIT)?;
    let client = Client::new(spread);
    let mut kept = Vec::new();
    for name in NAMES {
        let mut me = client.mutex(name)?.join().await?;
        let guard = me.lock().await?;
        kept.push(one.has(name).await?);
        guard.unlock().await?;
    }
    ensure!(kept.contains(&true) && kept.contains(&false), "{kept:?}");
    drop(two);
    for (name, is_kept) in NAMES.into_iter().zip(kept) {
        let mut me = client.mutex(name)?.with(short()).join().await?;
        match me.try_lock().await {
            Ok(Some(guard)) if is_kept => guard.unlock().await?,
            Err(Error::Refused { .. }) if !is_kept => {}
            other => bail!("{name}: {other:?}"),
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_cannot_be_is_refused() -> Result<()> {
    let one = Server::start("one")?;
    let data = tempfile::tempdir()?;
    let file = data.path().join("spread");
    for list in [vec![], vec![one.part(), one.part()]] {
        ensure!(Spread::open(&file, &list, TTL).is_err());
    }
    let first = Spread::open(&file, &[one.part()], TTL)?;
    let refused = Spread::open(&file, &[one.part()], TTL).unwrap_err().to_string();
    ensure!(refused.contains("another server has it"), "{refused}");
    let refused = first.open(&bakery_distributed::Who::this(), TTL * 2).await;
    ensure!(matches!(refused, Err(Error::BadTtl { .. })));
    Ok(())
}
