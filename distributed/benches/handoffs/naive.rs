//! A lock as many write it: try, and if somebody has it, try again after a while.

use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use tokio::time::sleep;

use crate::contest::{Client, Contestant, Joining, Kind, Lock};
use crate::floor::Visit;

/// Something that one at a time can have.
#[async_trait]
pub trait Key: Send {
    /// Takes it, if nobody has it.
    async fn take(&mut self) -> Result<bool>;

    /// Gives it back.
    async fn give_back(&mut self) -> Result<()>;
}

/// A key that will be there.
pub type KeyJoining = std::pin::Pin<Box<dyn Future<Output = Result<Box<dyn Key>>> + Send>>;

/// Who asks again and again.
pub struct Asking<J> {
    join: J,
    pause: Duration,
}

struct Asks {
    key: Box<dyn Key>,
    pause: Duration,
}

/// The ones that ask so, after 100 ms and after a second.
pub fn contestants<J>(what: &str, join: J) -> Vec<Contestant>
where
    J: Fn(String) -> KeyJoining + Clone + Send + Sync + 'static,
{
    let of = |kind, pause, words| Contestant {
        kind,
        name: format!("{what}, again after {words}"),
        lock: Box::new(Asking { join: join.clone(), pause }),
        wake_ups: None,
    };
    vec![
        of(Kind::Naive, Duration::from_millis(100), "100 ms"),
        of(Kind::Patient, Duration::from_secs(1), "1 s"),
    ]
}

impl<J: Fn(String) -> KeyJoining + Send + Sync> Lock for Asking<J> {
    fn join(&self, name: String) -> Joining {
        let (joining, pause) = ((self.join)(name), self.pause);
        Box::pin(async move {
            let client: Box<dyn Client> = Box::new(Asks { key: joining.await?, pause });
            Ok(client)
        })
    }
}

#[async_trait]
impl Client for Asks {
    async fn pass(&mut self, visit: Visit<'_>) -> Result<()> {
        while !self.key.take().await? {
            if visit.is_over() {
                return Ok(());
            }
            sleep(self.pause).await;
        }
        visit.inside().await?;
        self.key.give_back().await
    }

    async fn leave(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}
