//! etcd: a line is what begins with the lock's name and a slash, as in Go's `concurrency` package and in
//! `etcdctl lock`. They stand in the same line, in the order of the keys' create revisions.
//!
//! - **Session**: a lease. etcd keeps whole seconds, and not less than one and a half of its election
//!   timeouts (2 s, if that is the usual second).
//! - **Token**: the create revision of the key in line. It is the whole cluster's number of changes, so it
//!   grows over restarts; not over restoring an older backup.
//! - **Record of who is inside**: `PREFIX/inside/NAME/...`, without a lease.

mod login;
mod servers;
mod wire;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use tokio::time::{Instant, sleep_until};

use self::servers::{Servers, next};
use self::wire::{
    Is, KeyValue, LeaseGrantRequest, LeaseRequest, LeaseResponse, RangeRequest, RangeResponse,
    TxnRequest, TxnResponse, WatchCreateRequest, WatchRequest, WatchResponse,
};
use crate::access::{Find, Names, of_url};
use crate::engine::{Engine, Entry, Line, Me, Patience, Place, Renewal, Session, Turn, blocker};
use crate::{Death, Error, Mode, Result, Who};

const NAME: &str = "etcd";
const TXN: &str = "/etcdserverpb.KV/Txn";

/// A cluster.
#[derive(Clone, Debug)]
pub struct Etcd {
    servers: Arc<Servers>,
    prefix: Arc<str>,
}

#[derive(Debug)]
struct Lease {
    etcd: Etcd,
    id: i64,
    ttl: Duration,
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

/// Where the competitors and the records of a line are.
struct Keys {
    line: String,
    inside: String,
}

impl Etcd {
    fn keys(&self, line: &str) -> Keys {
        let prefix = &self.prefix;
        // No lock's name is empty, so no line begins with the prefix and a slash.
        Keys { line: format!("{prefix}{line}/"), inside: format!("{prefix}/inside/{line}/") }
    }

    async fn txn(&self, what: &'static str, txn: TxnRequest) -> Result<TxnResponse> {
        self.servers.ask(what, TXN, txn).await
    }

    /// Comes back when something happens to a key, or has happened.
    async fn watch<F>(
        &self,
        (key, range_end): (Vec<u8>, Vec<u8>),
        filters: Vec<i32>,
        has_happened: impl Fn() -> F + Send,
    ) -> Result<()>
    where
        F: Future<Output = Result<bool>> + Send,
    {
        const WHAT: &str = "watch a key";
        let create = WatchCreateRequest { key, range_end, filters };
        let request = WatchRequest { create: Some(create) };
        let path = "/etcdserverpb.Watch/Watch";
        let mut watch = self.servers.open(WHAT, path, request).await?;
        news(&next(WHAT, &mut watch).await?)?;
        // What happened before the watch began it does not tell; and what happens in its first moments it
        // may tell only after 100 ms: a write between the server's look at its revision and the watch's
        // beginning parks the watch until then.
        let began = Instant::now();
        for look in [0, 8, 40] {
            tokio::select! {
                event = next(WHAT, &mut watch) => return news(&event?),
                () = sleep_until(began + Duration::from_millis(look)) => {}
            }
            if has_happened().await? {
                return Ok(());
            }
        }
        news(&next(WHAT, &mut watch).await?)
    }

    /// When this key was created, if it is there.
    async fn created(&self, key: &str) -> Result<Option<u64>> {
        let range = RangeRequest { key: key.into(), range_end: Vec::new() };
        let path = "/etcdserverpb.KV/Range";
        let found: RangeResponse = self.servers.ask("look at a key", path, range).await?;
        Ok(found.kvs.first().map(|kv| kv.create_revision.cast_unsigned()))
    }
}

#[async_trait]
impl Engine for Etcd {
    async fn open(&self, _who: &Who, ttl: Duration) -> Result<Arc<dyn Session>> {
        let seconds = ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0);
        let grant = LeaseGrantRequest { ttl: i64::try_from(seconds).unwrap_or(i64::MAX) };
        let path = "/etcdserverpb.Lease/LeaseGrant";
        let lease: LeaseResponse = self.servers.ask("grant a lease", path, grant).await?;
        let ttl = Duration::from_secs(lease.ttl.max(0).cast_unsigned());
        Ok(Arc::new(Lease { etcd: self.clone(), id: lease.id, ttl }))
    }

    async fn look(&self, line: &str) -> Result<Line> {
        let keys = self.keys(line);
        let both = vec![wire::range(&keys.line), wire::range(&keys.inside)];
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
        let all = wire::beginning_with(&self.keys(line).line);
        let has_changed = || async { Ok(self.look(line).await? != *known) };
        self.watch(all, Vec::new(), has_changed).await
    }
}

