//! PostgreSQL: its advisory locks alone, and tried again and again.

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use tokio_postgres::{NoTls, SimpleQueryMessage};

use crate::contest::{Client, Contestant, Joining, Kind, Lock};
use crate::floor::Visit;
use crate::naive::{self, Key};

/// Advisory locks, by the address of a server.
struct Bare(String);

struct Member {
    client: tokio_postgres::Client,
    key: String,
}

pub fn contestants(url: &str) -> Vec<Contestant> {
    let mut all = vec![Contestant {
        kind: Kind::ReadyMade,
        name: "`pg_advisory_lock` alone".to_owned(),
        lock: Box::new(Bare(url.to_owned())),
        wake_ups: None,
    }];
    let url = url.to_owned();
    all.extend(naive::contestants("`pg_try_advisory_lock`", move |name| {
        let url = url.clone();
        Box::pin(async move {
            let member = Member::join(&url, &format!("naive {name}")).await?;
            Ok(Box::new(member) as Box<dyn Key>)
        })
    }));
    all
}

pub async fn version(url: &str) -> Result<String> {
    let version = Member::join(url, "").await?.ask("SHOW server_version").await?;
    Ok(format!("PostgreSQL {version}, 1 server"))
}

impl Lock for Bare {
    fn join(&self, name: String) -> Joining {
        let url = self.0.clone();
        Box::pin(async move {
            let member = Member::join(&url, &format!("bare {name}")).await?;
            Ok(Box::new(member) as Box<dyn Client>)
        })
    }
}

impl Member {
    async fn join(url: &str, name: &str) -> Result<Self> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        Ok(Self { client, key: format!("hashtextextended('{name}', 0)") })
    }

    /// The first field of the answer.
    async fn ask(&self, sql: &str) -> Result<String> {
        let answer = self.client.simple_query(sql).await?;
        let field = answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
            _ => None,
        });
        field.context("no row")
    }

    async fn unlock(&self) -> Result<()> {
        self.ask(&format!("SELECT pg_advisory_unlock({})", self.key)).await.map(|_| ())
    }
}

#[async_trait]
impl Client for Member {
    async fn pass(&mut self, visit: Visit<'_>) -> Result<()> {
        self.ask(&format!("SELECT pg_advisory_lock({})", self.key)).await?;
        visit.inside().await?;
        self.unlock().await
    }

    async fn leave(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl Key for Member {
    async fn take(&mut self) -> Result<bool> {
        let taken = self.ask(&format!("SELECT pg_try_advisory_lock({})", self.key)).await?;
        Ok(taken == "t")
    }

    async fn give_back(&mut self) -> Result<()> {
        self.unlock().await
    }
}
