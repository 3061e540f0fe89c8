//! The service: whoever connects is answered, all of them at the same time.

use std::io;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::answers::Answers;
use super::connection::Connection;
use super::policy::Policy;
use super::secure::{Secure, Shown};
use super::sessions::Sessions;
use crate::engine::Engine;

/// How much of the server one connection may take, and how long.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// How many connections there may be; 10,000 if nothing is said. Those that are more have to wait.
    pub connections: usize,
    /// How many requests of one connection may be waiting for their answers; 4,096 if nothing is said. A
    /// participant has two at most.
    pub requests: usize,
    /// How long a client may take to say who it is, to send the rest of a frame, and to read an answer; 10 s if
    /// nothing is said. After that its connection is closed.
    pub patience: Duration,
    /// How long a connection may be silent; 10 minutes if nothing is said.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            requests: 4096,
            patience: Duration::from_secs(10),
            idle: Duration::from_mins(10),
        }
    }
}

/// A service in front of an engine: a [`Coordinator`](super::Coordinator), or any other one.
#[derive(Clone, Debug)]
pub struct Service {
    pub(super) answers: Arc<Answers>,
    pub(super) policy: Arc<Policy>,
    pub(super) limits: Limits,
    pub(super) secure: Option<Secure>,
}

impl Service {
    /// A service in front of this engine, for these clients, without TLS.
    #[must_use]
    pub fn new(engine: Arc<dyn Engine>, policy: Policy) -> Self {
        Self {
            answers: Arc::new(Answers { engine, sessions: Sessions::default() }),
            policy: Arc::new(policy),
            limits: Limits::default(),
            secure: None,
        }
    }

    /// With other limits.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// With TLS, and nothing else.
    #[must_use]
    pub fn secure(self, secure: Secure) -> Self {
        Self { secure: Some(secure), ..self }
    }

    /// Answers whoever connects, each by a task of its own. It does not end; dropped, all connections end.
    pub async fn serve(&self, listener: TcpListener) {
        let mut tasks = JoinSet::new();
        tasks.spawn(expire(Arc::downgrade(&self.answers)));
        let places = Arc::new(Semaphore::new(self.limits.connections));
        loop {
            // It is never closed.
            let Ok(place) = places.clone().acquire_owned().await else { return };
            let stream = accept(&listener).await;
            let service = self.clone();
            tasks.spawn(async move {
                let _place = place;
                service.talk(stream).await;
            });
            while tasks.try_join_next().is_some() {}
        }
    }

    /// The textbook's other form, for comparison: answers one request after the other, each by a connection of its own,
    /// all by the one task that calls this. Whoever waits for its turn is told to come again. A client that is slow has
    /// all others wait for [`patience`](Limits::patience). No pace is kept for anybody.
    pub async fn serve_iteratively(&self, listener: TcpListener) {
        let mut tasks = JoinSet::new();
        tasks.spawn(expire(Arc::downgrade(&self.answers)));
        loop {
            let stream = accept(&listener).await;
            let _ = stream.set_nodelay(true);
            let Some(secure) = &self.secure else {
                Connection::new(self, Box::new(stream), Shown::default()).answer_once().await;
                continue;
            };
            let accepted = timeout(self.limits.patience, secure.accept(stream)).await;
            if let Ok(Ok((stream, shown))) = accepted {
                Connection::new(self, Box::new(stream), shown).answer_once().await;
            }
        }
    }

    /// Talks with one client until it goes, or is sent away.
    async fn talk(&self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let Some(secure) = &self.secure else {
            return Connection::new(self, Box::new(stream), Shown::default()).talk().await;
        };
        // What fails here is told by TLS.
        let accepted = timeout(self.limits.patience, secure.accept(stream)).await;
        if let Ok(Ok((stream, shown))) = accepted {
            Connection::new(self, Box::new(stream), shown).talk().await;
        }
    }
}

/// The next one that connects.
pub(super) async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            // It went again, or there are too many open files: others may close theirs.
            Err(why) if why.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(_) => sleep(Duration::from_millis(10)).await,
        }
    }
}

/// Ends the sessions that their clients do not renew. The engine may do so later, or does not know.
pub(super) async fn expire(answers: Weak<Answers>) {
    const PACE: Duration = Duration::from_millis(500);
    while let Some(answers) = answers.upgrade() {
        for held in answers.sessions.expire() {
            // If the engine does not answer, it ends the session by itself.
            tokio::spawn(async move { timeout(held.session.ttl(), held.session.close()).await });
        }
        drop(answers);
        sleep(PACE).await;
    }
}
