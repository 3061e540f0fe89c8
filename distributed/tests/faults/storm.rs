//! Faults at random, and what has come of them.

use std::env;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bakery_distributed::{Error, connect};
use bakery_servers::programs;
use fastrand::Rng;
use rustix::process::Signal;

use crate::arena::skip;
use crate::checker::{History, Story, check};
use crate::events::read;
use crate::processes::Process;
use crate::servers::Servers;

/// How long sessions live: short, so that many end.
pub const TTL: Duration = Duration::from_secs(3);

/// For how long one waits at most when all is well again.
const LIMIT: Duration = Duration::from_mins(4);

const NAME: &str = "storm";

const PROCESSES: usize = 5;

/// A process, and until when it is stopped.
struct Client {
    process: Process,
    stopped: Option<Instant>,
}

struct Storm<'s> {
    random: Rng,
    servers: Servers,
    clients: Vec<Client>,
    directory: &'s Path,
    /// Of processes that have been killed.
    stories: Vec<Story>,
    count: usize,
    faults: Vec<String>,
}

pub fn run(engine: &str) -> Result<()> {
    if let Err(why) = programs(engine) {
        skip(&format!("faults::{engine}: {why:#}"));
        return Ok(());
    }
    let number = |name| env::var(name).ok().map(|number| number.parse::<u64>()).transpose();
    let seconds = number("BAKERY_FAULT_SECONDS")?.unwrap_or(600);
    let seed = number("BAKERY_FAULT_SEED")?.unwrap_or_else(|| fastrand::u64(..));
    println!("{engine}: {seconds} s, BAKERY_FAULT_SEED={seed}");
    let directory = tempfile::tempdir()?;
    let ended = storm(engine, directory.path(), seconds, seed);
    if ended.is_err() {
        println!("what they have written is in {}", directory.keep().display());
    }
    ended.with_context(|| format!("{engine}, BAKERY_FAULT_SEED={seed}"))
}

fn storm(engine: &str, directory: &Path, seconds: u64, seed: u64) -> Result<()> {
    let mut storm = Storm {
        random: Rng::with_seed(seed),
        servers: Servers::start(engine)?,
        clients: Vec::new(),
        directory,
        stories: Vec::new(),
        count: 0,
        faults: Vec::new(),
    };
    for _ in 0..PROCESSES {
        let client = storm.client()?;
        storm.clients.push(client);
    }
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(seconds) {
        sleep(Duration::from_millis(storm.random.u64(100..1200)));
        if let Some(fault) = storm.fault()? {
            storm.faults.push(format!("{:.1} s: {fault}", began.elapsed().as_secs_f64()));
        }
        storm.mend(|until| until <= Instant::now())?;
    }
    std::fs::write(directory.join("faults"), storm.faults.join("\n"))?;
    storm.calm()?;
    nothing_is_left(storm.servers.straight())?;
    let history = History { stories: storm.stories, forgotten: storm.servers.forgotten };
    let (numbers, wrong) = check(&history);
    println!("{engine}: {} faults, {} processes, {numbers}", storm.faults.len(), storm.count);
    ensure!(
        wrong.is_empty(),
        "{} faults were found:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
    Ok(())
}

impl Storm<'_> {
    fn client(&mut self) -> Result<Client> {
        self.count += 1;
        let log = self.directory.join(format!("process-{}", self.count));
        let process = Process::start(&self.servers.url, NAME, &log, self.random.u64(..))?;
        Ok(Client { process, stopped: None })
    }

    fn fault(&mut self) -> Result<Option<String>> {
        let stopped = self.clients.iter().filter(|client| client.stopped.is_some()).count();
        match self.random.u32(0..10) {
            0..4 => self.servers.trouble(&mut self.random),
            4..8 if stopped < 2 => {
                let millis = self.random.u64(100..8000);
                let number = self.victim();
                let client = &mut self.clients[number];
                client.process.signal(Signal::STOP)?;
                client.stopped = Some(Instant::now() + Duration::from_millis(millis));
                Ok(Some(format!("process of place {number} stopped for {millis} ms")))
            }
            8.. => {
                let (number, fresh) = (self.victim(), self.client()?);
                let old = std::mem::replace(&mut self.clients[number], fresh).process;
                let log = old.log().to_owned();
                let killed = Some(old.kill()?);
                self.tell(&log, killed)?;
                Ok(Some(format!("process of place {number} killed")))
            }
            _ => Ok(None),
        }
    }

    /// Whoever is inside, or anybody that is not stopped.
    fn victim(&mut self) -> usize {
        let end = Instant::now() + Duration::from_millis(self.random.u64(0..2000));
        let is_inside = |client: &Client| client.stopped.is_none() && client.process.is_inside();
        while Instant::now() < end {
            if let Some(inside) = self.clients.iter().position(is_inside) {
                return inside;
            }
            sleep(Duration::from_millis(5));
        }
        let awake = |number: &usize| self.clients[*number].stopped.is_none();
        let awake: Vec<_> = (0..self.clients.len()).filter(awake).collect();
        awake[self.random.usize(0..awake.len())]
    }

    fn mend(&mut self, is_over: impl Fn(Instant) -> bool) -> Result<()> {
        self.servers.mend(&is_over)?;
        for client in &mut self.clients {
            if client.stopped.is_some_and(&is_over) {
                client.process.signal(Signal::CONT)?;
                client.stopped = None;
            }
        }
        Ok(())
    }

    /// All is well again, and everybody gets in once more.
    fn calm(&mut self) -> Result<()> {
        self.mend(|_| true)?;
        self.servers.recover()?;
        let limit = Instant::now() + LIMIT;
        let mut clients = std::mem::take(&mut self.clients);
        for client in &mut clients {
            client.process.hang_up();
        }
        for Client { process, .. } in clients {
            let log = process.log().to_owned();
            process.end(limit)?;
            self.tell(&log, None)?;
        }
        Ok(())
    }

    fn tell(&mut self, log: &Path, killed: Option<u64>) -> Result<()> {
        let name = log.file_name().unwrap_or_default().display().to_string();
        self.stories.push(Story { name, events: read(log)?, killed });
        Ok(())
    }
}

/// Nobody stands in line or is inside, and after a repair nothing is left of those that died.
fn nothing_is_left(url: &str) -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let mutex = connect(url)?.mutex(NAME)?;
        let limit = Instant::now() + LIMIT;
        loop {
            let status = mutex.status().await?;
            if status.queue.is_empty() && status.holders.is_empty() {
                break;
            }
            // Sessions of those that were killed live on for a while. With some engines it is the next one
            // that ends them.
            let mut me = mutex.join().await?;
            let _ = me.lock_for(Duration::from_millis(500)).await;
            me.leave().await?;
            ensure!(Instant::now() < limit, "it is left in line: {status:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let mut me = mutex.join().await?;
        me.lock_or_repair(async |_| Ok::<_, Error>(())).await?.unlock().await?;
        me.leave().await?;
        let status = mutex.status().await?;
        ensure!(status.deaths.is_empty() && status.holders.is_empty(), "{status:?}");
        Ok(())
    })
}
