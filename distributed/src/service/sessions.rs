//! The clients' sessions: each is one of the engine's, which the service holds for as long as its client renews it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::policy::Open;
use super::protocol::{Attempt, SessionId};
use crate::engine::{Me, Session};
use crate::lease::now;
use crate::{Error, Result, Who};

/// How many attempts of one session there may be at a time. It has one.
const ATTEMPTS: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<SessionId, Arc<Held>>>);

#[derive(Debug)]
pub(super) struct Held {
    pub(super) session: Arc<dyn Session>,
    pub(super) who: Who,
    pub(super) client: Open,
    /// Held by whoever waits in a line, or changes the session's places: one at a time, also if its client comes by
    /// another connection.
    turn: tokio::sync::Mutex<()>,
    /// How many want to change something: whoever waits makes room for them.
    wanted: watch::Sender<usize>,
    renewed: Mutex<Duration>,
    attempts: Mutex<HashMap<Attempt, Arc<Me>>>,
}

impl Sessions {
    pub(super) fn insert(
        &self,
        session: Arc<dyn Session>,
        who: Who,
        client: Open,
    ) -> Result<SessionId> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|why| Error::Refused {
            engine: "the operating system",
            what: "give random bytes",
            why: why.to_string(),
        })?;
        let id = format!("{:032x}", u128::from_ne_bytes(id));
        let held = Held {
            session,
            who,
            client,
            turn: tokio::sync::Mutex::default(),
            wanted: watch::Sender::default(),
            renewed: Mutex::new(now()),
            attempts: Mutex::default(),
        };
        lock(&self.0).insert(id.clone(), Arc::new(held));
        Ok(id)
    }

    /// The session of this number, if it is this client's.
    pub(super) fn get(&self, id: &str, client: &str) -> Option<Arc<Held>> {
        lock(&self.0).get(id).filter(|held| held.client.0.name == client).cloned()
    }

    /// The same, whose client asks for a renewal. From now on its time begins anew, whatever the engine says: its
    /// client may count on it from when it asked.
    pub(super) fn renew(&self, id: &str, client: &str) -> Option<Arc<Held>> {
        let sessions = lock(&self.0);
        let held = sessions.get(id).filter(|held| held.client.0.name == client)?;
        // As long as the others are kept out: it may be about to be taken out.
        *lock(&held.renewed) = now();
        Some(held.clone())
    }

    pub(super) fn remove(&self, id: &str) {
        lock(&self.0).remove(id);
    }

    /// Takes out those whose clients have not renewed them in time.
    pub(super) fn expire(&self) -> Vec<Arc<Held>> {
        let now = now();
        let mut sessions = lock(&self.0);
        let over = sessions
            .extract_if(|_, held| lock(&held.renewed).saturating_add(held.session.ttl()) <= now);
        over.map(|(_, held)| held).collect()
    }
}

/// Wants to change something.
struct Wish<'h>(&'h Held);

impl<'h> Wish<'h> {
    fn of(held: &'h Held) -> Self {
        held.wanted.send_modify(|wanted| *wanted += 1);
        Self(held)
    }
}

impl Drop for Wish<'_> {
    fn drop(&mut self) {
        self.0.wanted.send_modify(|wanted| *wanted -= 1);
    }
}

impl Held {
    /// Does this when nobody else of the session's does anything.
    pub(super) async fn alone<T>(&self, what: impl Future<Output = T>) -> T {
        let wish = Wish::of(self);
        let _turn = self.turn.lock().await;
        drop(wish);
        what.await
    }

    /// The same of what waits, until somebody else wants to do something, or the session has ended: then `None`.
    pub(super) async fn until_wanted<T>(&self, wait: impl Future<Output = T>) -> Option<T> {
        let mut wanted = self.wanted.subscribe();
        let wait = async {
            tokio::select! {
                done = wait => Some(done),
                _ = wanted.wait_for(|wanted| *wanted > 0) => None,
                // It is not told of that by the place before it.
                () = self.session.ended() => None,
            }
        };
        self.alone(wait).await
    }

    /// The attempt that enters, or has entered.
    pub(super) fn enter(&self, attempt: &Attempt, make: impl FnOnce() -> Me) -> Option<Arc<Me>> {
        let mut attempts = lock(&self.attempts);
        if let Some(me) = attempts.get(attempt) {
            return Some(me.clone());
        }
        if attempts.len() == ATTEMPTS {
            return None;
        }
        let me = Arc::new(make());
        attempts.insert(attempt.clone(), me.clone());
        Some(me)
    }

    pub(super) fn me(&self, attempt: &Attempt) -> Option<Arc<Me>> {
        lock(&self.attempts).get(attempt).cloned()
    }

    pub(super) fn forget(&self, attempt: &Attempt) {
        lock(&self.attempts).remove(attempt);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
