//! Who a client is, what it may lock and look at, and how often it may ask.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::lease::now;
use crate::{Error, Result};

/// What a client may do, and by what it is known.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// What it is called.
    pub name: String,
    /// The SHA-256 of its token, in hexadecimal digits: so the token stands in no file of the server's. Whoever
    /// shows it is this client.
    pub token_sha256: Option<String>,
    /// A DNS name in its certificate. Whoever shows a certificate for it that the server's CA for clients has signed
    /// is this client.
    pub certificate: Option<String>,
    /// What the names of the locks begin with that it may take, and look at. The empty text is all of them.
    #[serde(default)]
    pub lock: Vec<String>,
    /// What the names of the locks begin with that it may only look at.
    #[serde(default)]
    pub look: Vec<String>,
    /// How many requests it may make in a second, over all its connections; as many at once. What is more has to
    /// wait. No limit if nothing is said.
    pub requests_per_second: Option<u32>,
    /// How many sessions it may have open; 10,000 if nothing is said.
    pub sessions: Option<usize>,
}

/// Who the clients are.
#[derive(Debug)]
pub struct Policy {
    clients: Vec<Client>,
    anyone: Option<Arc<Known>>,
}

#[derive(Debug)]
struct Client {
    token: Option<[u8; 32]>,
    certificate: Option<String>,
    known: Arc<Known>,
}

/// A client that is known, over all its connections.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) name: String,
    lock: Vec<String>,
    look: Vec<String>,
    /// The least time between two requests of those that go on.
    pace: Option<Duration>,
    /// When the next request would be due if all kept that pace.
    due: Mutex<Duration>,
    most: usize,
    open: AtomicUsize,
}

/// One of a client's sessions that is open.
#[derive(Debug)]
pub(super) struct Open(pub(super) Arc<Known>);

impl Policy {
    /// Whoever reaches the port may do all. That is for a port that only those reach who may.
    #[must_use]
    pub fn anyone() -> Self {
        let grant = Grant {
            name: "anyone".to_owned(),
            token_sha256: None,
            certificate: None,
            lock: vec![String::new()],
            look: Vec::new(),
            requests_per_second: None,
            sessions: None,
        };
        Self { clients: Vec::new(), anyone: Some(Arc::new(Known::of(&grant))) }
    }

    /// These, and nobody else.
    ///
    /// # Errors
    ///
    /// [`Error::BadAccess`] if a client could not be known by anything, or a number is none that can be kept.
    pub fn of(grants: &[Grant]) -> Result<Self> {
        let clients = grants.iter().map(Client::of).collect::<Result<_>>()?;
        Ok(Self { clients, anyone: None })
    }

    /// Who shows this. `is_shown` says whether a certificate was shown for a name.
    pub(super) fn identify(
        &self,
        token: Option<&str>,
        is_shown: impl Fn(&str) -> bool,
    ) -> Option<Arc<Known>> {
        // What is compared says nothing of how far a wrong token was right.
        let token = token.map(|token| <[u8; 32]>::from(Sha256::digest(token)));
        let is_it = |client: &&Client| match &client.certificate {
            Some(name) if client.token.is_some() => is_shown(name) && client.token == token,
            Some(name) => is_shown(name),
            None => client.token == token,
        };
        let known = self.clients.iter().find(is_it).map(|client| &client.known);
        known.or(self.anyone.as_ref()).cloned()
    }
}

impl Client {
    fn of(grant: &Grant) -> Result<Self> {
        let Grant { name, token_sha256, certificate, .. } = grant;
        let bad = |why: &str| Error::BadAccess {
            what: format!("what is said of the client {name:?}"),
            why: why.to_owned(),
        };
        let token = token_sha256
            .as_deref()
            .map(|hex| from_hex(hex).ok_or_else(|| bad("token_sha256 has 64 hexadecimal digits")));
        let token = token.transpose()?;
        if token.is_none() && certificate.is_none() {
            return Err(bad("it needs token_sha256 or certificate, or both"));
        }
        if grant.requests_per_second == Some(0) {
            return Err(bad("with 0 requests per second it could not do anything"));
        }
        Ok(Self { token, certificate: certificate.clone(), known: Arc::new(Known::of(grant)) })
    }
}

fn from_hex(hex: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(&hex[at..at + 2], 16).ok()?;
    }
    Some(bytes)
}

