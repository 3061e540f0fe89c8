//! ZooKeeper: the lock of the client that this library is built on too, and an ephemeral node that is created
//! if it is not there.

use std::time::Duration;

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use zookeeper_client as zk;

use crate::contest::{Client, Contestant, Joining, Kind, Lock};
use crate::floor::Visit;
use crate::machine;
use crate::naive::{self, Key};
use crate::requests::{ask, servers};

const NODE: zk::CreateOptions<'static> =
    zk::CreateMode::Ephemeral.with_acls(zk::Acls::anyone_all());
const DIRECTORY: zk::CreateOptions<'static> =
    zk::CreateMode::Container.with_acls(zk::Acls::anyone_all());

/// The client's own lock, by the servers' address.
struct Own(String);

struct Member {
    client: zk::Client,
    path: String,
}

pub fn contestants(url: &str) -> Vec<Contestant> {
    let mut all = vec![Contestant {
        kind: Kind::ReadyMade,
        name: format!("{}'s own lock", machine::version("zookeeper-client")),
        lock: Box::new(Own(url.to_owned())),
        wake_ups: None,
    }];
    let url = url.to_owned();
    all.extend(naive::contestants("create the node if it is not there", move |name| {
        let url = url.clone();
        Box::pin(async move {
            let member = Member::join(&url, format!("/naive-{name}")).await?;
            Ok(Box::new(member) as Box<dyn Key>)
        })
    }));
    all
}

pub async fn version(url: &str) -> Result<String> {
    let servers = servers(url);
    let answer = ask(&servers[0], "srvr").await?;
    let version = answer.lines().find_map(|line| line.strip_prefix("Zookeeper version: "));
    let version = version.context("no version")?;
    let version = version.split(['-', ',']).next().unwrap_or_default();
    Ok(format!("ZooKeeper {version}, {} servers", servers.len()))
}

impl Lock for Own {
    fn join(&self, name: String) -> Joining {
        let url = self.0.clone();
        Box::pin(async move {
            let member = Member::join(&url, format!("/own-{name}")).await?;
            Ok(Box::new(member) as Box<dyn Client>)
        })
    }
}

impl Member {
    async fn join(url: &str, path: String) -> Result<Self> {
        let servers = servers(url).join(",");
        let connector = zk::Client::connector().with_session_timeout(Duration::from_secs(15));
        Ok(Self { client: connector.connect(&servers).await?, path })
    }
}

#[async_trait]
impl Client for Member {
    async fn pass(&mut self, visit: Visit<'_>) -> Result<()> {
        let prefix = zk::LockPrefix::new_curator(&self.path, "lock-")?;
        let options = zk::LockOptions::new(zk::Acls::anyone_all());
        let options = options.with_ancestor_options(DIRECTORY)?;
        let lock = self.client.lock(prefix, b"", options).await?;
        visit.inside().await?;
        // Its node goes in the background.
        drop(lock);
        Ok(())
    }

    async fn leave(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl Key for Member {
    async fn take(&mut self) -> Result<bool> {
        match self.client.create(&self.path, b"", &NODE).await {
            Err(zk::Error::NodeExists) => Ok(false),
            created => Ok(created.map(|_| true)?),
        }
    }

    async fn give_back(&mut self) -> Result<()> {
        Ok(self.client.delete(&self.path, None).await?)
    }
}
