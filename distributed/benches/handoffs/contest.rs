//! The contestants of an engine, one after the other, again and again.

use std::time::Duration;

use anyhow::{Context as _, Result};
use async_trait::async_trait;

use crate::floor::Visit;
use crate::requests::{self, Counter, Counting};
use crate::round::{self, Round, Terms};
use crate::{Limits, engines};

/// A lock of some kind, at some servers.
#[async_trait]
pub trait Lock: Send + Sync {
    /// Another client, with connections of its own, of the lock of this name.
    fn join(&self, name: String) -> Joining;
}

/// A client that will be there.
pub type Joining = std::pin::Pin<Box<dyn Future<Output = Result<Box<dyn Client>>> + Send>>;

/// Somebody who competes.
#[async_trait]
pub trait Client: Send {
    /// In and out, once.
    async fn pass(&mut self, visit: Visit<'_>) -> Result<()>;

    /// Does not compete any more.
    async fn leave(self: Box<Self>) -> Result<()>;
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Ours,
    /// Nobody is told if it dies inside.
    Unrecorded,
    /// Of the engine, or of its usual client.
    ReadyMade,
    /// Tries, and tries again after 100 ms.
    Naive,
    /// Tries, and tries again after a second. Only for the round with work inside.
    Patient,
}

pub struct Contestant {
    pub kind: Kind,
    pub name: String,
    pub lock: Box<dyn Lock>,
    /// How often somebody has been woken, if it can be told.
    pub wake_ups: Option<Counting>,
}

/// What came of it.
pub struct Contest {
    pub engine: &'static str,
    pub servers: String,
    pub limits: Limits,
    pub rows: Vec<Row>,
}

/// Of one contestant.
pub struct Row {
    pub kind: Kind,
    pub name: String,
    /// For each number of clients. The patient ones are not asked.
    pub cells: Vec<Cell>,
    /// With work inside.
    pub shift: Result<Round>,
    /// How many requests for each passage, and how many wake-ups; with five clients.
    pub requests: Option<f64>,
    pub wake_ups: Option<f64>,
}

/// The rounds with one number of clients.
pub type Cell = Result<Vec<Round>>;

/// With how many the work inside and the counting are done.
pub const FIVE: usize = 5;
/// How long each one works inside then.
pub const WORK: Duration = Duration::from_millis(2);

pub async fn hold(engine: &'static str, url: &str, limits: Limits) -> Result<Contest> {
    let contestants = engines::contestants(engine, url)?;
    let servers = engines::version(engine, url).await.context("it does not tell its version")?;
    let mut rows: Vec<_> = contestants.iter().map(Row::of).collect();
    for &clients in limits.clients {
        eprintln!("{engine}: {clients} clients ...");
        let terms = Terms { clients, length: limits.length, work: Duration::ZERO };
        for row in &mut rows {
            row.cells.push(Ok(Vec::new()));
        }
        for round in 0..limits.rounds {
            for (contestant, row) in contestants.iter().zip(&mut rows) {
                let Some(cell) = row.cells.last_mut() else { continue };
                let Ok(rounds) = cell else { continue };
                if contestant.kind == Kind::Patient {
                    continue;
                }
                let name = format!("with-{clients}-{round}");
                match round::run(&*contestant.lock, &name, terms, &[]).await {
                    Ok(round) => rounds.push(round),
                    Err(error) => *cell = Err(error),
                }
            }
        }
    }
    eprintln!("{engine}: work inside ...");
    let terms = Terms { clients: FIVE, length: limits.shift, work: WORK };
    for (contestant, row) in contestants.iter().zip(&mut rows) {
        row.shift = round::run(&*contestant.lock, "work", terms, &[]).await;
    }
    eprintln!("{engine}: requests ...");
    count(engine, url, limits, &mut rows).await?;
    Ok(Contest { engine, servers, limits, rows })
}

/// Counts the requests of each contestant, in rounds of their own: what counts takes time.
async fn count(engine: &'static str, url: &str, limits: Limits, rows: &mut [Row]) -> Result<()> {
    let (url, requests) = requests::counted(engine, url).await?;
    let terms = Terms { clients: FIVE, length: limits.length, work: Duration::ZERO };
    for (contestant, row) in engines::contestants(engine, &url)?.into_iter().zip(rows) {
        if contestant.kind == Kind::Patient {
            continue;
        }
        let mut counters = vec![requests.clone()];
        counters.extend(contestant.wake_ups.clone().map(Counter::Own));
        let counted = round::run(&*contestant.lock, "counted", terms, &counters).await;
        let counts = counted.map_or(Vec::new(), |round| round.counts);
        row.requests = counts.first().copied();
        row.wake_ups = counts.get(1).copied();
    }
    Ok(())
}

impl Row {
    fn of(contestant: &Contestant) -> Self {
        Self {
            kind: contestant.kind,
            name: contestant.name.clone(),
            cells: Vec::new(),
            shift: Err(anyhow::anyhow!("not run")),
            requests: None,
            wake_ups: None,
        }
    }
}
