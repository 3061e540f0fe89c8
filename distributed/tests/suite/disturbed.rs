//! An engine that is disturbed: its sessions are not renewed, as if no answer came, or as if somebody else
//! answered; or it is far away.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use anyhow::Result as Anyhow;
use bakery_distributed::engine::{
    Engine, Line, Me, Patience, Place, Renewal, Session, Turn, async_trait,
};
use bakery_distributed::{Client, Mutex, Result, Who};
use tokio::time::sleep;

use crate::arena::{Arena, options};

#[derive(Debug)]
struct Disturbed {
    engine: Arc<dyn Engine>,
    how: Arc<Disturbance>,
}

#[derive(Debug)]
struct DisturbedSession {
    session: Arc<dyn Session>,
    how: Arc<Disturbance>,
}

#[derive(Debug, Default)]
pub struct Disturbance {
    /// No renewal is answered.
    pub is_mute: AtomicBool,
    /// Every renewal is said to have been answered.
    pub is_forged: AtomicBool,
    /// After how many milliseconds an entry reaches the engine, and it begins to wait. What has been sent
    /// arrives, also if nobody waits for the answer any more.
    pub delay: AtomicU64,
    /// How often somebody has looked on.
    pub looks: AtomicU64,
}

/// The test's engine, which can be disturbed.
pub fn client(arena: &Arena) -> Anyhow<(Client, Arc<Disturbance>)> {
    let how = Arc::new(Disturbance::default());
    let client = Client::new(Disturbed { engine: arena.client()?.engine(), how: how.clone() });
    Ok((client, how))
}

/// The test's lock, by way of an engine that can be disturbed.
pub fn mutex(arena: &Arena) -> Anyhow<(Mutex, Arc<Disturbance>)> {
    let (client, how) = client(arena)?;
    Ok((client.mutex(arena.name)?.with(options()), how))
}

impl Disturbance {
    async fn travel(&self) {
        sleep(Duration::from_millis(self.delay.load(Relaxed))).await;
    }
}

#[async_trait]
impl Engine for Disturbed {
    async fn open(&self, who: &Who, ttl: Duration) -> Result<Arc<dyn Session>> {
        let session = self.engine.open(who, ttl).await?;
        Ok(Arc::new(DisturbedSession { session, how: self.how.clone() }))
    }

    async fn look(&self, line: &str) -> Result<Line> {
        self.how.looks.fetch_add(1, Relaxed);
        self.engine.look(line).await
    }

    async fn changed(&self, line: &str, known: &Line) -> Result<()> {
        self.how.looks.fetch_add(1, Relaxed);
        self.engine.changed(line, known).await
    }
}

#[async_trait]
impl Session for DisturbedSession {
    fn ttl(&self) -> Duration {
        self.session.ttl()
    }

    async fn renew(&self) -> Result<Renewal> {
        if self.how.is_mute.load(Relaxed) {
            pending::<()>().await;
        }
        if self.how.is_forged.load(Relaxed) {
            return Ok(Renewal::Alive);
        }
        self.session.renew().await
    }

    async fn ended(&self) {
        self.session.ended().await;
        // Nor does it hear of the end.
        if self.how.is_mute.load(Relaxed) || self.how.is_forged.load(Relaxed) {
            pending::<()>().await;
        }
    }

    async fn enter(&self, me: &Me, patience: Patience) -> Result<Turn> {
        let (session, how, far) = (self.session.clone(), self.how.clone(), me.clone());
        let arrives = tokio::spawn(async move {
            how.travel().await;
            let turn = session.enter(&far, patience).await;
            (turn, far.order)
        });
        let (turn, order) = arrives.await.unwrap();
        if let Some(order) = order.into_inner() {
            let _ = me.order.set(order);
        }
        turn
    }

    async fn placed(&self, me: &Me) -> Result<()> {
        self.session.placed(me).await
    }

    async fn poll(&self, me: &Me) -> Result<Turn> {
        self.session.poll(me).await
    }

    async fn wait(&self, me: &Me, before: &Place) -> Result<()> {
        self.how.travel().await;
        self.session.wait(me, before).await
    }

    async fn say(&self, me: &Me, note: &str) -> Result<()> {
        self.session.say(me, note).await
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
