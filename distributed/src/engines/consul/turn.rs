//! Whose turn it is, of what is below a line's key.

use std::sync::atomic::Ordering::Relaxed;

use serde_json::json;

use super::member::Member;
use super::tree::{Tree, base64, to_record};
use super::usual;
use crate::engine::{Me, Place, Session as _, Turn, blocker};
use crate::{Mode, Result};

impl Member {
    /// Goes in, if nobody is before it.
    pub(super) async fn turn(&self, me: &Me, tree: Tree) -> Result<Turn> {
        let key = self.key(me);
        let Some(mine) = tree.line.iter().find(|entry| entry.place.key == key) else {
            return Ok(Turn::Out);
        };
        let token = mine.place.order;
        let _ = me.order.set(token);
        if let Some(before) = blocker(&tree.line, token, me.mode) {
            let changed = tree.changed.get(&before.place.key).copied().unwrap_or_default();
            self.before.store(changed, Relaxed);
            return Ok(Turn::Blocked(before.place.clone()));
        }
        let mut records = tree.records;
        let usual_key = self.consul.usual_key(&me.line).filter(|_| me.mode == Mode::Exclusive);
        if me.is_recorded || usual_key.is_some() {
            let record = base64(&to_record(me, &me.note, token));
            let mut go_in = vec![
                json!({"KV": {"Verb": "check-session", "Key": key, "Session": self.id}}),
                json!({"KV": {"Verb": "set", "Key": self.record(me), "Value": record}}),
                json!({"KV": {"Verb": "get-tree", "Key": self.consul.root(&me.line) + "inside/"}}),
            ];
            if !me.is_recorded {
                go_in.remove(1);
            }
            go_in.extend(usual_key.map(|key| usual::lock(&key, &self.id)));
            match self.consul.txn("go in", &json!(go_in)).await? {
                Some(tree) => records = tree.records,
                None => return self.kept_out(me).await,
            }
        }
        let mine = self.place(me);
        let others = records.into_iter().filter(|(place, _)| *place != mine);
        Ok(Turn::Mine { token, deaths: others.map(|(_, death)| death).collect() })
    }

    /// The turn of one that was first in line and did not get in: its place is gone, or another program
    /// holds the key.
    async fn kept_out(&self, me: &Me) -> Result<Turn> {
        let Some(key) = self.consul.usual_key(&me.line) else { return Ok(Turn::Out) };
        if !self.holds(me).await? {
            return Ok(Turn::Out);
        }
        let look = json!([{"KV": {"Verb": "get-tree", "Key": key}}]);
        let answer = self.consul.put("look at a key", "/v1/txn?consistent", &look).await?.json();
        let found = &answer["Results"][0]["KV"];
        let changed = found["ModifyIndex"].as_u64().filter(|_| found["Session"].is_string());
        self.before.store(changed.unwrap_or(0), Relaxed);
        Ok(Turn::Blocked(Place { key, order: 0 }))
    }
}