#[async_trait]
impl Session for Lease {
    fn ttl(&self) -> Duration {
        self.ttl
    }

    async fn renew(&self) -> Result<Renewal> {
        let path = "/etcdserverpb.Lease/LeaseKeepAlive";
        let request = LeaseRequest { id: self.id };
        let lease: LeaseResponse = self.etcd.servers.first("renew a lease", path, request).await?;
        Ok(if lease.ttl > 0 { Renewal::Alive } else { Renewal::Ended })
    }

    async fn enter(&self, me: &Me, patience: Patience) -> Result<Turn> {
        let Keys { line, .. } = self.etcd.keys(&me.line);
        let put = wire::put(&self.key(me), &to_value(me), self.id);
        let mut txn = TxnRequest { failure: vec![wire::range(&line)], ..TxnRequest::default() };
        if me.mode == Mode::Exclusive {
            txn.compare = vec![wire::all_created(&line, Is::Equal, 0)];
            txn.success = vec![put.clone()];
            txn.success.extend(self.go_in(me));
        } else {
            // Not so: those who share look before they know.
            txn.compare = vec![wire::all_created(&line, Is::Greater, i64::MAX)];
        }
        if patience == Patience::Endless || me.mode == Mode::Shared {
            txn.failure.insert(0, wire::if_absent(&self.key(me), put));
        }
        let answer = match self.etcd.txn("enter a line", txn).await {
            Err(Error::Refused { why, .. }) if why.contains("lease not found") => {
                return Ok(Turn::Out);
            }
            answer => answer?,
        };
        if answer.succeeded {
            let _ = me.order.set(answer.revision().cast_unsigned());
            return Ok(self.inside(me, answer));
        }
        let line = entries(answer.ranges().next().unwrap_or_default());
        let key = self.key(me);
        let Some(mine) = line.iter().find(|entry| entry.place.key == key) else {
            return Ok(Turn::Out);
        };
        let _ = me.order.set(mine.place.order);
        match blocker(&line, mine.place.order, me.mode) {
            Some(before) => Ok(Turn::Blocked(before.place.clone())),
            None => self.poll(me).await,
        }
    }

    async fn poll(&self, me: &Me) -> Result<Turn> {
        let Keys { line, .. } = self.etcd.keys(&me.line);
        let mut txn = TxnRequest { failure: vec![wire::range(&line)], ..TxnRequest::default() };
        let order = me.order.get().copied().unwrap_or_default();
        txn.compare = vec![wire::created(&self.key(me), Is::Equal, order.cast_signed())];
        if me.mode == Mode::Exclusive {
            // Nobody is before this one.
            txn.compare.push(wire::all_created(&line, Is::Greater, order.cast_signed() - 1));
            txn.success = self.go_in(me);
        } else {
            txn.success = vec![wire::range(&line), self.go_in(me).swap_remove(1)];
        }
        let answer = self.etcd.txn("look at a line", txn).await?;
        if answer.succeeded && me.mode == Mode::Exclusive {
            return Ok(self.inside(me, answer));
        }
        let line = entries(answer.clone().ranges().next().unwrap_or_default());
        let key = self.key(me);
        if !line.iter().any(|entry| entry.place.key == key && entry.place.order == order) {
            return Ok(Turn::Out);
        }
        match blocker(&line, order, me.mode) {
            Some(before) => Ok(Turn::Blocked(before.place.clone())),
            None => Ok(self.inside(me, answer)),
        }
    }

    async fn wait(&self, _me: &Me, before: &Place) -> Result<()> {
        let has_left = || async { Ok(self.etcd.created(&before.key).await? != Some(before.order)) };
        self.etcd
            .watch((before.key.clone().into(), Vec::new()), vec![wire::NO_PUTS], has_left)
            .await
    }

    async fn say(&self, me: &Me, note: &str) -> Result<()> {
        let (key, said) = (self.key(me), Me { note: note.into(), ..me.clone() });
        let order = me.order.get().copied().unwrap_or_default();
        let mine = vec![wire::created(&key, Is::Equal, order.cast_signed())];
        let mut success = vec![wire::put(&key, &to_value(&said), self.id)];
        if me.mode == Mode::Exclusive {
            success.extend(self.go_in(&said));
        }
        let txn = TxnRequest { compare: mine, success, failure: Vec::new() };
        self.etcd.txn("change a note", txn).await.map(|_| ())
    }

    async fn leave(&self, me: &Me, clear: bool) -> Result<()> {
        let key = self.key(me);
        let mine = match me.order.get() {
            Some(order) => wire::created(&key, Is::Equal, order.cast_signed()),
            None => wire::created(&key, Is::Greater, 0),
        };
        let record = if clear {
            wire::delete_all(&self.etcd.keys(&me.line).inside)
        } else {
            wire::delete(&self.record(me))
        };
        let success = vec![wire::delete(&key), record];
        let txn = TxnRequest { compare: vec![mine], success, failure: Vec::new() };
        self.etcd.txn("leave a line", txn).await.map(|_| ())
    }

