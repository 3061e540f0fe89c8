//! This library's mutex, with its wake-ups counted.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use bakery_distributed::engine::{Engine, Line, Me, Patience, Place, Renewal, Session, Turn};
use bakery_distributed::{Options, Participant, Who, connect};

use crate::contest::{Client, Contestant, Joining, Kind, Lock};
use crate::floor::Visit;
use crate::requests::Counting;

struct Ours {
    url: String,
    is_recorded: bool,
    wake_ups: Counting,
}

struct Ourselves(Participant);

/// One as it is, and one that nobody is told of if it dies inside, as with most ready-made locks.
pub fn contestants(url: &str) -> Vec<Contestant> {
    vec![contestant(url, true), contestant(url, false)]
}

fn contestant(url: &str, is_recorded: bool) -> Contestant {
    let wake_ups = Counting::default();
    let ours = Ours { url: url.to_owned(), is_recorded, wake_ups: wake_ups.clone() };
    let (kind, name) = if is_recorded {
        (Kind::Ours, "**ours**")
    } else {
        (Kind::Unrecorded, "**ours**, deaths inside not recorded")
    };
    Contestant { kind, name: name.to_owned(), lock: Box::new(ours), wake_ups: Some(wake_ups) }
}

impl Lock for Ours {
    fn join(&self, name: String) -> Joining {
        let (url, wake_ups) = (self.url.clone(), self.wake_ups.clone());
        let options = Options::default().recorded(self.is_recorded);
        Box::pin(async move {
            let engine = Counted { inner: connect(&url)?.engine(), wake_ups };
            let mutex = bakery_distributed::Client::new(engine).mutex(&name)?.with(options);
            let client: Box<dyn Client> = Box::new(Ourselves(mutex.join().await?));
            Ok(client)
        })
    }
}

#[async_trait]
impl Client for Ourselves {
    async fn pass(&mut self, visit: Visit<'_>) -> Result<()> {
        let guard = self.0.lock().await?;
        visit.inside().await?;
        Ok(guard.unlock().await?)
    }

    async fn leave(self: Box<Self>) -> Result<()> {
        Ok(self.0.leave().await?)
    }
}

/// An engine whose waits are counted when they come back.
#[derive(Debug)]
struct Counted<E> {
    inner: E,
    wake_ups: Counting,
}

type Answer<T> = bakery_distributed::Result<T>;

#[async_trait]
impl Engine for Counted<Arc<dyn Engine>> {
    async fn open(&self, who: &Who, ttl: Duration) -> Answer<Arc<dyn Session>> {
        let inner = self.inner.open(who, ttl).await?;
        Ok(Arc::new(Counted { inner, wake_ups: self.wake_ups.clone() }))
    }

    async fn look(&self, line: &str) -> Answer<Line> {
        self.inner.look(line).await
    }
}

#[async_trait]
impl Session for Counted<Arc<dyn Session>> {
    fn ttl(&self) -> Duration {
        self.inner.ttl()
    }

    async fn renew(&self) -> Answer<Renewal> {
        self.inner.renew().await
    }

    async fn ended(&self) {
        self.inner.ended().await;
    }

    async fn enter(&self, me: &Me, patience: Patience) -> Answer<Turn> {
        self.inner.enter(me, patience).await
    }

    async fn placed(&self, me: &Me) -> Answer<()> {
        self.inner.placed(me).await
    }

    async fn poll(&self, me: &Me) -> Answer<Turn> {
        self.inner.poll(me).await
    }

    async fn wait(&self, me: &Me, before: &Place) -> Answer<()> {
        let waited = self.inner.wait(me, before).await;
        self.wake_ups.fetch_add(1, Relaxed);
        waited
    }

    async fn say(&self, me: &Me, note: &str) -> Answer<()> {
        self.inner.say(me, note).await
    }

    async fn leave(&self, me: &Me, clear: bool) -> Answer<()> {
        self.inner.leave(me, clear).await
    }

    async fn holds(&self, me: &Me) -> Answer<bool> {
        self.inner.holds(me).await
    }

    async fn close(&self) -> Answer<()> {
        self.inner.close().await
    }
}
