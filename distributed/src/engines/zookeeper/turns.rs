//! Whose turn it is, and what whoever goes in and out writes.

use zookeeper_client as zk;
use zookeeper_client::{CheckWriteError, MultiWriteError};

use super::connection::Outcome;
use super::member::Member;
use super::names::{mode_and_sequence, prefix_of, recorded};
use super::nodes::{deaths, to_record};
use crate::Who;
use crate::engine::{Entry, Me, Place, Turn, blocker};
use crate::engines::value::to_value;

impl Member {
    pub(super) async fn look(&self, me: &Me) -> Outcome<Turn> {
        let client = self.connection.client()?;
        let nodes = self.nodes(&client, me).await?;
        self.turn(&client, me, &nodes).await
    }

    /// Whose turn it is, of these nodes of the line. However old the list, whoever is gone does not come back;
    /// and it is not older than the session's own node.
    pub(super) async fn turn(
        &self,
        client: &zk::Client,
        me: &Me,
        nodes: &[String],
    ) -> Outcome<Turn> {
        let (paths, place) = (self.paths(me), self.place(me));
        let entry = |name: &String| {
            let (mode, order) = mode_and_sequence(name)?;
            let place = Place { key: format!("{}/{name}", paths.line), order };
            Some(Entry { place, mode, who: Who::parse(""), note: String::new(), since: None })
        };
        let line: Vec<_> = nodes.iter().filter_map(entry).collect();
        let start = format!("{}/{}", paths.line, prefix_of(&place));
        let Some(mine) = line.iter().find(|entry| entry.place.key.starts_with(&start)) else {
            return Ok(Turn::Out);
        };
        if let Some(before) = blocker(&line, mine.place.order, me.mode) {
            return Ok(Turn::Blocked(before.place.clone()));
        }
        if me.is_recorded && !self.leave_a_record(client, me, &mine.place.key).await? {
            return Ok(Turn::Out);
        }
        // Whoever is not recorded has its node in the list, and the lease says whether its session lives. Nobody
        // else has been inside since: whose record was there then has died.
        let mut others = recorded(nodes);
        others.retain(|other| *other != place);
        let deaths = deaths(client, &paths, &others).await?;
        Ok(Turn::Mine { token: me.order.get().copied().unwrap_or_default(), deaths })
    }

    /// Whether the node is still there, and its record with it.
    async fn leave_a_record(&self, client: &zk::Client, me: &Me, path: &str) -> Outcome<bool> {
        let (record, node) =
            (self.paths(me).record(&self.place(me)), self.node(zk::CreateMode::Persistent));
        let mut writer = client.new_check_writer(path, None)?;
        writer.add_create(&record, to_record(me, &me.note).as_bytes(), &node)?;
        match writer.commit().await {
            Err(CheckWriteError::CheckFailed { source: zk::Error::NoNode }) => Ok(false),
            // It has been here before.
            Err(CheckWriteError::OperationFailed { source: zk::Error::NodeExists, .. }) => Ok(true),
            written => Ok(written.map(|_| true)?),
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
        let records: Vec<_> = match (clear, me.is_recorded) {
            (true, _) => {
                let nodes = self.nodes(&client, me).await?;
                recorded(&nodes).iter().map(|place| paths.record(place)).collect()
            }
            (false, true) => vec![paths.record(&self.place(me))],
            (false, false) => Vec::new(),
        };
        let mut writer = client.new_multi_writer();
        writer.add_delete(&path, None)?;
        for record in &records {
            writer.add_delete(record, None)?;
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
