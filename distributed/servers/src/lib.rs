//! Real servers on loopback, for tests and examples: on ports of their own, with their data in memory where
//! that can be had. They end, and their data with them, when their [`Cluster`] is dropped and also when the
//! process that started them ends in whatever way.

pub mod consul;
mod dynamodb;
pub mod etcd;
mod link;
mod node;
pub mod pgbouncer;
mod port;
mod postgres;
pub mod secure;
mod service;
pub mod zookeeper;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

pub use link::Link;
pub use node::Node;
pub use port::free as free_port;

/// Servers that have been started together.
pub struct Cluster {
    /// Where a client finds them.
    pub url: String,
    /// Each one.
    pub nodes: Vec<Node>,
    is_ready: IsReady,
}

/// Whether the servers answer.
type IsReady = Box<dyn Fn() -> bool + Send + Sync>;

/// The engines whose servers can be started.
pub const ENGINES: [&str; 5] = ["consul", "dynamodb", "etcd", "postgres", "zookeeper"];

impl Cluster {
    /// Starts an engine's servers: three where it can have several. Comes back when they answer. With `before_` in
    /// front of an engine's name it is a lock service in front of them, and that is the last one of the nodes.
    ///
    /// # Errors
    ///
    /// If their programs cannot be had on this machine, or they do not start.
    pub fn start(engine: &str) -> Result<Self> {
        if let Some(engine) = engine.strip_prefix("before_") {
            return service::start_before(engine).and_then(Self::ready);
        }
        let start = match engine {
            "consul" => consul::start,
            "dynamodb" => dynamodb::start,
            "etcd" => etcd::start,
            "postgres" => postgres::start,
            "service" => service::start,
            "zookeeper" => zookeeper::start,
            _ => bail!("no such engine: {engine}; there are {}", ENGINES.join(", ")),
        };
        let programs = programs(engine)?;
        // A port that was free may have been taken meanwhile: then they are started once more.
        let first = start(&programs).and_then(Self::ready);
        first
            .or_else(|_| start(&programs).and_then(Self::ready))
            .with_context(|| format!("{engine} did not start"))
    }

    /// Kills all servers and starts them again on their data. Comes back when they answer.
    ///
    /// # Errors
    ///
    /// If they do not start.
    pub fn restart(&mut self) -> Result<()> {
        self.nodes.iter_mut().try_for_each(Node::kill)?;
        self.nodes.iter_mut().try_for_each(Node::start_again)?;
        self.wait()
    }

    /// Waits until the servers answer, for a minute at most.
    ///
    /// # Errors
    ///
    /// If they do not.
    pub fn wait(&self) -> Result<()> {
        let end = Instant::now() + Duration::from_mins(1);
        while !(self.is_ready)() {
            ensure!(Instant::now() < end, "the servers did not answer within a minute");
            sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Has the last server be the leader, or any other one, by killing the leader until it is so. `leader` says
    /// which one leads.
    ///
    /// # Errors
    ///
    /// If it is not so after some attempts, or a server does not come back.
    pub fn elect(&mut self, leader: fn(&Self) -> Option<usize>, last: bool) -> Result<()> {
        for _ in 0..10 {
            let now = leader(self).context("nobody leads")?;
            if (now + 1 == self.nodes.len()) == last {
                return Ok(());
            }
            self.nodes[now].kill()?;
            let end = Instant::now() + Duration::from_mins(1);
            while leader(self).is_none() {
                ensure!(Instant::now() < end, "nobody leads within a minute");
                sleep(Duration::from_millis(50));
            }
            self.nodes[now].start_again()?;
            self.wait()?;
        }
        bail!("the others have been elected again and again")
    }

    /// The address by which clients find one server only.
    #[must_use]
    pub fn url_of(&self, server: usize) -> String {
        let scheme = self.url.split_once("://").map_or("", |(scheme, _)| scheme);
        format!("{scheme}://127.0.0.1:{}", self.ports().nth(server).unwrap_or_default())
    }

    /// Where each server listens to its clients.
    fn ports(&self) -> impl Iterator<Item = u16> + '_ {
        let port = |server: &str| server.rsplit_once(':')?.1.parse().ok();
        self.url.split(',').filter_map(port)
    }

    fn ready(self) -> Result<Self> {
        self.wait().map(|()| self)
    }
}

/// Where an engine's own programs are: its servers, and its command line.
///
/// # Errors
///
/// If they cannot be had on this machine.
pub fn programs(engine: &str) -> Result<PathBuf> {
    if engine == "service" {
        return service::program();
    }
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fetched = Command::new(here.join("fetch"))
        .arg(engine)
        .arg(here.join("../../target/servers"))
        .stdin(Stdio::null())
        .output()
        .context("the script `fetch` does not run")?;
    let words = String::from_utf8_lossy(&fetched.stderr);
    ensure!(fetched.status.success(), "{engine}'s packages cannot be had: {}", words.trim());
    Ok(PathBuf::from(String::from_utf8_lossy(&fetched.stdout).trim()))
}

/// A directory in memory, if there is such a place, for one node's data.
fn data(engine: &str) -> Result<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let shm = Path::new("/dev/shm");
    let base = if shm.is_dir() { shm.to_path_buf() } else { std::env::temp_dir() };
    let (process, count) = (std::process::id(), COUNT.fetch_add(1, Relaxed));
    let data = base.join(format!("bakery-{engine}-{process}-{count}"));
    std::fs::create_dir(&data).with_context(|| format!("cannot make {}", data.display()))?;
    Ok(data)
}
