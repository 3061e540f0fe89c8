//! Which node this is, and where the others are.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::path::PathBuf;
use std::time::Duration;

use super::{Error, Result};
use crate::algorithm::{Id, Patience};
use crate::transport::Address;

/// Which node this is, and where the others are.
#[derive(Clone, Debug)]
pub struct Config {
    pub(super) me: Id,
    pub(super) life: u32,
    pub(super) nodes: Vec<Address>,
    pub(super) name: String,
    pub(super) beat: Duration,
    pub(super) patience: Duration,
    pub(super) pause: Duration,
    pub(super) short: Duration,
    pub(super) journal: Option<PathBuf>,
    pub(super) most_kept: usize,
}

impl Config {
    /// This node, in this life, of these: their addresses by their numbers, this one's among them. All nodes
    /// are given the same, in the same order.
    #[must_use]
    pub fn new(me: Id, life: u32, nodes: Vec<Address>) -> Self {
        Self {
            me,
            life,
            nodes,
            name: String::new(),
            beat: Duration::from_millis(500),
            patience: Duration::from_secs(5),
            pause: Duration::from_millis(20),
            short: Duration::from_millis(100),
            journal: None,
            most_kept: 100_000,
        }
    }

    /// What the nodes lock: those of another name are turned away. Up to 200 bytes; nothing if nothing is
    /// said.
    #[must_use]
    pub fn called(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// After how much silence a connection is given up and tried again, and a node is
    /// [suspected](super::Status::silent); 10 ms or more, and 5 s if nothing is said. A tenth of it is how often
    /// a node says that it is there. Too little costs connections; and under a
    /// [`Coordinator`](crate::algorithm::Coordinator), whoever is suspected while it is inside is not alone
    /// there any more.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self.beat = patience / 10;
        self
    }

    /// For how long a node keeps what goes round for nothing, such as the token of a ring in which nobody wants
    /// to go in; 20 ms if nothing is said. Whoever wants to go in then waits for each node that does.
    #[must_use]
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// How long [`Patience::Short`] is: 1 ms or more, and 100 ms if nothing is said. [`Patience::Long`] is 10 to
    /// 20 times as long. A leader of Raft says as often that it leads; after so long without one there is an
    /// election.
    #[must_use]
    pub fn short(mut self, short: Duration) -> Self {
        self.short = short;
        self
    }

    /// The file by which this node goes on after a death: it is begun if it is not there. Only an algorithm
    /// that remembers has one, and has to: [`ReplicatedLock`](crate::algorithm::ReplicatedLock). A node that
    /// has lost its file must not begin again: it may have promised something.
    #[must_use]
    pub fn journal(mut self, path: impl Into<PathBuf>) -> Self {
        self.journal = Some(path.into());
        self
    }

    /// How many messages may be kept for nodes that are away before [`lock`](super::Node::lock) refuses;
    /// 100,000 if nothing is said.
    #[must_use]
    pub fn most_kept(mut self, messages: usize) -> Self {
        self.most_kept = messages;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        let (me, nodes) = (self.me, self.nodes.len());
        let why = if nodes > 64 {
            format!("{nodes} nodes are more than 64")
        } else if usize::from(me) >= nodes {
            format!("{nodes} nodes are numbered from 0, and have no node {me}")
        } else if self.name.len() > 200 {
            format!("a name of {} bytes is longer than 200", self.name.len())
        } else if self.patience < Duration::from_millis(10) {
            format!("a silence of {:?} is shorter than 10 ms", self.patience)
        } else if self.short < Duration::from_millis(1) {
            format!("a short patience of {:?} is shorter than 1 ms", self.short)
        } else {
            return Ok(());
        };
        Err(Error::BadConfig { why })
    }

    pub(super) fn time(&self, patience: Patience) -> Duration {
        match patience {
            Patience::Short => self.short,
            Patience::Long => {
                // Its keys are drawn anew each time.
                let drawn = RandomState::new().hash_one(0) % 1000;
                let drawn = u32::try_from(drawn).unwrap_or(0);
                self.short * 10 + self.short * drawn / 100
            }
        }
    }

    /// How many nodes there are.
    pub(super) fn count(&self) -> Id {
        Id::try_from(self.nodes.len()).unwrap_or(Id::MAX)
    }
}
