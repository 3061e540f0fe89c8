//! A competitor, and the node of its last attempt.

use std::sync::{Mutex, MutexGuard, PoisonError};

use zookeeper_client as zk;

use super::ZooKeeper;
use super::connection::{Connection, Outcome};
use super::names::{Paths, place, prefix_of};
use super::nodes::or_none;
use super::turns::Lists;
use crate::engine::{Me, Patience, Turn};
use crate::engines::value::to_value;

#[derive(Debug)]
pub(super) struct Member {
    engine: ZooKeeper,
    pub(super) connection: Connection,
    /// The last attempt that was to enter, and its node once that is known.
    standing: Mutex<(u64, Option<String>)>,
}

impl Member {
    pub(super) fn new(engine: ZooKeeper, connection: Connection) -> Self {
        Self { engine, connection, standing: Mutex::new((0, None)) }
    }

    pub(super) fn paths(&self, me: &Me) -> Paths {
        self.engine.paths(&me.line)
    }

    /// How a node is made.
    pub(super) fn node(&self, mode: zk::CreateMode) -> zk::CreateOptions<'static> {
        mode.with_acls(self.engine.ensemble.acls())
    }

    /// Enters, unless it has, and looks.
    pub(super) async fn go_to_the_end(&self, me: &Me, patience: Patience) -> Outcome<Turn> {
        let client = self.connection.client()?;
        let is_asked_again = self.standing().0 == me.attempt;
        let lists = if is_asked_again && self.find(&client, me).await?.is_some() {
            self.lists(&client, me).await?
        } else {
            *self.standing() = (me.attempt, None);
            self.create(&client, me).await?
        };
        let turn = self.turn(&client, me, lists).await?;
        if let (Turn::Blocked(_), Patience::None) = (&turn, patience) {
            self.go_out(me, false).await?;
            return Ok(Turn::Out);
        }
        Ok(turn)
    }

    /// Makes the attempt's node, and says who is in the line then.
    async fn create(&self, client: &zk::Client, me: &Me) -> Outcome<Lists> {
        let paths = self.paths(me);
        let prefix = paths.entry(&self.place(me), me.mode);
        loop {
            let entry = self.node(zk::CreateMode::EphemeralSequential);
            // Sent together, and answered in this order.
            let (created, lists) = tokio::join!(
                client.create(&prefix, to_value(me, &me.note).as_bytes(), &entry),
                self.lists(client, me),
            );
            if let Err(zk::Error::NoNode) = created {
                client.mkdir(&paths.line, &self.node(zk::CreateMode::Container)).await?;
                continue;
            }
            let (stat, sequence) = created?;
            let _ = me.order.set(stat.czxid.cast_unsigned());
            *self.standing() = (me.attempt, Some(format!("{prefix}{sequence}")));
            return lists;
        }
    }

    /// The attempt's node, if it has one.
    pub(super) async fn find(&self, client: &zk::Client, me: &Me) -> Outcome<Option<String>> {
        match &*self.standing() {
            (attempt, _) if *attempt != me.attempt => return Ok(None),
            (_, Some(path)) => return Ok(Some(path.clone())),
            (_, None) => {}
        }
        // It was asked for, and no answer came. What was sent over a connection that is gone has come
        // before this `sync`, or never will: the leader refuses it once the session has moved.
        let paths = self.paths(me);
        let (synced, line) = tokio::join!(client.sync("/"), client.list_children(&paths.line));
        synced?;
        let (line, prefix) = (or_none(line)?, prefix_of(&self.place(me)));
        let Some(name) = line.iter().find(|name| name.starts_with(&prefix)) else {
            return Ok(None);
        };
        let path = format!("{}/{name}", paths.line);
        let Some(stat) = client.check_stat(&path).await? else { return Ok(None) };
        let _ = me.order.set(stat.czxid.cast_unsigned());
        *self.standing() = (me.attempt, Some(path.clone()));
        Ok(Some(path))
    }

    pub(super) fn place(&self, me: &Me) -> String {
        place(self.connection.id(), me.attempt)
    }

    fn standing(&self) -> MutexGuard<'_, (u64, Option<String>)> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
