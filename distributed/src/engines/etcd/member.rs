//! A session, as the library asks for things.

use std::time::Duration;

use async_trait::async_trait;

use super::wire::{Is, RangeRequest, RangeResponse, TxnRequest};
use super::{Etcd, ops, watch};
use crate::Result;
use crate::engine::{Me, Patience, Place, Renewal, Session, Turn};
use crate::engines::value::to_value;

#[derive(Debug)]
pub(super) struct Member {
    pub etcd: Etcd,
    /// The lease's number.
    pub id: i64,
    pub ttl: Duration,
}

#[async_trait]
impl Session for Member {
    fn ttl(&self) -> Duration {
        self.ttl
    }

    async fn renew(&self) -> Result<Renewal> {
        self.etcd.keep_alive(self.id).await
    }

    async fn enter(&self, me: &Me, patience: Patience) -> Result<Turn> {
        self.go_to_the_end(me, patience).await
    }

    async fn poll(&self, me: &Me) -> Result<Turn> {
        self.look(me).await
    }

    async fn wait(&self, _me: &Me, before: &Place) -> Result<()> {
        let key = (before.key.clone().into(), Vec::new());
        let has_left = || async { Ok(self.created(&before.key).await? != Some(before.order)) };
        self.etcd.watch(key, vec![watch::NO_PUTS], has_left).await
    }

    async fn say(&self, me: &Me, note: &str) -> Result<()> {
        let key = self.key(me);
        let order = me.order.get().copied().unwrap_or_default();
        let mine = vec![ops::created(&key, Is::Equal, order.cast_signed())];
        let mut success = vec![ops::put(&key, &to_value(me, note), self.id)];
        if me.is_recorded {
            success.push(self.leave_a_record(me, note));
        }
        let txn = TxnRequest { compare: mine, success, failure: Vec::new() };
        self.etcd.txn("change a note", txn).await.map(|_| ())
    }

    async fn leave(&self, me: &Me, clear: bool) -> Result<()> {
        let key = self.key(me);
        let mine = match me.order.get() {
            Some(order) => ops::created(&key, Is::Equal, order.cast_signed()),
            None => ops::created(&key, Is::Greater, 0),
        };
        let record = if clear {
            ops::delete_all(&self.etcd.keys(&me.line).inside)
        } else {
            ops::delete(&self.record(me))
        };
        let success = vec![ops::delete(&key), record];
        let txn = TxnRequest { compare: vec![mine], success, failure: Vec::new() };
        self.etcd.txn("leave a line", txn).await.map(|_| ())
    }

    async fn holds(&self, me: &Me) -> Result<bool> {
        Ok(self.created(&self.key(me)).await?.as_ref() == me.order.get())
    }

    async fn close(&self) -> Result<()> {
        self.etcd.revoke(self.id).await
    }
}

impl Member {
    /// The end of the attempt's key, and of its record's.
    pub(super) fn place(&self, me: &Me) -> String {
        format!("{:x}.{}", self.id, me.attempt)
    }

    pub(super) fn key(&self, me: &Me) -> String {
        self.etcd.keys(&me.line).line + &self.place(me)
    }

    pub(super) fn record(&self, me: &Me) -> String {
        self.etcd.keys(&me.line).inside + &self.place(me)
    }

    /// When this key was created, if it is there: as all servers agree.
    async fn created(&self, key: &str) -> Result<Option<u64>> {
        let range = RangeRequest { key: key.into(), range_end: Vec::new() };
        let path = "/etcdserverpb.KV/Range";
        let found: RangeResponse = self.etcd.servers.ask("look at a key", path, range).await?;
        Ok(found.kvs.first().map(|kv| kv.create_revision.cast_unsigned()))
    }
}
