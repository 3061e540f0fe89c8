//! A session, and what it does in a line.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::change::Change;
use super::item::Item;
use super::{DynamoDb, LOOK, session_key};
use crate::Result;
use crate::engine::{Me, Patience, Place, Renewal, Session, Turn, blocker};
use crate::engines::value::to_value;

#[derive(Debug)]
pub(super) struct Member {
    engine: DynamoDb,
    id: String,
    ttl: Duration,
}

#[async_trait]
impl Session for Member {
    fn ttl(&self) -> Duration {
        self.ttl
    }

    async fn renew(&self) -> Result<Renewal> {
        // Not if it was so and so before: then an answer that is lost would lose the session.
        let body = json!({
            "Key": {"k": {"S": session_key(&self.id)}},
            "UpdateExpression": "ADD rv :one", "ConditionExpression": "attribute_exists(k)",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        });
        let renewed = self.engine.table.ask("renew a session", "UpdateItem", body).await?;
        Ok(if renewed.is_some() { Renewal::Alive } else { Renewal::Ended })
    }

    async fn enter(&self, me: &Me, patience: Patience) -> Result<Turn> {
        let place = self.place(me);
        let enter = || Change::enter(&place, me.mode, &to_value(me, &me.note));
        let first = enter().if_it_gets_in(&place, me);
        if let Some(item) = self.engine.change("enter a line", &me.line, first).await? {
            return self.turn(me, item).await;
        }
        if patience == Patience::Endless
            && let Some(item) = self.engine.change("enter a line", &me.line, enter()).await?
        {
            return self.turn(me, item).await;
        }
        // Somebody is before it, or it has entered before and the answer was lost.
        let item = self.engine.line(&me.line).await?;
        if patience == Patience::None
            && item.entry(&place).is_none()
            && let Some(before) = blocker(&item.entries, u64::MAX, me.mode)
        {
            self.engine.look_after(&me.line, before, &item).await?;
        }
        self.turn(me, item).await
    }

    async fn poll(&self, me: &Me) -> Result<Turn> {
        let item = self.engine.line(&me.line).await?;
        self.turn(me, item).await
    }

    async fn wait(&self, me: &Me, before: &Place) -> Result<()> {
        let mut looked = None;
        loop {
            let item = self.engine.line(&me.line).await?;
            let Some(before) = item.entry(&before.key) else { return Ok(()) };
            if looked.is_none_or(|looked: Instant| looked.elapsed() >= LOOK) {
                looked = Some(Instant::now());
                self.engine.look_after(&me.line, before, &item).await?;
            }
            let order = me.order.get().copied().unwrap_or_default();
            let others = item.entries.iter().filter(|entry| entry.place.order < order).count();
            sleep(self.engine.pace * u32::try_from(others.clamp(1, 8)).unwrap_or(1)).await;
        }
    }

    async fn say(&self, me: &Me, note: &str) -> Result<()> {
        let say = Change::say(&self.place(me), &to_value(me, note));
        self.engine.change("change a note", &me.line, say).await.map(|_| ())
    }

    async fn leave(&self, me: &Me, clear: bool) -> Result<()> {
        let others = if clear { self.engine.line(&me.line).await?.records } else { Vec::new() };
        let leave = Change::leave(&self.place(me), me.mode, &others);
        self.engine.change("leave a line", &me.line, leave).await.map(|_| ())
    }

    async fn holds(&self, me: &Me) -> Result<bool> {
        Ok(self.engine.line(&me.line).await?.entry(&self.place(me)).is_some())
    }

    async fn close(&self) -> Result<()> {
        let body = json!({"Key": {"k": {"S": session_key(&self.id)}}});
        self.engine.table.ask("end a session", "DeleteItem", body).await.map(|_| ())
    }
}

impl Member {
    pub(super) fn new(engine: DynamoDb, id: String, ttl: Duration) -> Self {
        Self { engine, id, ttl }
    }

    fn place(&self, me: &Me) -> String {
        format!("{}.{}", self.id, me.attempt)
    }

    async fn turn(&self, me: &Me, item: Item) -> Result<Turn> {
        let place = self.place(me);
        let Some(mine) = item.entry(&place) else { return Ok(Turn::Out) };
        let token = mine.place.order;
        let _ = me.order.set(token);
        if let Some(before) = blocker(&item.entries, token, me.mode) {
            return Ok(Turn::Blocked(before.place.clone()));
        }
        let mut records = item.records;
        if me.is_recorded && records.iter().all(|(other, _)| *other != place) {
            match self.engine.change("go in", &me.line, Change::go_in(&place)).await? {
                Some(item) => records = item.records,
                None => return Ok(Turn::Out),
            }
        }
        let others = records.into_iter().filter(|(other, _)| *other != place);
        Ok(Turn::Mine { token, deaths: others.map(|(_, death)| death).collect() })
    }
}
