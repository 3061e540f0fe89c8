//! The clients' sessions: each is one of the engine's, which the service holds for as long as its client renews it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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
    /// Held by whoever changes the session's places: one at a time, also if its client comes by another connection.
    pub(super) turn: tokio::sync::Mutex<()>,
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
        let (renewed, attempts) = (Mutex::new(now()), Mutex::default());
        let held =
            Held { session, who, client, turn: tokio::sync::Mutex::default(), renewed, attempts };
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

impl Held {
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
