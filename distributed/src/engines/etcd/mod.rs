//! etcd: a line is what begins with the lock's name and a slash, as in Go's `concurrency` package and in
//! `etcdctl lock`. They stand in the same line, in the order of the keys' create revisions.
//!
//! - **Session**: a lease. etcd keeps whole seconds, and not less than one and a half of its election
//!   timeouts (2 s, if that is the usual second).
//!   A renewal counts only if its leader was the leader: one that stood still answers before it hears of the
//!   next. Such a one may also *end* leases that live (etcd-io/etcd#15247); then nobody can be told before, and
//!   only the token tells who is late.
//! - **Token**: the create revision of the key in line. It is the whole cluster's number of changes, so it
//!   grows over restarts; not over restoring an older backup.
//! - **Record of who is inside**: `PREFIX/inside/NAME/...`, without a lease.
//!
//! A look at a line is one answer, and that may have 4 MB: enough for 900 in line with the longest notes. A
//! check is a read that a majority stands behind. Tried with etcd 3.5.16.

mod keys;
mod lease;
mod login;
mod member;
mod ops;
mod servers;
mod turns;
mod watch;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use self::keys::{Keys, entries, records};
use self::member::Member;
use self::servers::Servers;
use self::wire::{TxnRequest, TxnResponse};
use crate::access::{Find, Names, of_url};
use crate::engine::{Engine, Line, Session};
use crate::{Result, Who};

const NAME: &str = "etcd";

/// A cluster.
#[derive(Clone, Debug)]
pub struct Etcd {
    servers: Arc<Servers>,
    prefix: Arc<str>,
}

/// What `etcdctl` reads as well.
const NAMES: Names = Names {
    ca: ["ETCDCTL_CACERT", "ca"],
    certificate: ["ETCDCTL_CERT", "cert"],
    key: ["ETCDCTL_KEY", "key"],
    user: "ETCDCTL_USER",
    password: "ETCDCTL_PASSWORD",
    password_file: "password-file",
    ..Names::NONE
};

/// The cluster of these servers. The locks' names have what follows the slash in front of them.
pub(crate) fn from_url(url: &str, find: Find<'_>) -> Result<Etcd> {
    let (address, access) = of_url(url, &NAMES, &[], find)?;
    let servers = Arc::new(Servers::new(&address, &access)?);
    Ok(Etcd { servers, prefix: address.path.into() })
}

impl Etcd {
    fn keys(&self, line: &str) -> Keys {
        Keys::new(&self.prefix, line)
    }

    async fn txn(&self, what: &'static str, txn: TxnRequest) -> Result<TxnResponse> {
        self.servers.ask(what, "/etcdserverpb.KV/Txn", txn).await
    }
}

#[async_trait]
impl Engine for Etcd {
    async fn open(&self, _who: &Who, ttl: Duration) -> Result<Arc<dyn Session>> {
        let (id, ttl) = self.grant(ttl).await?;
        Ok(Arc::new(Member { etcd: self.clone(), id, ttl }))
    }

    async fn look(&self, line: &str) -> Result<Line> {
        let keys = self.keys(line);
        let both = vec![ops::range(&keys.line), ops::range(&keys.inside)];
        let txn = TxnRequest { success: both, ..TxnRequest::default() };
        let mut ranges = self.txn("look at a line", txn).await?.ranges();
        let line = entries(ranges.next().unwrap_or_default());
        let mut deaths = records(&keys, ranges.next().unwrap_or_default());
        // Whoever is inside has a record as well.
        deaths.retain(|(place, _)| {
            let key = keys.line.clone() + place;
            line.iter().all(|entry| entry.place.key != key)
        });
        Ok(Line::of(line, deaths.into_iter().map(|(_, death)| death).collect()))
    }

    async fn changed(&self, line: &str, known: &Line) -> Result<()> {
        let all = ops::beginning_with(&self.keys(line).line);
        let has_changed = || async { Ok(self.look(line).await? != *known) };
        self.watch(all, Vec::new(), has_changed).await
    }
}
