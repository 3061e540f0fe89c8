//! A session that is kept alive.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use crate::engine::{Engine, Renewal, Session};
use crate::lease::{Lease, now};
use crate::{Error, Result, Who};

/// A session, its lease, and the task that renews it. Dropped, it is not renewed any more.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) session: Arc<dyn Session>,
    pub(crate) lease: Arc<Lease>,
    renewer: AbortHandle,
}

impl Life {
    pub(crate) async fn begin(engine: &dyn Engine, who: &Who, ttl: Duration) -> Result<Arc<Self>> {
        let sent = now();
        let session = engine.open(who, ttl).await?;
        let lease = Arc::new(Lease::new(session.ttl(), sent));
        let renewer = tokio::spawn(keep(session.clone(), lease.clone())).abort_handle();
        Ok(Arc::new(Self { session, lease, renewer }))
    }

    /// What the engine answers, if it does so while that is of use.
    pub(crate) async fn ask<T>(&self, answer: impl Future<Output = Result<T>>) -> Result<T> {
        let limit = self.lease.ttl() / 3;
        timeout(limit, answer).await.unwrap_or_else(|_| {
            Err(Error::Unreachable {
                engine: "the engine",
                what: "answer",
                why: format!("nothing came within {} s", limit.as_secs_f64()),
            })
        })
    }

    /// Has whoever would end the session say that it lives.
    pub(crate) async fn prove(&self) -> Result<()> {
        renew(&*self.session, &self.lease).await
    }

    /// Ends it, and does not wait for that longer than the engine would need to end it by itself.
    pub(crate) async fn close(&self) {
        self.renewer.abort();
        while !self.lease.is_over() && self.ask(self.session.close()).await.is_err() {
            sleep(Self::PAUSE).await;
        }
        self.lease.end();
    }

    /// Between two attempts to get an answer.
    pub(crate) const PAUSE: Duration = Duration::from_millis(30);
}

impl Drop for Life {
    fn drop(&mut self) {
        self.renewer.abort();
    }
}

async fn renew(session: &dyn Session, lease: &Lease) -> Result<()> {
    let sent = lease.sending();
    match session.renew().await? {
        Renewal::Alive => lease.renewed(sent),
        Renewal::Busy => lease.is_busy(sent),
        Renewal::Ended => lease.end(),
    }
    Ok(())
}

/// Renews until the lease is over. An answer that does not come is not the end: the next one may.
async fn keep(session: Arc<dyn Session>, lease: Arc<Lease>) {
    let pace = lease.ttl() / 4;
    let renewing = async {
        while !lease.is_over() {
            sleep(pace).await;
            while !matches!(timeout(pace, renew(&*session, &lease)).await, Ok(Ok(()))) {
                if lease.is_over() {
                    return;
                }
                sleep(Life::PAUSE).await;
            }
        }
    };
    tokio::select! {
        () = renewing => {}
        () = session.ended() => lease.end(),
    }
}
