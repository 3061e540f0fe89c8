//! Those who look on.

use std::sync::PoisonError;
use std::time::Duration;

use zookeeper_client as zk;

use super::ZooKeeper;
use super::connection::Outcome;
use super::names::{Paths, mode_and_sequence, prefix_of};
use super::nodes::{deaths, or_none, read_all};
use crate::Result;
use crate::engine::{Entry, Line, Place};
use crate::engines::value::{Value, from_value};

impl ZooKeeper {
    /// A client, which is given back once it has answered: one that has not is not asked again.
    pub(super) async fn looking(&self) -> Result<zk::Client> {
        let client = self.looking.lock().unwrap_or_else(PoisonError::into_inner).take();
        match client {
            Some(client) if !client.state().is_terminated() => Ok(client),
            _ => self.ensemble.connect(Duration::from_secs(5)).await,
        }
    }

    fn give_back(&self, client: zk::Client) {
        *self.looking.lock().unwrap_or_else(PoisonError::into_inner) = Some(client);
    }

    pub(super) async fn read(&self, client: zk::Client, paths: &Paths) -> Outcome<Line> {
        // Sent at once, and answered in this order. A death is a record that has been there before its
        // place was gone, and still is after that.
        let (synced, before, line, after) = tokio::join!(
            client.sync("/"),
            client.list_children(&paths.inside),
            client.list_children(&paths.line),
            client.list_children(&paths.inside),
        );
        synced?;
        let (before, line, after) = (or_none(before)?, or_none(line)?, or_none(after)?);
        let is_death = |record: &String| {
            let prefix = prefix_of(record);
            before.contains(record) && !line.iter().any(|name| name.starts_with(&prefix))
        };
        let dead: Vec<_> = after.into_iter().filter(is_death).collect();
        let mut entries = Vec::new();
        for (name, data, stat) in read_all(&client, &paths.line, &line).await? {
            let Some((mode, _)) = mode_and_sequence(&name) else { continue };
            let Value { since, who, note, .. } = from_value(&String::from_utf8_lossy(&data));
            let place = Place { key: name, order: stat.czxid.cast_unsigned() };
            entries.push(Entry { place, mode, who, note, since });
        }
        let deaths = deaths(&client, paths, &dead).await?;
        self.give_back(client);
        Ok(Line::of(entries, deaths))
    }

    /// Comes back when somebody comes or goes, or the first one says something; or has done so since.
    pub(super) async fn watch(
        &self,
        client: zk::Client,
        paths: &Paths,
        known: &Line,
    ) -> Outcome<()> {
        let (line, somebody) = match client.list_and_watch_children(&paths.line).await {
            Err(zk::Error::NoNode) => {
                (Vec::new(), client.check_and_watch_stat(&paths.line).await?.1)
            }
            line => line?,
        };
        let first = line.iter().filter_map(|name| Some((mode_and_sequence(name)?.1, name))).min();
        let Some((_, first)) = first else {
            if self.read(client, paths).await? == *known {
                somebody.changed().await;
            }
            return Ok(());
        };
        match client.get_and_watch_data(&format!("{}/{first}", paths.line)).await {
            Err(zk::Error::NoNode) => self.give_back(client),
            watched => {
                let (_, _, first) = watched?;
                if self.read(client, paths).await? == *known {
                    tokio::select! {
                        _ = somebody.changed() => {}
                        _ = first.changed() => {}
                    }
                }
            }
        }
        Ok(())
    }
}