    async fn holds(&self, me: &Me) -> Result<bool> {
        Ok(self.etcd.created(&self.key(me)).await?.as_ref() == me.order.get())
    }

    async fn close(&self) -> Result<()> {
        let path = "/etcdserverpb.Lease/LeaseRevoke";
        let request = LeaseRequest { id: self.id };
        match self.etcd.servers.ask("revoke a lease", path, request).await {
            Ok(wire::Done {}) => Ok(()),
            // It has ended.
            Err(Error::Refused { why, .. }) if why.contains("lease not found") => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Lease {
    /// The end of the attempt's key, and of its record's.
    fn place(&self, me: &Me) -> String {
        format!("{:x}.{}", self.id, me.attempt)
    }

    fn key(&self, me: &Me) -> String {
        self.etcd.keys(&me.line).line + &self.place(me)
    }

    fn record(&self, me: &Me) -> String {
        self.etcd.keys(&me.line).inside + &self.place(me)
    }

    /// Leaves a record, and looks for those of others.
    fn go_in(&self, me: &Me) -> Vec<wire::RequestOp> {
        // Its token; if it is not known yet, it is the record's own revision.
        let token = me.order.get().copied().unwrap_or_default();
        let record = wire::put(&self.record(me), &format!("{token} {}", to_value(me)), 0);
        vec![record, wire::range(&self.etcd.keys(&me.line).inside)]
    }

    /// The turn of one that nobody blocks any more: the last range has found the records.
    fn inside(&self, me: &Me, answer: TxnResponse) -> Turn {
        let keys = self.etcd.keys(&me.line);
        let found = records(&keys, answer.ranges().last().unwrap_or_default());
        let mine = self.place(me);
        let others = found.into_iter().filter(|(place, _)| *place != mine);
        let token = me.order.get().copied().unwrap_or_default();
        Turn::Mine { token, deaths: others.map(|(_, death)| death).collect() }
    }
}

/// Whether the watch goes on.
fn news(answer: &WatchResponse) -> Result<()> {
    if answer.canceled {
        let why = format!("the server has given up the watch {}", answer.cancel_reason);
        return Err(Error::Unreachable { engine: NAME, what: "watch a key", why });
    }
    Ok(())
}

/// What others read of an attempt: when, how, who; and on the next line what it says of itself.
fn to_value(me: &Me) -> String {
    let since = me.since.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let mode = if me.mode == Mode::Exclusive { 'x' } else { 's' };
    format!("{since} {mode} {}\n{}", me.who, me.note)
}

fn from_value(value: &[u8]) -> (Option<SystemTime>, Mode, Who, String) {
    let whole = String::from_utf8_lossy(value);
    let (text, note) = whole.split_once('\n').unwrap_or((&whole, ""));
    let known = text.split_once(' ').and_then(|(since, rest)| {
        let (mode, who) = rest.split_once(' ')?;
        let since = UNIX_EPOCH.checked_add(Duration::from_millis(since.parse().ok()?));
        let mode = if mode == "s" { Mode::Shared } else { Mode::Exclusive };
        Some((since, mode, Who::parse(who), note.to_owned()))
    });
    // Another program's words.
    known.unwrap_or_else(|| (None, Mode::Exclusive, Who::parse(""), whole.into_owned()))
}

fn entries(kvs: Vec<KeyValue>) -> Vec<Entry> {
    let entry = |kv: KeyValue| {
        let (since, mode, who, note) = from_value(&kv.value);
        let key = String::from_utf8_lossy(&kv.key).into_owned();
        let place = Place { key, order: kv.create_revision.cast_unsigned() };
        Entry { place, mode, who, note, since }
    };
    kvs.into_iter().map(entry).collect()
}

/// The records, with the ends of their keys, in the order of their tokens.
fn records(keys: &Keys, kvs: Vec<KeyValue>) -> Vec<(String, Death)> {
    let record = |kv: KeyValue| {
        let value = String::from_utf8_lossy(&kv.value);
        let (token, rest) = value.split_once(' ').unwrap_or(("0", &value));
        let token = token.parse().ok().filter(|&token| token != 0);
        let (since, _, who, note) = from_value(rest.as_bytes());
        let key = String::from_utf8_lossy(&kv.key).into_owned();
        let place = key.strip_prefix(&keys.inside).unwrap_or_default().to_owned();
        let token = token.unwrap_or(kv.create_revision.cast_unsigned());
        (place, Death { who, note, token, since })
    };
    let mut records: Vec<_> = kvs.into_iter().map(record).collect();
    records.sort_by_key(|(_, death)| death.token);
    records
}
