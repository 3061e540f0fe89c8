//! A client that says what it likes.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::place::{LIMIT, Place};

pub struct Raw(pub TcpStream);

/// A frame of these bytes.
pub fn frame(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

pub fn hello() -> Value {
    json!({"bakery": 1})
}

/// Opens a session.
pub fn open() -> Value {
    let who = json!({"pid": 1, "host": "h", "command": "c"});
    json!({"id": 1, "ask": {"open": {"who": who, "ttl_ms": 60000}}})
}

impl Raw {
    pub async fn connect(place: &Place) -> Result<Self> {
        Ok(Self(TcpStream::connect(&place.address).await?))
    }

    /// Connects, and says so much.
    pub async fn welcome(place: &Place, hello: Value) -> Result<Self> {
        let mut raw = Self::connect(place).await?;
        let answer = raw.ask(&hello).await?;
        ensure!(answer["answer"]["welcome"].is_object(), "{answer}");
        Ok(raw)
    }

    pub async fn send(&mut self, what: &Value) -> Result<()> {
        Ok(self.0.write_all(&frame(what.to_string().as_bytes())).await?)
    }

    /// What comes next; `None` if the connection has ended.
    pub async fn hear(&mut self) -> Result<Option<Value>> {
        timeout(LIMIT, async {
            let mut length = [0; 4];
            // What has been sent and not read is known by a reset.
            if self.0.read_exact(&mut length).await.is_err() {
                return Ok(None);
            }
            let mut bytes = vec![0; usize::try_from(u32::from_be_bytes(length))?];
            self.0.read_exact(&mut bytes).await?;
            Ok(Some(serde_json::from_slice(&bytes)?))
        })
        .await
        .context("nothing comes, and the connection does not end")?
    }

    pub async fn ask(&mut self, what: &Value) -> Result<Value> {
        self.send(what).await?;
        self.hear().await?.context("the connection has ended")
    }

    /// The connection is ended by the other side, whatever comes before that.
    pub async fn ends(&mut self) -> Result<()> {
        for _ in 0..10_000 {
            if self.hear().await?.is_none() {
                return Ok(());
            }
        }
        bail!("answers come and come")
    }
}
