//! One contestant's clients, for some time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::contest::{Client, Lock};
use crate::floor::{Floor, Passage};
use crate::requests::Counter;

/// Before what counts.
const WARM_UP: Duration = Duration::from_millis(200);
/// What takes longer hangs.
const LONG: Duration = Duration::from_secs(30);

/// How a round is run.
#[derive(Clone, Copy)]
pub struct Terms {
    pub clients: usize,
    pub length: Duration,
    /// How long each one works inside.
    pub work: Duration,
}

/// What came of a round.
pub struct Round {
    /// In a second: how often somebody went in, and how often it was another one than before.
    pub passages: f64,
    pub handoffs: f64,
    /// In order. Of those too who waited when the time was over.
    pub waits: Vec<Duration>,
    /// How often each client went in, in order.
    pub shares: Vec<usize>,
    /// How much the counters counted, for each passage.
    pub counts: Vec<f64>,
}

/// Runs it, and reads the counters at its beginning and its end.
pub async fn run(lock: &dyn Lock, name: &str, terms: Terms, counters: &[Counter]) -> Result<Round> {
    let mut joining = JoinSet::new();
    for _ in 0..terms.clients {
        joining.spawn(lock.join(name.to_owned()));
    }
    let joined = timeout(LONG, joining.join_all()).await.context("joining takes too long")?;
    let clients = joined.into_iter().collect::<Result<Vec<_>>>()?;
    let floor = Arc::new(Floor::new(terms.work));
    let start = Arc::new(Barrier::new(clients.len() + 1));
    let mut running = JoinSet::new();
    for (number, client) in clients.into_iter().enumerate() {
        running.spawn(compete(client, number, floor.clone(), start.clone()));
    }
    start.wait().await;
    sleep(WARM_UP).await;
    let before = read(counters).await?;
    let begin = Instant::now();
    sleep(terms.length).await;
    let end = Instant::now();
    let after = read(counters).await?;
    floor.close();
    let ended = timeout(LONG, running.join_all()).await.context("it does not end")?;
    ended.into_iter().collect::<Result<()>>()?;
    let counted: Vec<_> = before.iter().zip(after).map(|(before, after)| after - before).collect();
    Ok(Round::of(&floor.passages(), (begin, end), terms.clients, &counted))
}

async fn read(counters: &[Counter]) -> Result<Vec<f64>> {
    let mut counts = Vec::new();
    for counter in counters {
        counts.push(counter.read().await?);
    }
    Ok(counts)
}

/// Goes in and out until the time is over.
async fn compete(
    mut client: Box<dyn Client>,
    number: usize,
    floor: Arc<Floor>,
    start: Arc<Barrier>,
) -> Result<()> {
    start.wait().await;
    while !floor.is_over() {
        client.pass(floor.visit(number)).await?;
    }
    client.leave().await
}

impl Round {
    fn of(
        passages: &[Passage],
        (begin, end): (Instant, Instant),
        clients: usize,
        counted: &[f64],
    ) -> Self {
        let counts = |passage: &&Passage| (begin..end).contains(&passage.entered);
        let number = passages.iter().filter(counts).count();
        let pairs = passages.windows(2).filter(|pair| counts(&&pair[1]));
        let handoffs = pairs.filter(|pair| pair[0].client != pair[1].client).count();
        let waited = passages.iter().filter(|it| it.entered >= begin && it.asked < end);
        let mut waits: Vec<_> = waited.map(|it| it.entered - it.asked).collect();
        waits.sort_unstable();
        let share =
            |client| passages.iter().filter(counts).filter(|it| it.client == client).count();
        let mut shares: Vec<_> = (0..clients).map(share).collect();
        shares.sort_unstable();
        let seconds = (end - begin).as_secs_f64();
        let each = |count: &f64| count / to_f64(number.max(1) as u64);
        Self {
            passages: to_f64(number as u64) / seconds,
            handoffs: to_f64(handoffs as u64) / seconds,
            waits,
            shares,
            counts: counted.iter().map(each).collect(),
        }
    }

    /// The wait that so many of a hundred do not exceed.
    pub fn wait(&self, percent: usize) -> Duration {
        let last = self.waits.len().saturating_sub(1);
        self.waits.get(last * percent / 100).copied().unwrap_or_default()
    }

    /// How many got less than a fifth of their fair share.
    pub fn starved(&self) -> usize {
        let all: usize = self.shares.iter().sum();
        self.shares.iter().filter(|&share| share * self.shares.len() * 5 < all).count()
    }
}

pub fn to_f64(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
