//! Nodes that are processes.

use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bakery_distributed::node::Run;
use bakery_servers::free_port;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::child::{Process, kill, tokens};

/// Nodes of one algorithm. All of them are killed when this is dropped, or after a minute: then whoever
/// waits for one of them is told that it has ended.
pub struct Cluster {
    pub nodes: Vec<Option<Process>>,
    lives: Vec<u32>,
    algorithm: &'static str,
    /// Each node's view of where the nodes are.
    addresses: Vec<String>,
    directory: TempDir,
    _end: Sender<()>,
}

/// On this machine.
pub fn tcp(nodes: usize) -> Vec<String> {
    (0..nodes).map(|_| format!("127.0.0.1:{}", free_port())).collect()
}

impl Cluster {
    pub fn over_tcp<A: Run>(nodes: usize) -> Result<Self> {
        let addresses = tcp(nodes).join(",");
        Self::start::<A>(vec![addresses; nodes])
    }

    pub fn over_unix_sockets<A: Run>(nodes: usize) -> Result<Self> {
        let directory = TempDir::new()?;
        let address = |node| format!("unix:{}/{node}", directory.path().display());
        let addresses = (0..nodes).map(address).collect::<Vec<_>>().join(",");
        Self::start_in::<A>(vec![addresses; nodes], directory)
    }

    pub fn start<A: Run>(addresses: Vec<String>) -> Result<Self> {
        Self::start_in::<A>(addresses, TempDir::new()?)
    }

    fn start_in<A: Run>(addresses: Vec<String>, directory: TempDir) -> Result<Self> {
        let (end, ended) = channel();
        thread::spawn(move || {
            use std::sync::mpsc::RecvTimeoutError::Timeout;
            if ended.recv_timeout(Duration::from_mins(1)) == Err(Timeout) {
                eprintln!("the nodes take too long");
                std::process::exit(1);
            }
        });
        let number = addresses.len();
        let mut cluster = Self {
            nodes: (0..number).map(|_| None).collect(),
            lives: vec![0; number],
            algorithm: A::NAME,
            addresses,
            directory,
            _end: end,
        };
        (0..number).try_for_each(|node| cluster.begin(node))?;
        Ok(cluster)
    }

    /// Starts a node, in its next life.
    pub fn begin(&mut self, node: usize) -> Result<()> {
        self.lives[node] += 1;
        let (me, life) = (node.to_string(), self.lives[node].to_string());
        let directory = self.directory.path().to_str().context("a directory")?;
        let words = [self.algorithm, &me, &life, &self.addresses[node], directory];
        self.nodes[node] = Some(Process::start(&words).context("a node does not start")?);
        Ok(())
    }

    pub fn kill(&mut self, node: usize) {
        self.nodes[node].take().into_iter().for_each(kill);
    }

    pub fn node(&mut self, node: usize) -> Result<&mut Process> {
        self.nodes[node].as_mut().context("it was killed")
    }

    pub fn ask(&mut self, node: usize, line: &str) -> Result<()> {
        self.node(node)?.ask(line)
    }

    pub fn hear(&mut self, node: usize, words: &str) -> Result<()> {
        self.node(node)?.hear(words).with_context(|| format!("node {node}"))
    }

    pub fn signal(&mut self, node: usize, signal: Signal) -> Result<()> {
        self.node(node)?.signal(signal)
    }

    /// Waits until this one has met all the others, in its present life.
    pub fn meet(&mut self, node: usize) -> Result<()> {
        let others = self.nodes.len() - 1;
        self.ask(node, &format!("meet {others}"))?;
        self.hear(node, "met")
    }

    /// All pass so often, and end. How often somebody was inside.
    pub fn finish(mut self, times: usize) -> Result<usize> {
        let all = 0..self.nodes.len();
        for node in all.clone() {
            self.ask(node, &format!("pass {times}"))?;
        }
        all.clone().try_for_each(|node| self.hear(node, "passed"))?;
        let number = tokens(self.directory.path())?.len();
        for node in all {
            self.nodes[node].take().map_or(Ok(()), Process::end)?;
        }
        Ok(number)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        (0..self.nodes.len()).for_each(|node| self.kill(node));
    }
}
