//! A table, and what is asked of it.

use std::time::{Duration, SystemTime};

use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::NAME;
use super::signature::{Signer, unsigned};
use crate::access::Access;
use crate::address::Address;
use crate::engines::http::{Headers, Question, Servers};
use crate::{Error, Result};

/// For how long one waits for a table that has just been made.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub(super) struct Table {
    servers: Servers,
    name: String,
    signer: Option<Signer>,
}

impl Table {
    pub(super) fn new(address: &Address, access: &Access) -> Result<Self> {
        let name = address.path.as_str();
        let is_good = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        if !(3..=255).contains(&name.len()) || !name.chars().all(is_good) {
            let why = "a table's name has 3 to 255 letters, digits, `_`, `-` and `.`";
            return Err(address.bad(why));
        }
        let servers = Servers::new(NAME, address, access)?;
        Ok(Self { servers, name: name.to_owned(), signer: Signer::of(address, access)? })
    }

    /// What the table's item of this key is changed to or has been found to be; `None` if the condition was
    /// not met.
    pub(super) async fn ask(
        &self,
        what: &'static str,
        target: &str,
        mut body: Value,
    ) -> Result<Option<Value>> {
        body["TableName"] = json!(self.name);
        let target = format!("DynamoDB_20120810.{target}");
        let headers: Headers<'_> = &|host, body| match &self.signer {
            Some(signer) => signer.headers(SystemTime::now(), host, &target, body),
            None => unsigned(&target),
        };
        let (method, path) = (&Method::POST, "/");
        let question = Question { what, method, path, headers, is_urgent: true };
        let answer = self.servers.ask(question, &body).await?;
        let json = answer.json();
        if answer.status == StatusCode::OK {
            return Ok(Some(json));
        }
        let kind = json["__type"].as_str().unwrap_or_default();
        let kind = kind.rsplit_once('#').map_or(kind, |(_, kind)| kind);
        if kind == "ConditionalCheckFailedException" {
            return Ok(None);
        }
        let words = json["message"].as_str().or(json["Message"].as_str()).unwrap_or(&answer.text);
        let why = format!("{}: {kind}: {words}", answer.status);
        let passing = ["Throttling", "Throughput", "LimitExceeded", "InternalServer"];
        let is_passing = passing.iter().any(|passing| kind.contains(passing));
        if is_passing || answer.status.is_server_error() {
            return Err(Error::Unreachable { engine: NAME, what, why });
        }
        Err(Error::Refused { engine: NAME, what, why })
    }

    /// The item of this key; null if there is none.
    pub(super) async fn get(&self, what: &'static str, key: &str) -> Result<Value> {
        let body = json!({"Key": {"k": {"S": key}}, "ConsistentRead": true});
        match self.ask(what, "GetItem", body).await {
            // Nobody has made the table yet.
            Err(Error::Refused { why, .. }) if why.contains("ResourceNotFound") => Ok(Value::Null),
            answer => Ok(answer?.unwrap_or_default()["Item"].take()),
        }
    }

    /// Puts the first item, and makes the table if it is not there.
    pub(super) async fn begin(&self, what: &'static str, item: Value) -> Result<()> {
        let began = Instant::now();
        loop {
            match self.ask(what, "PutItem", item.clone()).await {
                Err(Error::Refused { why, .. })
                    if why.contains("ResourceNotFound") && began.elapsed() < PATIENCE =>
                {
                    self.make().await?;
                    sleep(Duration::from_millis(50)).await;
                }
                put => return put.map(|_| ()),
            }
        }
    }

    /// Makes the table, unless somebody else does.
    async fn make(&self) -> Result<()> {
        let body = json!({
            "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
        });
        match self.ask("make a table", "CreateTable", body).await {
            Err(Error::Refused { why, .. }) if why.contains("ResourceInUseException") => Ok(()),
            made => made.map(|_| ()),
        }
    }
}
