//! Nodes that are processes.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bakery_distributed::node::Run;
use bakery_servers::{Link, free_port};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::child::{start, tokens};
use crate::process::Process;

/// Nodes that are busy are suspected sooner or later: that costs only time, but under a coordinator.
const PATIENCE: u64 = 1000;
/// Nobody is suspected who lives.
const LONG: u64 = 120_000;

/// Nodes of one algorithm. All of them are killed when this is dropped, or after a minute: then whoever waits for
/// one of them hears that it has ended.
pub struct Cluster {
    nodes: Vec<Option<Process>>,
    /// Those that live.
    pids: Arc<Mutex<Vec<Option<Pid>>>>,
    lives: Vec<u32>,
    algorithm: &'static str,
    /// Each node's view of where the nodes are.
    addresses: Vec<String>,
    patience: u64,
    excludes: bool,
    directory: TempDir,
    _end: Sender<()>,
}

/// In memory, where there is such a place: what is on it survives processes, and a busy disk keeps nobody waiting.
pub fn directory() -> Result<TempDir> {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    Ok(tempfile::tempdir_in(place)?)
}

/// A port of this machine. On Linux each process has a loopback address of its own: so nobody else takes the
/// port before it is listened on.
fn address() -> SocketAddr {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    let is_linux = cfg!(target_os = "linux");
    let host = if is_linux { [127, high + 1, middle, low].into() } else { Ipv4Addr::LOCALHOST };
    (host, free_port()).into()
}

pub fn tcp(nodes: usize) -> Vec<String> {
    (0..nodes).map(|_| address().to_string()).collect()
}

/// How nodes are started.
impl Cluster {
    /// None of them yet. By a coordinator, none is suspected.
    pub fn at<A: Run>(addresses: Vec<String>, directory: TempDir) -> Self {
        let (end, ended) = channel();
        let pids = Arc::new(Mutex::new(vec![None; addresses.len()]));
        let all = Arc::clone(&pids);
        thread::spawn(move || {
            if ended.recv_timeout(Duration::from_mins(1)) == Err(RecvTimeoutError::Timeout) {
                eprintln!("the nodes take too long");
                for pid in all.lock().unwrap().drain(..).flatten() {
                    let _ = kill_process(pid, Signal::KILL);
                }
            }
        });
        let suspects_nobody = A::NAME == bakery_distributed::algorithm::Coordinator::NAME;
        Self {
            nodes: addresses.iter().map(|_| None).collect(),
            pids,
            lives: vec![0; addresses.len()],
            algorithm: A::NAME,
            addresses,
            patience: if suspects_nobody { LONG } else { PATIENCE },
            excludes: true,
            directory,
            _end: end,
        }
    }

    pub fn over_tcp<A: Run>(nodes: usize) -> Result<Self> {
        let addresses = vec![tcp(nodes).join(","); nodes];
        Self::at::<A>(addresses, directory()?).started()
    }

    pub fn over_unix_sockets<A: Run>(nodes: usize) -> Result<Self> {
        let directory = directory()?;
        let address = |node| format!("unix:{}/{node}", directory.path().display());
        let addresses = (0..nodes).map(address).collect::<Vec<_>>().join(",");
        Self::at::<A>(vec![addresses; nodes], directory).started()
    }

    /// Three, of which the last one connects to the others by way of a link that can be cut.
    pub fn apart<A: Run>() -> Result<(Self, Link)> {
        let (link, addresses) = (Link::default(), tcp(3));
        let mut by_link = addresses.clone();
        for to in &mut by_link[..2] {
            let at = address();
            link.lead_from(None, at, to.parse()?)?;
            *to = at.to_string();
        }
        let addresses = addresses.join(",");
        let views = vec![addresses.clone(), addresses, by_link.join(",")];
        Ok((Self::at::<A>(views, directory()?), link))
    }

    /// Whoever is silent is suspected soon, and two may be inside: by tokens that grow.
    pub fn suspecting(self) -> Self {
        Self { patience: PATIENCE, excludes: false, ..self }
    }

    /// Whoever is silent is not hung up on.
    pub fn patient(self) -> Self {
        Self { patience: LONG, ..self }
    }

    /// Whoever is silent is hung up on soon.
    pub fn impatient(self) -> Self {
        Self { patience: 3 * PATIENCE, ..self }
    }

    pub fn started(mut self) -> Result<Self> {
        (0..self.nodes.len()).try_for_each(|node| self.begin(node))?;
        Ok(self)
    }

    /// Starts a node, in its next life.
    pub fn begin(&mut self, node: usize) -> Result<()> {
        self.lives[node] += 1;
        let (me, life) = (node.to_string(), self.lives[node].to_string());
        let directory = self.directory.path().to_str().context("a directory")?;
        let (patience, excludes) = (self.patience.to_string(), self.excludes.to_string());
        let nodes = &self.addresses[node];
        let words = [self.algorithm, &me, &life, nodes, &patience, &excludes, directory];
        let process = start(&words)?;
        let mut pids = self.pids.lock().unwrap();
        *pids.get_mut(node).context("it took too long")? = Pid::from_raw(process.id().try_into()?);
        self.nodes[node] = Some(process);
        Ok(())
    }
}

impl Cluster {
    pub fn kill(&mut self, node: usize) {
        drop(self.taken(node));
    }

    /// This one, of which nobody knows any more.
    fn taken(&mut self, node: usize) -> Option<Process> {
        if let Some(pid) = self.pids.lock().unwrap().get_mut(node) {
            *pid = None;
        }
        self.nodes[node].take()
    }

    fn node(&mut self, node: usize) -> Result<&mut Process> {
        self.nodes[node].as_mut().context("it was killed")
    }

    pub fn ask(&mut self, node: usize, line: &str) -> Result<()> {
        self.node(node)?.ask(line)
    }

    /// Waits until it says this.
    pub fn hear(&mut self, node: usize, words: &str) -> Result<()> {
        let heard = self.node(node)?.hear().with_context(|| format!("node {node}: no {words}"))?;
        ensure!(heard == words, "node {node}: {heard}, not {words}");
        Ok(())
    }

    pub fn signal(&mut self, node: usize, signal: Signal) -> Result<()> {
        self.node(node)?.signal(signal)
    }

    /// Waits until this one has met so many others, in its present life.
    pub fn meet(&mut self, node: usize, others: usize) -> Result<()> {
        self.ask(node, &format!("meet {others}"))?;
        self.hear(node, "met")
    }

    /// Waits until this one suspects that one.
    pub fn miss(&mut self, node: usize, other: usize) -> Result<()> {
        self.ask(node, &format!("miss {other}"))?;
        self.hear(node, "missed")
    }

    /// How often somebody was inside until now.
    pub fn passages(&self) -> Result<usize> {
        Ok(tokens(self.directory.path())?.len())
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// All that live pass so often, and end. How often somebody was inside.
    pub fn finish(mut self, times: usize) -> Result<usize> {
        let all: Vec<_> =
            (0..self.nodes.len()).filter(|&node| self.nodes[node].is_some()).collect();
        for &node in &all {
            self.ask(node, &format!("pass {times}"))?;
        }
        all.iter().try_for_each(|&node| self.hear(node, "passed"))?;
        let number = self.passages()?;
        for node in all {
            let mut process = self.taken(node).context("it was killed")?;
            process.hang_up();
            process.succeed()?;
        }
        Ok(number)
    }
}
