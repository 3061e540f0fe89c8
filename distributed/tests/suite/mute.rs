//! An engine whose sessions can be kept from being renewed, as if no answer came.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use bakery_distributed::engine::{
    Engine, Line, Me, Patience, Place, Renewal, Session, Turn, async_trait,
};
use bakery_distributed::{Result, Who};

#[derive(Debug)]
pub struct Mute {
    pub engine: Arc<dyn Engine>,
    pub is_mute: Arc<AtomicBool>,
}

#[derive(Debug)]
struct MuteSession {
    session: Arc<dyn Session>,
    is_mute: Arc<AtomicBool>,
}

#[async_trait]
impl Engine for Mute {
    async fn open(&self, who: &Who, ttl: Duration) -> Result<Arc<dyn Session>> {
        let session = self.engine.open(who, ttl).await?;
        Ok(Arc::new(MuteSession { session, is_mute: self.is_mute.clone() }))
    }

    async fn look(&self, line: &str) -> Result<Line> {
        self.engine.look(line).await
    }
}

#[async_trait]
impl Session for MuteSession {
    fn ttl(&self) -> Duration {
        self.session.ttl()
    }

    async fn renew(&self) -> Result<Renewal> {
        if self.is_mute.load(Relaxed) {
            std::future::pending::<()>().await;
        }
        self.session.renew().await
    }

    async fn ended(&self) {
        // Nor does it hear that it has ended.
        if self.is_mute.load(Relaxed) {
            std::future::pending::<()>().await;
        }
        self.session.ended().await;
    }

    async fn enter(&self, me: &Me, patience: Patience) -> Result<Turn> {
        self.session.enter(me, patience).await
    }

    async fn placed(&self, me: &Me) -> Result<()> {
        self.session.placed(me).await
    }

    async fn poll(&self, me: &Me) -> Result<Turn> {
        self.session.poll(me).await
    }

    async fn wait(&self, me: &Me, before: &Place) -> Result<()> {
        self.session.wait(me, before).await
    }

    async fn leave(&self, me: &Me, clear: bool) -> Result<()> {
        self.session.leave(me, clear).await
    }

    async fn holds(&self, me: &Me) -> Result<bool> {
        self.session.holds(me).await
    }

    async fn close(&self) -> Result<()> {
        self.session.close().await
    }
}
