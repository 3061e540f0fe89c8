//! Watches: waiting until something happens to a key.

use std::time::Duration;

use prost::Message;
use tokio::time::{Instant, sleep_until};

use super::servers::next;
use super::{Etcd, NAME};
use crate::{Error, Result};

#[derive(Clone, PartialEq, Message)]
struct Watch {
    #[prost(message, optional, tag = "1")]
    pub create: Option<Create>,
}

#[derive(Clone, PartialEq, Message)]
struct Create {
    #[prost(bytes = "vec", tag = "1")]
    pub key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub range_end: Vec<u8>,
    #[prost(int32, repeated, tag = "5")]
    pub filters: Vec<i32>,
}

#[derive(Clone, PartialEq, Message)]
struct News {
    #[prost(bool, tag = "4")]
    pub canceled: bool,
    #[prost(string, tag = "6")]
    pub cancel_reason: String,
}

/// A filter: what is written to the key is not told.
pub(super) const NO_PUTS: i32 = 0;

const WHAT: &str = "watch a key";

impl Etcd {
    /// Comes back when something happens to a key, or has happened.
    pub(super) async fn watch<F>(
        &self,
        (key, range_end): (Vec<u8>, Vec<u8>),
        filters: Vec<i32>,
        has_happened: impl Fn() -> F + Send,
    ) -> Result<()>
    where
        F: Future<Output = Result<bool>> + Send,
    {
        let request = Watch { create: Some(Create { key, range_end, filters }) };
        let mut watch = self.servers.open(WHAT, "/etcdserverpb.Watch/Watch", request).await?;
        goes_on(&next(WHAT, &mut watch).await?)?;
        // What happened before the watch began it does not tell; and what happens in its first moments it
        // may tell only after 100 ms: a write between the server's look at its revision and the watch's
        // beginning parks the watch until then.
        let began = Instant::now();
        for look in [0, 8, 40] {
            tokio::select! {
                event = next(WHAT, &mut watch) => return goes_on(&event?),
                () = sleep_until(began + Duration::from_millis(look)) => {}
            }
            if has_happened().await? {
                return Ok(());
            }
        }
        goes_on(&next(WHAT, &mut watch).await?)
    }
}

fn goes_on(news: &News) -> Result<()> {
    if news.canceled {
        let why = format!("the server has given up the watch {}", news.cancel_reason);
        return Err(Error::Unreachable { engine: NAME, what: WHAT, why });
    }
    Ok(())
}
