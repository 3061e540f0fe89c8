//! A session that is kept alive.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};

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
        let (sent, session) = persist(ttl, || async {
            let sent = now();
            Ok((sent, engine.open(who, ttl).await?))
        })
        .await?;
        let lease = Arc::new(Lease::new(session.ttl(), sent));
        let renewer = tokio::spawn(keep(session.clone(), lease.clone())).abort_handle();
        Ok(Arc::new(Self { session, lease, renewer }))
    }

    /// What the engine answers, if it does so while that is of use.
    pub(crate) async fn ask<T>(&self, answer: impl Future<Output = Result<T>>) -> Result<T> {
        within(self.lease.ttl() / 3, answer).await
    }

    /// Has whoever would end the session say that it lives.
    pub(crate) async fn prove(&self) -> Result<()> {
        renew(&*self.session, &self.lease).await
    }

    /// Ends it, and does not try that for longer than the engine would need to end it by itself.
    pub(crate) async fn close(&self) {
        self.renewer.abort();
        while self.ask(self.session.close()).await.is_err() && !self.lease.is_over() {
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

/// The answer, if it comes within this time.
async fn within<T>(time: Duration, answer: impl Future<Output = Result<T>>) -> Result<T> {
    timeout(time, answer).await.unwrap_or(Err(Error::Silent { time }))
}

/// The answer to what may be asked again and again, of one server or another; or the last error when this
/// time is over.
pub(crate) async fn persist<T, F>(time: Duration, mut ask: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    // `None`: beyond what the clock can tell.
    let end = Instant::now().checked_add(time);
    loop {
        match within(time / 3, ask()).await {
            Err(error) if error.is_passing() && end.is_none_or(|end| Instant::now() < end) => {
                sleep(Life::PAUSE).await;
            }
            answer => return answer,
        }
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
