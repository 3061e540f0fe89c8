//! DynamoDB, as dynalite has it: an item is put if it is not there.

use anyhow::{Context as _, Result, bail};
use async_trait::async_trait;
use serde_json::{Value, json};

use super::first;
use super::json::Server;
use crate::contest::Contestant;
use crate::naive::{self, Key};

struct Item {
    server: Server,
    key: Value,
}

const TABLE: &str = "naive";

pub fn contestants(url: &str) -> Vec<Contestant> {
    let url = url.to_owned();
    naive::contestants("put the item if it is not there", move |name| {
        let url = url.clone();
        Box::pin(async move {
            let item = Item { server: Server::new(&first(&url)), key: json!({"k": {"S": name}}) };
            item.make_table().await?;
            Ok(Box::new(item) as Box<dyn Key>)
        })
    })
}

pub fn version() -> Result<String> {
    let package = bakery_servers::programs("dynamodb")?.join("package.json");
    let package: Value = serde_json::from_str(&std::fs::read_to_string(package)?)?;
    let version = package["version"].as_str().context("no version")?;
    Ok(format!("dynalite {version} instead of DynamoDB, 1 server, looks every 20 ms"))
}

impl Item {
    /// Whether it was done: what was asked for has a condition.
    async fn ask(&self, target: &str, mut body: Value) -> Result<bool> {
        body["TableName"] = json!(TABLE);
        let target = format!("DynamoDB_20120810.{target}");
        let headers = [
            ("content-type", "application/x-amz-json-1.0"),
            ("x-amz-target", target.as_str()),
            ("x-amz-date", "20000101T000000Z"),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=none/20000101/none/dynamodb/aws4_request, \
                 SignedHeaders=host, Signature=none",
            ),
        ];
        let answer = self.server.ask("POST", "/", &headers, &body).await?;
        let kind = answer.json["__type"].as_str().unwrap_or_default();
        if answer.status.is_success() {
            Ok(true)
        } else if kind.contains("ConditionalCheckFailed") || kind.contains("ResourceInUse") {
            Ok(false)
        } else {
            bail!("{target}: {}", answer.json)
        }
    }

    async fn make_table(&self) -> Result<()> {
        let table = json!({
            "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
        });
        self.ask("CreateTable", table).await?;
        while self.ask("GetItem", json!({"Key": self.key})).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

#[async_trait]
impl Key for Item {
    async fn take(&mut self) -> Result<bool> {
        let put = json!({"Item": self.key, "ConditionExpression": "attribute_not_exists(k)"});
        self.ask("PutItem", put).await
    }

    async fn give_back(&mut self) -> Result<()> {
        self.ask("DeleteItem", json!({"Key": self.key})).await.map(|_| ())
    }
}