impl Known {
    fn of(grant: &Grant) -> Self {
        Self {
            name: grant.name.clone(),
            lock: grant.lock.clone(),
            look: grant.look.clone(),
            pace: grant.requests_per_second.map(|count| Duration::from_secs(1) / count),
            due: Mutex::default(),
            most: grant.sessions.unwrap_or(10_000),
            open: AtomicUsize::new(0),
        }
    }

    pub(super) fn may_lock(&self, line: &str) -> bool {
        self.lock.iter().any(|prefix| line.starts_with(prefix))
    }

    pub(super) fn may_look(&self, line: &str) -> bool {
        self.may_lock(line) || self.look.iter().any(|prefix| line.starts_with(prefix))
    }

    /// How long a request that comes now has to wait.
    pub(super) fn delay(&self) -> Duration {
        let Some(pace) = self.pace else { return Duration::ZERO };
        let now = now();
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let delay = due.saturating_sub(now + Duration::from_secs(1));
        *due = due.max(now) + pace;
        delay
    }

    /// One more session, if there may be one.
    pub(super) fn open(self: &Arc<Self>) -> Option<Open> {
        let more = |open| (open < self.most).then_some(open + 1);
        self.open.fetch_update(Relaxed, Relaxed, more).ok().map(|_| Open(self.clone()))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::{Grant, Policy};

    /// Of `hunter2`.
    const HASH: &str = "f52fbd32b2b3b86ff88ef6c490628285f482af15ddcb29541f94bcf526a3f6c7";

    fn grant(token: Option<&str>, certificate: Option<&str>) -> Grant {
        Grant {
            name: "ci".to_owned(),
            token_sha256: token.map(str::to_owned),
            certificate: certificate.map(str::to_owned),
            lock: vec!["ci-".to_owned()],
            look: vec!["deploy".to_owned()],
            requests_per_second: Some(10),
            sessions: Some(1),
        }
    }

    fn is_known(policy: &Policy, token: Option<&str>, certificate: &str) -> bool {
        policy.identify(token, |name| name == certificate).is_some()
    }

    #[test]
    fn a_client_is_known_by_all_that_is_asked_of_it() {
        let policy = Policy::of(&[grant(Some(HASH), None)]).unwrap();
        assert!(is_known(&policy, Some("hunter2"), ""));
        assert!(!is_known(&policy, Some("hunter3"), "") && !is_known(&policy, None, "ci"));
        let policy = Policy::of(&[grant(None, Some("ci"))]).unwrap();
        assert!(is_known(&policy, None, "ci") && !is_known(&policy, Some("hunter2"), "other"));
        let policy = Policy::of(&[grant(Some(HASH), Some("ci"))]).unwrap();
        assert!(is_known(&policy, Some("hunter2"), "ci"));
        assert!(!is_known(&policy, Some("hunter2"), "") && !is_known(&policy, None, "ci"));
    }

    #[test]
    fn a_client_that_nothing_could_be_known_by_is_refused() {
        for bad in [grant(None, None), grant(Some("12"), None), grant(Some(&"é".repeat(32)), None)]
        {
            assert!(Policy::of(&[bad]).is_err());
        }
    }

    #[test]
    fn names_that_begin_so_are_a_clients() {
        let policy = Policy::of(&[grant(Some(HASH), None)]).unwrap();
        let known = policy.identify(Some("hunter2"), |_| false).unwrap();
        assert!(known.may_lock("ci-1") && known.may_look("ci-1"));
        assert!(!known.may_lock("deploy") && known.may_look("deploy"));
        assert!(!known.may_lock("c") && !known.may_look("c"));
    }

    #[test]
    fn sessions_are_counted() {
        let policy = Policy::of(&[grant(Some(HASH), None)]).unwrap();
        let known = policy.identify(Some("hunter2"), |_| false).unwrap();
        let open = known.open().unwrap();
        assert!(known.open().is_none());
        drop(open);
        assert!(known.open().is_some());
    }

    #[test]
    fn what_is_more_than_a_seconds_requests_waits() {
        let policy = Policy::of(&[grant(Some(HASH), None)]).unwrap();
        let known = policy.identify(Some("hunter2"), |_| false).unwrap();
        let delays: Vec<_> = (0..21).map(|_| known.delay()).collect();
        assert!(delays[..10].iter().all(std::time::Duration::is_zero), "{delays:?}");
        // The machine may have been slow in between, but not by seconds.
        assert!(!delays[20].is_zero(), "{delays:?}");
    }
}
