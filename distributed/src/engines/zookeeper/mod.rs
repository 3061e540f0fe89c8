//! ZooKeeper: a line is a directory `/PREFIX/NAME` as Curator's `InterProcessMutex` has it: they stand in the
//! same line, in the order of the sequence numbers that the server gives.
//!
//! - **Session**: ZooKeeper's, asked for with half as much time again. The leader ends it, and hears only
//!   twice in a tick from a follower which of its sessions live. So one that died is out after one and a
//!   half of the time that was asked for, and up to two ticks. That time is to be four ticks or more (8 s
//!   with the usual tick), and two thirds of the servers' `maxSessionTimeout` at most (26 s, as is usual).
//! - **Renewal**: a `sync`, which the leader has to answer. A follower that is cut off from it goes on
//!   answering reads and pings, when the leader may have ended the session already.
//! - **Token**: the czxid of the node in line. It is the whole ensemble's number of changes, so it grows over
//!   restarts; not over restoring an older backup. Sequence numbers begin again with the directory, which
//!   the servers take away when nobody has been in it for a while.
//! - **Record of who is inside**: a node below `/PREFIX/bakery-inside/NAME`, which no session owns. No lock
//!   can have that name; nor `.`, `..` and, without a prefix, `zookeeper`.
//!
//! One that only tries is in the line until it has seen that it is not the first. One that shares has a node
//! with `__READ__` in its name, as in Curator's read/write lock; but whoever is exclusive is called as in its
//! mutex, so Curator's read/write lock does not stand in these lines. All nodes are open to everybody.
//!
//! Tried with ZooKeeper 3.9.3 and Curator 5.7.1.

mod connection;
mod looking;
mod member;
mod names;
mod nodes;
mod session;
mod turns;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use zookeeper_client as zk;

use self::connection::{Connection, error};
use self::member::Member;
use self::names::Paths;
use crate::engine::{Engine, Line, Session};
use crate::{Error, Result, Who};

const NAME: &str = "ZooKeeper";

/// An ensemble.
#[derive(Clone, Debug)]
pub struct ZooKeeper {
    servers: Arc<str>,
    /// Empty, or begins with a slash.
    base: Arc<str>,
    /// Of those who look on.
    looking: Arc<Mutex<Option<zk::Client>>>,
}

impl ZooKeeper {
    /// The ensemble of these servers (`HOST:PORT,HOST:PORT`). The locks are in this directory.
    ///
    /// It connects when it is asked for something.
    ///
    /// # Errors
    ///
    /// [`Error::BadUrl`].
    pub fn new(servers: &str, directory: &str) -> Result<Self> {
        if servers.split(',').any(str::is_empty) {
            let (url, why) = (servers.to_owned(), "it has to name each server".to_owned());
            return Err(Error::BadUrl { url, why });
        }
        let directory = directory.trim_matches('/');
        let base = if directory.is_empty() { String::new() } else { format!("/{directory}") };
        Ok(Self { servers: servers.into(), base: base.into(), looking: Arc::default() })
    }

    fn paths(&self, line: &str) -> Paths {
        Paths::new(&self.base, line)
    }
}

#[async_trait]
impl Engine for ZooKeeper {
    async fn open(&self, _who: &Who, ttl: Duration) -> Result<Arc<dyn Session>> {
        let connection = Connection::open(&self.servers, ttl).await?;
        Ok(Arc::new(Member::new(self.clone(), connection)))
    }

    async fn look(&self, line: &str) -> Result<Line> {
        let paths = self.paths(line);
        paths.check(line)?;
        self.read(&paths).await.map_err(|why| error("look at a line", &why))
    }

    async fn changed(&self, line: &str, known: &Line) -> Result<()> {
        let changed = self.watch(&self.paths(line), known).await;
        changed.map_err(|why| error("watch a line", &why))
    }
}
