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
//! mutex, so Curator's read/write lock does not stand in these lines. Tried with ZooKeeper 3.9.3 and Curator
//! 5.7.1.
//!
//! All nodes are open to everybody. With `?acl=creator` they are open to the user alone whom the client says to
//! be, by the scheme `digest`, and by its certificate: so to all who know the password or show the same
//! certificate. ZooKeeper knows of no wrong password. Who has one is another one, and is refused what is not
//! theirs.

mod connection;
mod ensemble;
mod looking;
mod member;
mod names;
mod nodes;
mod session;
#[cfg(feature = "tls")]
mod tunnel;
mod turns;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use zookeeper_client as zk;

use self::connection::{Connection, error};
use self::ensemble::Ensemble;
use self::member::Member;
use self::names::Paths;
use crate::access::{Find, Names, of_url};
use crate::engine::{Engine, Line, Session};
use crate::{Result, Who};

const NAME: &str = "ZooKeeper";

/// An ensemble.
#[derive(Clone, Debug)]
pub struct ZooKeeper {
    ensemble: Arc<Ensemble>,
    /// Empty, or begins with a slash.
    base: Arc<str>,
    /// Of those who look on.
    looking: Arc<Mutex<Option<zk::Client>>>,
}

/// ZooKeeper's own programs read no variables.
const NAMES: Names = Names {
    ca: ["ZOOKEEPER_CACERT", "ca"],
    certificate: ["ZOOKEEPER_CERT", "cert"],
    key: ["ZOOKEEPER_KEY", "key"],
    user: "ZOOKEEPER_USER",
    password: "ZOOKEEPER_PASSWORD",
    password_file: "password-file",
    ..Names::NONE
};

/// The ensemble of these servers. The locks are in the directory that follows the slash.
pub(crate) fn from_url(url: &str, find: Find<'_>) -> Result<ZooKeeper> {
    let (address, access) = of_url(url, &NAMES, &["acl"], find)?;
    let directory = address.path.trim_matches('/');
    let base = if directory.is_empty() { String::new() } else { format!("/{directory}") };
    let ensemble = Arc::new(Ensemble::new(&address, &access)?);
    Ok(ZooKeeper { ensemble, base: base.into(), looking: Arc::default() })
}

impl ZooKeeper {
    fn paths(&self, line: &str) -> Paths {
        Paths::new(&self.base, line)
    }
}

#[async_trait]
impl Engine for ZooKeeper {
    async fn open(&self, _who: &Who, ttl: Duration) -> Result<Arc<dyn Session>> {
        let connection = Connection::open(&self.ensemble, ttl).await?;
        Ok(Arc::new(Member::new(self.clone(), connection)))
    }

    async fn look(&self, line: &str) -> Result<Line> {
        let paths = self.paths(line);
        paths.check(line)?;
        let client = self.looking().await?;
        self.read(client, &paths).await.map_err(|why| error("look at a line", &why))
    }

    async fn changed(&self, line: &str, known: &Line) -> Result<()> {
        let client = self.looking().await?;
        let changed = self.watch(client, &self.paths(line), known).await;
        changed.map_err(|why| error("watch a line", &why))
    }
}
