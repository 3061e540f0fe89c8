//! A session's client.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;
use zookeeper_client as zk;

use super::NAME;
use super::ensemble::Ensemble;
use crate::{Error, Result};

/// What the client answers.
pub(super) type Outcome<T> = std::result::Result<T, zk::Error>;

/// Where a client is until it is dropped.
type Slot = Arc<Mutex<Option<zk::Client>>>;

/// A client, until it is dropped: that closes its session, and nothing else does.
#[derive(Debug)]
pub(super) struct Connection {
    client: Slot,
    state: zk::StateWatcher,
    id: zk::SessionId,
    ttl: Duration,
    renewed: watch::Sender<()>,
}

impl Connection {
    /// A session that is certain to live for this time after a `sync` has been sent that was answered.
    pub(super) async fn open(ensemble: &Ensemble, ttl: Duration) -> Result<Self> {
        // The client also gives up connecting after this time; and no server keeps a session for a day.
        let asked = ttl.clamp(Duration::from_secs(1), Duration::from_hours(24)) * 3 / 2;
        // It asks in whole milliseconds.
        let asked = asked + Duration::from_millis(1);
        let client = ensemble.connect(asked).await?;
        let granted = client.session_timeout();
        if granted * 2 / 3 < ttl {
            let why = "one and a half of it is more than the servers' maxSessionTimeout";
            return Err(Error::BadTtl { engine: NAME, ttl, why });
        }
        let (state, id) = (client.state_watcher(), client.session_id());
        let client = Arc::new(Mutex::new(Some(client)));
        let renewed = watch::Sender::new(());
        tokio::spawn(end_unrenewed(client.clone(), renewed.subscribe(), granted));
        Ok(Self { client, state, id, ttl: granted * 2 / 3, renewed })
    }

    pub(super) fn client(&self) -> Outcome<zk::Client> {
        let client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        client.clone().ok_or(zk::Error::ClientClosed)
    }

    pub(super) fn id(&self) -> zk::SessionId {
        self.id
    }

    pub(super) fn ttl(&self) -> Duration {
        self.ttl
    }

    /// Has the leader say that the session lives.
    pub(super) async fn renew(&self) -> Outcome<()> {
        self.client()?.sync("/").await?;
        self.renewed.send_replace(());
        Ok(())
    }

    /// Comes back when the session has ended.
    pub(super) async fn ended(&self) {
        let mut state = self.state.clone();
        while !state.state().is_terminated() {
            state.changed().await;
        }
    }

    /// Ends the session.
    pub(super) async fn close(&self) {
        take(&self.client);
        self.ended().await;
    }
}

/// The client tells the server by itself that it lives. So it is dropped once nobody renews the session,
/// and with the connection.
async fn end_unrenewed(client: Slot, mut renewed: watch::Receiver<()>, ttl: Duration) {
    while let Ok(Ok(())) = timeout(ttl, renewed.changed()).await {}
    take(&client);
}

fn take(client: &Slot) {
    drop(client.lock().unwrap_or_else(PoisonError::into_inner).take());
}

/// Whether the session has ended.
pub(super) fn is_over(error: &zk::Error) -> bool {
    matches!(error, zk::Error::SessionExpired | zk::Error::ClientClosed)
}

pub(super) fn error(what: &'static str, error: &zk::Error) -> Error {
    let why = error.to_string();
    match error {
        zk::Error::BadArguments(_)
        | zk::Error::NoAuth
        | zk::Error::InvalidAcl
        | zk::Error::AuthFailed
        | zk::Error::NoChildrenForEphemerals
        | zk::Error::QuotaExceeded
        | zk::Error::Unimplemented
        | zk::Error::UnexpectedErrorCode(_) => Error::Refused { engine: NAME, what, why },
        _ => Error::Unreachable { engine: NAME, what, why },
    }
}
