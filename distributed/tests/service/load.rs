//! Many clients at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bakery_distributed::{Client, Mutex, Options};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::place::{LONG, Place};

/// Clients with connections of their own.
async fn clients(place: &Place, count: u64) -> Result<Vec<(Client, Mutex)>> {
    // Both ends are this process's.
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    let mut clients = Vec::new();
    for _ in 0..count {
        let client = place.client()?;
        let mutex = client.mutex("load")?.with(Options::default().ttl(LONG));
        mutex.status().await?;
        clients.push((client, mutex));
    }
    Ok(clients)
}

/// They come one after the other, and go in so.
async fn go_in_as_they_came(place: &Place, count: u64) -> Result<()> {
    let clients = clients(place, count).await?;
    let mut first = clients[0].1.join().await?;
    let guard = first.lock().await?;
    let token = guard.token();
    let (told, mut tells) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    for (number, (_, mutex)) in clients.iter().enumerate().skip(1) {
        let mut me = mutex.join().await?;
        let told = told.clone();
        let (entered, has_entered) = tokio::sync::oneshot::channel();
        tasks.spawn(async move {
            let waiting = me.enter().await?;
            let _ = entered.send(());
            let guard = waiting.wait().await?;
            let _ = told.send((number, guard.token()));
            guard.unlock().await?;
            me.leave().await
        });
        has_entered.await?;
    }
    ensure!(clients[0].1.status().await?.queue.len() + 1 == clients.len());
    drop(told);
    guard.unlock().await?;
    let mut expected = 1;
    while let Some((number, given)) = tells.recv().await {
        ensure!(number == expected && given == token + u64::try_from(number)?, "{number}: {given}");
        expected += 1;
    }
    ensure!(expected == clients.len(), "{expected} were in");
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}

/// What they count is what they have done.
async fn none_is_lost(place: &Place, count: u64, times: u64) -> Result<()> {
    let counter = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for (client, mutex) in clients(place, count).await? {
        let counter = counter.clone();
        tasks.spawn(async move {
            let mut me = mutex.join().await?;
            for _ in 0..times {
                let guard = me.lock().await?;
                let seen = counter.load(Relaxed);
                tokio::task::yield_now().await;
                counter.store(seen + 1, Relaxed);
                guard.unlock().await?;
            }
            drop(client);
            me.leave().await
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    ensure!(counter.load(Relaxed) == count * times);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_clients_go_in_as_they_came() -> Result<()> {
    go_in_as_they_came(&Place::start().await?, 1000).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_thousand_clients_none_is_lost() -> Result<()> {
    none_is_lost(&Place::start().await?, 1000, 2).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_iterative_one_keeps_the_order_too() -> Result<()> {
    let place = Place::iterative().await?;
    go_in_as_they_came(&place, 10).await?;
    none_is_lost(&place, 10, 3).await
}

/// The table of docs/service.md.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it measures"]
async fn both_forms_side_by_side() -> Result<()> {
    for count in [1, 10] {
        let times = 1000 / count;
        let mut took = [Duration::ZERO; 2];
        for _ in 0..3 {
            for (took, place) in
                took.iter_mut().zip([Place::start().await?, Place::iterative().await?])
            {
                let began = Instant::now();
                none_is_lost(&place, count, times).await?;
                *took += began.elapsed();
            }
        }
        let [concurrent, iterative] = took.map(|took| took.as_secs_f64());
        println!(
            "{count} clients: the iterative form takes {:.1} times as long",
            iterative / concurrent
        );
    }
    Ok(())
}
