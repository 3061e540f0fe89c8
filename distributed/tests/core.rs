//! What the library makes of an engine's answers. The engine is made for the purpose: it has no servers.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use anyhow::{Result, ensure};
use bakery_distributed::engine::{
    Engine, Line, Me, Patience, Place, Renewal, Session, Turn, async_trait,
};
use bakery_distributed::{Client, Error, Options, Result as Answer, Who};
use tokio::time::sleep;

/// One competitor's engine: somebody else is inside until it is told otherwise.
#[derive(Clone, Debug, Default)]
struct Told(Arc<State>);

#[derive(Debug, Default)]
struct State {
    is_in: AtomicBool,
    /// How many renewals were asked for while it waited.
    busy: AtomicUsize,
    /// How many when it was in.
    proofs: AtomicUsize,
    /// How many looks will not be answered.
    silences: AtomicUsize,
}

const TTL: Duration = Duration::from_secs(4);

#[async_trait]
impl Engine for Told {
    async fn open(&self, _: &Who, _: Duration) -> Answer<Arc<dyn Session>> {
        Ok(Arc::new(self.clone()))
    }

    async fn look(&self, _: &str) -> Answer<Line> {
        Ok(Line::default())
    }
}

#[async_trait]
impl Session for Told {
    fn ttl(&self) -> Duration {
        TTL
    }

    async fn renew(&self) -> Answer<Renewal> {
        if self.0.is_in.load(SeqCst) {
            self.0.proofs.fetch_add(1, SeqCst);
            return Ok(Renewal::Alive);
        }
        self.0.busy.fetch_add(1, SeqCst);
        Ok(Renewal::Busy)
    }

    async fn enter(&self, _: &Me, _: Patience) -> Answer<Turn> {
        Ok(Turn::Blocked(Place { key: String::new(), order: 0 }))
    }

    async fn poll(&self, _: &Me) -> Answer<Turn> {
        let silence = self.0.silences.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
        if silence.is_ok() {
            let why = "it is far away".to_owned();
            return Err(Error::Unreachable { engine: "Told", what: "look at a line", why });
        }
        Ok(Turn::Mine { token: 1, deaths: Vec::new() })
    }

    async fn wait(&self, _: &Me, _: &Place) -> Answer<()> {
        while !self.0.is_in.load(SeqCst) {
            sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    async fn ended(&self) {
        pending::<()>().await;
    }

    async fn say(&self, _: &Me, _: &str) -> Answer<()> {
        Ok(())
    }

    async fn leave(&self, _: &Me, _: bool) -> Answer<()> {
        Ok(())
    }

    async fn holds(&self, _: &Me) -> Answer<bool> {
        Ok(true)
    }

    async fn close(&self) -> Answer<()> {
        Ok(())
    }
}

/// That it waits is no proof that it lives once it is in: the engine may have let it in before that was said.
#[tokio::test]
async fn whoever_has_waited_is_in_when_a_renewal_has_been_answered() -> Result<()> {
    let told = Told::default();
    let mutex = Client::new(told.clone()).mutex("line")?.with(Options::default().ttl(TTL));
    let mut me = mutex.join().await?;
    let lets_in = async {
        while told.0.busy.load(SeqCst) == 0 {
            sleep(Duration::from_millis(1)).await;
        }
        told.0.is_in.store(true, SeqCst);
        Ok(())
    };
    let (guard, ()) = tokio::try_join!(me.lock(), lets_in)?;
    ensure!(told.0.proofs.load(SeqCst) > 0, "it is in by what was said before");
    Ok(guard.unlock().await?)
}

#[tokio::test]
async fn a_look_that_is_not_answered_is_no_loss() -> Result<()> {
    let told = Told::default();
    told.0.is_in.store(true, SeqCst);
    told.0.silences.store(3, SeqCst);
    let mutex = Client::new(told.clone()).mutex("line")?.with(Options::default().ttl(TTL));
    let mut me = mutex.join().await?;
    let guard = me.lock().await?;
    ensure!(guard.token() == 1 && told.0.silences.load(SeqCst) == 0);
    Ok(guard.unlock().await?)
}
