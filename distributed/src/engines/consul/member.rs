//! A session, and what it does in a line.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use async_trait::async_trait;
use hyper::{Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::tree::{base64, to_record};
use super::{Consul, Headers, Question, judge, usual};
use crate::engine::{Me, Patience, Place, Renewal, Session, Turn};
use crate::engines::value::to_value;
use crate::{Mode, Result};

#[derive(Debug)]
pub(super) struct Member {
    pub consul: Consul,
    pub id: String,
    pub ttl: Duration,
    /// At which index the key of the one before had changed when it was looked at last.
    pub before: AtomicU64,
}

#[async_trait]
impl Session for Member {
    fn ttl(&self) -> Duration {
        self.ttl
    }

    async fn renew(&self) -> Result<Renewal> {
        let path = format!("/v1/session/renew/{}", self.id);
        let answer = self.consul.put("renew a session", &path, &Value::Null).await?;
        let is_gone = answer.status == StatusCode::NOT_FOUND;
        Ok(if is_gone { Renewal::Ended } else { Renewal::Alive })
    }

    async fn enter(&self, me: &Me, patience: Patience) -> Result<Turn> {
        let root = self.consul.root(&me.line);
        let key = self.key(me);
        if patience == Patience::None {
            let line = self.consul.tree(&me.line, true).await?.line;
            let mut others = line.iter().filter(|entry| entry.place.key != key);
            if others.any(|other| me.mode == Mode::Exclusive || other.mode == Mode::Exclusive) {
                return Ok(Turn::Out);
            }
        }
        let value = base64(&to_value(me, &me.note));
        let entry = json!([
            {"KV": {"Verb": "lock", "Key": key, "Session": self.id, "Value": value}},
            {"KV": {"Verb": "get-tree", "Key": root}},
        ]);
        let Some(tree) = self.consul.txn("enter a line", &entry).await? else {
            // There is no such session.
            return Ok(Turn::Out);
        };
        let turn = self.turn(me, tree).await?;
        if patience == Patience::None && matches!(turn, Turn::Blocked(_)) {
            // Somebody came in between.
            self.leave(me, false).await?;
            return Ok(Turn::Out);
        }
        Ok(turn)
    }

    async fn poll(&self, me: &Me) -> Result<Turn> {
        // One that lags will do, as long as it has this key: it knows each earlier one, and what has gone
        // does not come back.
        let tree = self.consul.tree(&me.line, false).await?;
        if tree.line.iter().any(|entry| entry.place.key == self.key(me)) {
            return self.turn(me, tree).await;
        }
        self.turn(me, self.consul.tree(&me.line, true).await?).await
    }

    async fn wait(&self, _me: &Me, before: &Place) -> Result<()> {
        const WHAT: &str = "wait for a key";
        let index = self.before.load(Relaxed);
        if index == 0 {
            sleep(usual::PAUSE).await;
            return Ok(());
        }
        let key = utf8_percent_encode(&before.key, NON_ALPHANUMERIC);
        // The servers go on waiting after this has been dropped, so it is not for long.
        let time = (self.ttl / 2).as_millis();
        let path = format!("/v1/kv/{key}?index={index}&wait={time}ms");
        let (method, path) = (&Method::GET, path.as_str());
        let headers: Headers<'_> = &|_, _| self.consul.headers();
        let question = Question { what: WHAT, method, path, headers, is_urgent: false };
        judge(WHAT, self.consul.servers.ask(question, &Value::Null).await?).map(|_| ())
    }

    async fn say(&self, me: &Me, note: &str) -> Result<()> {
        let (key, value) = (self.key(me), base64(&to_value(me, note)));
        let mut txn = vec![
            json!({"KV": {"Verb": "check-session", "Key": key, "Session": self.id}}),
            json!({"KV": {"Verb": "lock", "Key": key, "Session": self.id, "Value": value}}),
        ];
        if me.is_recorded {
            let token = me.order.get().copied().unwrap_or_default();
            let record = base64(&to_record(me, note, token));
            txn.push(json!({"KV": {"Verb": "set", "Key": self.record(me), "Value": record}}));
        }
        self.consul.txn("change a note", &json!(txn)).await.map(|_| ())
    }

    async fn leave(&self, me: &Me, clear: bool) -> Result<()> {
        let record = if clear {
            json!({"KV": {"Verb": "delete-tree", "Key": self.consul.root(&me.line) + "inside/"}})
        } else {
            json!({"KV": {"Verb": "delete", "Key": self.record(me)}})
        };
        let key = self.key(me);
        let txn = json!([
            {"KV": {"Verb": "check-session", "Key": key, "Session": self.id}},
            {"KV": {"Verb": "delete", "Key": key}},
            record,
        ]);
        if let Some(key) = self.consul.usual_key(&me.line) {
            let both = usual::unlock_and(&key, &self.id, &txn);
            if self.consul.txn("leave a line", &both).await?.is_some() {
                return Ok(());
            }
            // It has not been inside.
        }
        self.consul.txn("leave a line", &txn).await.map(|_| ())
    }

    async fn holds(&self, me: &Me) -> Result<bool> {
        let line = self.consul.tree(&me.line, true).await?.line;
        Ok(line.iter().any(|entry| entry.place.key == self.key(me)))
    }

    async fn close(&self) -> Result<()> {
        let path = format!("/v1/session/destroy/{}", self.id);
        self.consul.put("end a session", &path, &Value::Null).await.map(|_| ())
    }
}

impl Member {
    /// The end of the attempt's key, and of its record's.
    pub(super) fn place(&self, me: &Me) -> String {
        format!("{}.{}", self.id, me.attempt)
    }

    pub(super) fn key(&self, me: &Me) -> String {
        format!("{}queue/{}", self.consul.root(&me.line), self.place(me))
    }

    pub(super) fn record(&self, me: &Me) -> String {
        format!("{}inside/{}", self.consul.root(&me.line), self.place(me))
    }
}
