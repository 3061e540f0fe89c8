//! Consul: the usual lock, as its own client has it: all wait for one key; and the same without waiting.

use std::sync::atomic::Ordering::Relaxed;

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use serde_json::{Value, json};

use super::first;
use super::json::Server;
use crate::contest::{Client, Contestant, Joining, Kind, Lock};
use crate::floor::Visit;
use crate::naive::{self, Key};
use crate::requests::{Counting, servers};

struct OneKey {
    url: String,
    wake_ups: Counting,
}

struct Member {
    server: Server,
    session: String,
    key: String,
    wake_ups: Counting,
}

pub fn contestants(url: &str) -> Vec<Contestant> {
    let wake_ups = Counting::default();
    let one_key = OneKey { url: url.to_owned(), wake_ups: wake_ups.clone() };
    let url = url.to_owned();
    let mut all = vec![Contestant {
        kind: Kind::ReadyMade,
        name: "the usual lock: all wait for one key".to_owned(),
        lock: Box::new(one_key),
        wake_ups: Some(wake_ups),
    }];
    all.extend(naive::contestants("acquire the key", move |name| {
        let url = url.clone();
        Box::pin(async move {
            let key = format!("naive/{name}");
            let member = Member::join(&url, key, Counting::default()).await?;
            Ok(Box::new(member) as Box<dyn Key>)
        })
    }));
    all
}

pub async fn version(url: &str) -> Result<String> {
    let answer = Server::new(&first(url)).ask("GET", "/v1/agent/self", &[], &Value::Null).await?;
    let version = answer.json["Config"]["Version"].as_str().context("no version")?;
    Ok(format!("Consul {version}, {} servers", servers(url).len()))
}

impl Lock for OneKey {
    fn join(&self, name: String) -> Joining {
        let (url, wake_ups) = (self.url.clone(), self.wake_ups.clone());
        Box::pin(async move {
            let member = Member::join(&url, format!("usual/{name}/.lock"), wake_ups).await?;
            Ok(Box::new(member) as Box<dyn Client>)
        })
    }
}

impl Member {
    async fn join(url: &str, key: String, wake_ups: Counting) -> Result<Self> {
        let server = Server::new(&first(url));
        let session = json!({"TTL": "120s", "LockDelay": "0s"});
        let answer = server.ask("PUT", "/v1/session/create", &[], &session).await?;
        let session = answer.json["ID"].as_str().context("no session")?.to_owned();
        Ok(Self { server, session, key, wake_ups })
    }

    async fn put(&self, verb: &str) -> Result<bool> {
        let path = format!("/v1/kv/{}?{verb}={}", self.key, self.session);
        let answer = self.server.ask("PUT", &path, &[], &Value::Null).await?;
        answer.json.as_bool().with_context(|| format!("{}: {}", path, answer.status))
    }
}

#[async_trait]
impl Client for Member {
    /// As `Lock` and `Unlock` of `api/lock.go` do.
    async fn pass(&mut self, visit: Visit<'_>) -> Result<()> {
        let mut index = 0;
        loop {
            let path = format!("/v1/kv/{}?wait=15000ms&index={index}", self.key);
            let found = self.server.ask("GET", &path, &[], &Value::Null).await?;
            if index > 0 {
                self.wake_ups.fetch_add(1, Relaxed);
            }
            if found.json[0]["Session"].is_string() {
                index = found.index;
                continue;
            }
            if self.put("acquire").await? {
                break;
            }
            index = 0;
        }
        visit.inside().await?;
        self.put("release").await.map(|_| ())
    }

    async fn leave(self: Box<Self>) -> Result<()> {
        let path = format!("/v1/session/destroy/{}", self.session);
        self.server.ask("PUT", &path, &[], &Value::Null).await.map(|_| ())
    }
}

#[async_trait]
impl Key for Member {
    async fn take(&mut self) -> Result<bool> {
        self.put("acquire").await
    }

    async fn give_back(&mut self) -> Result<()> {
        self.put("release").await.map(|_| ())
    }
}
