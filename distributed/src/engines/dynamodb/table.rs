//! A table, and what is asked of it.

use std::time::Duration;

use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::NAME;
use crate::engines::http::{Question, Servers};
use crate::{Error, Result};

/// For how long one waits for a table that has just been made.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub(super) struct Table {
    servers: Servers,
    name: String,
}

impl Table {
    pub(super) fn new(servers: &[String], name: &str) -> Result<Self> {
        Ok(Self { servers: Servers::new(NAME, servers)?, name: name.to_owned() })
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
        let headers = [
            ("content-type", "application/x-amz-json-1.0"),
            ("x-amz-target", target.as_str()),
            // The form of a signature, which dynalite wants to see; it is none.
            ("x-amz-date", "20000101T000000Z"),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=none/20000101/none/dynamodb/aws4_request, \
                 SignedHeaders=host, Signature=none",
            ),
        ];
        let (method, path) = (&Method::POST, "/");
        let question = Question { what, method, path, headers: &headers, is_urgent: true };
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
