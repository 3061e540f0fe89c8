//! Whose turn it is, and what whoever goes in and out writes.

use zookeeper_client as zk;
use zookeeper_client::{CheckWriteError, MultiWriteError};

use super::connection::Outcome;
use super::member::Member;
use super::names::{mode_and_sequence, prefix_of};
use super::nodes::{deaths, or_none, to_record};
use crate::Who;
use crate::engine::{Entry, Me, Place, Turn, blocker};
use crate::engines::value::to_value;

/// What is in a line's directories.
pub(super) struct Lists {
    line: Vec<String>,
    records: Vec<String>,
}

impl Member {
    pub(super) async fn look(&self, me: &Me) -> Outcome<Turn> {
        let client = self.connection.client()?;
        let lists = self.lists(&client, me).await?;
        self.turn(&client, me, lists).await
    }

    /// Who is in the line, and for one that leaves no record, whose records there were then.
    pub(super) async fn lists(&self, client: &zk::Client, me: &Me) -> Outcome<Lists> {
        let paths = self.paths(me);
        let line = client.list_children(&paths.line);
        if me.is_recorded {
            return Ok(Lists { line: or_none(line.await)?, records: Vec::new() });
        }
        // Sent together, and answered in this order.
        let (line, records) = tokio::join!(line, client.list_children(&paths.inside));
        Ok(Lists { line: or_none(line)?, records: or_none(records)? })
    }

    /// Whose turn it is, of these in line. However old the list, whoever is gone does not come back; and
    /// it is not older than the session's own node.
    pub(super) async fn turn(
        &self,
        client: &zk::Client,
        me: &Me,
        Lists { line, records }: Lists,
    ) -> Outcome<Turn> {
        let (paths, prefix) = (self.paths(me), prefix_of(&self.place(me)));
        let entry = |name: String| {
            let (mode, order) = mode_and_sequence(&name)?;
            let place = Place { key: format!("{}/{name}", paths.line), order };
            Some(Entry { place, mode, who: Who::parse(""), note: String::new(), since: None })
        };
        let line: Vec<_> = line.into_iter().filter_map(entry).collect();
        let start = format!("{}/{prefix}", paths.line);
        let Some(mine) = line.iter().find(|entry| entry.place.key.starts_with(&start)) else {
            return Ok(Turn::Out);
        };
        match blocker(&line, mine.place.order, me.mode) {
            Some(before) => Ok(Turn::Blocked(before.place.clone())),
            None if me.is_recorded => self.go_in(client, me, &mine.place.key).await,
            // Its node was in the list, and the lease says whether its session still lives.
            None => {
                let token = me.order.get().copied().unwrap_or_default();
                Ok(Turn::Mine { token, deaths: deaths(client, &paths, &records).await? })
            }
        }
    }

    /// Leaves a record, and looks for those of others.
    async fn go_in(&self, client: &zk::Client, me: &Me, path: &str) -> Outcome<Turn> {
        let (paths, mine) = (self.paths(me), self.place(me));
        let token = me.order.get().copied().unwrap_or_default();
        let record = to_record(me, &me.note);
        loop {
            let mut writer = client.new_check_writer(path, None)?;
            let node = self.node(zk::CreateMode::Persistent);
            writer.add_create(&paths.record(&mine), record.as_bytes(), &node)?;
            // Sent together, and answered in this order.
            let (written, records) =
                tokio::join!(writer.commit(), client.list_children(&paths.inside));
            match written {
                Err(CheckWriteError::CheckFailed { source: zk::Error::NoNode }) => {
                    return Ok(Turn::Out);
                }
                Err(CheckWriteError::OperationFailed { source: zk::Error::NoNode, .. }) => {
                    client.mkdir(&paths.inside, &self.node(zk::CreateMode::Container)).await?;
                    continue;
                }
                // It has been here before.
                Err(CheckWriteError::OperationFailed { source: zk::Error::NodeExists, .. }) => {}
                written => drop(written?),
            }
            let mut others = or_none(records)?;
            others.retain(|record| *record != mine);
            return Ok(Turn::Mine { token, deaths: deaths(client, &paths, &others).await? });
        }
    }

    /// Another note, of one that is inside.
    pub(super) async fn change(&self, me: &Me, note: &str) -> Outcome<()> {
        let (client, paths) = (self.connection.client()?, self.paths(me));
        let Some(path) = self.find(&client, me).await? else { return Ok(()) };
        let mut writer = client.new_multi_writer();
        writer.add_set_data(&path, to_value(me, note).as_bytes(), None)?;
        if me.is_recorded {
            let record = paths.record(&self.place(me));
            writer.add_set_data(&record, to_record(me, note).as_bytes(), None)?;
        }
        match writer.commit().await {
            Err(MultiWriteError::OperationFailed { index: 0, source: zk::Error::NoNode }) => Ok(()),
            changed => changed.map(drop).map_err(zk::Error::from),
        }
    }

    pub(super) async fn go_out(&self, me: &Me, clear: bool) -> Outcome<()> {
        let (client, paths) = (self.connection.client()?, self.paths(me));
        let Some(path) = self.find(&client, me).await? else { return Ok(()) };
        let records = match (clear, me.is_recorded) {
            (true, _) => or_none(client.list_children(&paths.inside).await)?,
            (false, true) => vec![self.place(me)],
            (false, false) => Vec::new(),
        };
        let mut writer = client.new_multi_writer();
        writer.add_delete(&path, None)?;
        for record in &records {
            writer.add_delete(&paths.record(record), None)?;
        }
        let left = match writer.commit().await {
            // It has not been inside: there is no record.
            Err(MultiWriteError::OperationFailed { index: 1.., source: zk::Error::NoNode })
                if !clear =>
            {
                client.delete(&path, None).await
            }
            Err(MultiWriteError::OperationFailed { index: 1.., .. }) => {
                return Err(zk::Error::RuntimeInconsistent);
            }
            left => left.map(drop).map_err(zk::Error::from),
        };
        match left {
            Ok(()) | Err(zk::Error::NoNode) => Ok(()),
            left => left,
        }
    }

    /// Whether the attempt's node is there. No follower can say so by itself, nor a leader that has been
    /// deposed: this is a write, of nothing.
    pub(super) async fn is_in_line(&self, me: &Me) -> Outcome<bool> {
        let client = self.connection.client()?;
        let Some(path) = self.find(&client, me).await? else { return Ok(false) };
        match client.new_check_writer(&path, None)?.commit().await {
            Err(CheckWriteError::CheckFailed { source: zk::Error::NoNode }) => Ok(false),
            checked => checked.map(|_| true).map_err(Into::into),
        }
    }
}
