//! Who is inside, who waits, and who left without unlocking.

use std::fmt;
use std::time::{Duration, SystemTime};

use crate::engine::Line;
use crate::{Mode, Who};

/// What a lock is about: a look from outside, which changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The lock.
    pub line: String,
    /// Who is inside: several only if they share it.
    pub holders: Vec<Competitor>,
    /// Who waits, in the order in which they will go in.
    pub queue: Vec<Competitor>,
    /// Who left without unlocking, if nobody has repaired since what the lock protects.
    pub deaths: Vec<Death>,
}

/// Somebody inside or in line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Competitor {
    /// Who it is.
    pub who: Who,
    /// What it says of itself ([`Options::note`](crate::Options::note)). With PostgreSQL only of a holder
    /// that does not share the lock.
    pub note: String,
    /// With whom it gets along.
    pub mode: Mode,
    /// Its token if it is inside; 0 if it waits. With PostgreSQL also 0 for one that shares the lock, is not
    /// [recorded](crate::Options::recorded), or is just going in.
    pub token: u64,
    /// Since when it is in the line, by its own clock; with PostgreSQL since when it waits, or is inside,
    /// by the server's.
    pub since: Option<SystemTime>,
}

impl Competitor {
    /// For how long it has been in the line: 0 if the clocks of the two machines disagree.
    #[must_use]
    pub fn waiting(&self) -> Duration {
        self.since.and_then(|since| since.elapsed().ok()).unwrap_or_default()
    }
}

/// Somebody who left without unlocking: it died inside, or its session ended while it was inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// Who it was.
    pub who: Who,
    /// What it said of itself.
    pub note: String,
    /// The token with which it was inside.
    pub token: u64,
    /// Since when it had been in the line or inside; by its own clock, or with PostgreSQL by the
    /// server's.
    pub since: Option<SystemTime>,
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { who, token, .. } = self;
        write!(f, "{who} left without unlocking, with token {token}")
    }
}

impl Status {
    pub(crate) fn of(name: &str, line: Line) -> Self {
        let Line { inside, queue, deaths } = line;
        Self { line: name.to_owned(), holders: inside, queue, deaths }
    }

    /// Who is inside.
    #[must_use]
    pub fn holder(&self) -> Option<&Competitor> {
        self.holders.first()
    }
}
