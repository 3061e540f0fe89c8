//! Names spread over several servers: each line is kept by one of them, and a [`Spread`] knows by which.
//!
//! More servers keep more lines; they do not stand in for each other. While one is down, nobody gets into the locks
//! whose names are its, and the others go on. Which servers there are is said when it starts. If they are others than
//! before, the names move that have to, and no other ones: to those that are left if one has gone, and to the one that
//! has joined.
//!
//! Nobody gets into a lock that has moved before the longest lease is over that somebody may have had where it was.
//! Who died inside there is not told of. Tokens grow all the same: each change of the servers begins a new epoch, which
//! is the upper part of all tokens.
//!
//! There is one of them for its servers: two would not have the same epochs.

mod rendezvous;
mod session;

use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use self::rendezvous::{Server, place, server};
use self::session::Spreading;
use super::NAME;
use super::kept::Kept;
use crate::engine::{Engine, Line, Session, Turn};
use crate::lease::now;
use crate::{Error, Result, Who};

/// How many bits of a token are the server's.
const BITS: u32 = 48;

/// So that a token is never negative anywhere.
const EPOCHS: u64 = 1 << (63 - BITS);

/// Before it is looked again whether a lock that has moved is open.
const PAUSE: Duration = Duration::from_millis(500);

/// An engine of several.
#[derive(Clone, Debug)]
pub struct Spread(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    engines: Vec<Arc<dyn Engine>>,
    /// In the same order.
    servers: Vec<Server>,
    longest: Duration,
    kept: Kept,
    past: Past,
    /// When nobody has anything any more of how it was before.
    opens: Duration,
}

/// What is kept.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Past {
    epoch: u64,
    servers: Vec<Server>,
    before: Vec<Vec<Server>>,
    /// The longest lease that may be out, in milliseconds.
    lease: u64,
}

impl Spread {
    /// Spreads names over these servers, each by its address. No session may live for longer than `longest` without a
    /// renewal. The file has to be kept, and is for one at a time.
    ///
    /// # Errors
    ///
    /// [`Error::BadAccess`] if the file is another one's, or is not whole, or has seen too many changes; or if there is
    /// no server, or one twice. [`Error::Unreachable`] if the file cannot be written.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn open(
        path: &Path,
        servers: &[(String, Arc<dyn Engine>)],
        longest: Duration,
    ) -> Result<Self> {
        let bad = |why: &str| Error::BadAccess {
            what: "the servers' list".to_owned(),
            why: why.to_owned(),
        };
        let engines = servers.iter().map(|(_, engine)| engine.clone()).collect();
        let servers: Vec<_> = servers.iter().map(|(url, _)| server(url)).collect();
        let (kept, text) = Kept::open(path)?;
        let millis = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
        let mut sorted = servers.clone();
        sorted.sort_unstable();
        if sorted.is_empty() || sorted.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(bad("it names one at least, and none twice"));
        }
        let past = match text {
            Some(text) => serde_json::from_str(&text).map_err(|_| kept.not_whole())?,
            None => Past { epoch: 0, servers: sorted.clone(), before: Vec::new(), lease: 0 },
        };
        let Past { mut epoch, servers: last, mut before, lease } = past;
        if last != sorted {
            epoch += 1;
            before.push(last);
        }
        if epoch >= EPOCHS {
            return Err(bad("it has been changed too often for the tokens to grow any more"));
        }
        let past = Past { epoch, servers: sorted, before, lease: lease.max(millis) };
        keep(&kept, &past)?;
        let opens = now().saturating_add(Duration::from_millis(lease));
        let inner = Arc::new(Inner { engines, servers, longest, kept, past, opens });
        tokio::spawn(forget(Arc::downgrade(&inner), millis));
        Ok(Self(inner))
    }
}

fn keep(kept: &Kept, past: &Past) -> Result<()> {
    let text = serde_json::to_string(past).map_err(|why| Error::Refused {
        engine: NAME,
        what: "keep its file",
        why: why.to_string(),
    })?;
    kept.write(&text)
}

/// Has the file say no more of what was before, when nobody has anything of it any more.
async fn forget(inner: Weak<Inner>, lease: u64) {
    while let Some(inner) = inner.upgrade() {
        let left = inner.opens.saturating_sub(now());
        if left.is_zero() {
            // If it cannot be written, it says too much, which is safe.
            let past = Past { before: Vec::new(), lease, ..inner.past.clone() };
            let _ = keep(&inner.kept, &past);
            return;
        }
        drop(inner);
        sleep(left.min(PAUSE)).await;
    }
}

impl Inner {
    fn place(&self, line: &str) -> usize {
        place(&self.servers, line)
    }

    /// Whether somebody may still be in this lock by another server.
    fn is_closed(&self, line: &str) -> bool {
        let mine = self.servers[self.place(line)];
        let was_elsewhere = |servers: &Vec<Server>| servers[place(servers, line)] != mine;
        now() < self.opens && self.past.before.iter().any(was_elsewhere)
    }

    /// A server's token, with the epoch. Whoever is not inside has 0.
    fn token(&self, token: u64) -> Result<u64> {
        if token >> BITS != 0 {
            let why = format!("the server's token {token} has more than {BITS} bits");
            return Err(Error::Refused { engine: NAME, what: "give a token", why });
        }
        Ok(if token == 0 { 0 } else { self.past.epoch << BITS | token })
    }

    fn turn(&self, turn: Turn) -> Result<Turn> {
        let Turn::Mine { token, mut deaths } = turn else { return Ok(turn) };
        for death in &mut deaths {
            death.token = self.token(death.token)?;
        }
        Ok(Turn::Mine { token: self.token(token)?, deaths })
    }

    /// With other tokens.
    fn line(mut line: Line, token: impl Fn(u64) -> Result<u64>) -> Result<Line> {
        for competitor in line.inside.iter_mut().chain(&mut line.queue) {
            competitor.token = token(competitor.token)?;
        }
        for death in &mut line.deaths {
            death.token = token(death.token)?;
        }
        Ok(line)
    }
}

#[async_trait]
impl Engine for Spread {
    async fn open(&self, who: &Who, ttl: Duration) -> Result<Arc<dyn Session>> {
        if ttl > self.0.longest || ttl.is_zero() {
            let why = "the servers' list says for how long a session may live";
            return Err(Error::BadTtl { engine: NAME, ttl, why });
        }
        Ok(Arc::new(Spreading::new(self.0.clone(), who.clone(), ttl)))
    }

    async fn look(&self, line: &str) -> Result<Line> {
        let spread = &*self.0;
        // Asked before: it may open meanwhile.
        let is_closed = spread.is_closed(line);
        let looked = spread.engines[spread.place(line)].look(line).await?;
        let looked = Inner::line(looked, |token| spread.token(token))?;
        Ok(if is_closed { looked.closed() } else { looked })
    }

    async fn changed(&self, line: &str, known: &Line) -> Result<()> {
        let spread = &*self.0;
        while spread.is_closed(line) {
            if self.look(line).await? != *known {
                return Ok(());
            }
            sleep(PAUSE).await;
        }
        let known = Inner::line(known.clone(), |token| Ok(token & ((1 << BITS) - 1)))?;
        spread.engines[spread.place(line)].changed(line, &known).await
    }
}
