//! How a lock is had: the [line](line) of a segment, the [bytes](bytes) of those who are together in it,
//! and a [file](file). What the [kernel](kernel) locks is under the last two.

pub mod bytes;
pub mod death;
pub mod file;
pub mod kernel;
pub mod line;

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use crate::signals::CAUGHT;

/// How an attempt ended that did not fail.
#[derive(Debug)]
pub enum Taken<T> {
    In(T),
    /// Somebody else has it, or the time was over.
    Busy,
    /// A signal has come: see [`crate::signals::obey`].
    Interrupted,
}

/// For how long to wait.
#[derive(Clone, Copy, Debug)]
pub enum Patience {
    /// Not at all.
    None,
    Until(Instant),
    Forever,
}

impl Patience {
    /// For so long from now.
    pub fn of(time: Option<Duration>) -> Self {
        match time {
            None => Self::Forever,
            Some(time) if time.is_zero() => Self::None,
            Some(time) => Self::Until(Instant::now() + time),
        }
    }

    /// How much time is left: `None` is no end.
    pub fn left(self) -> Option<Duration> {
        match self {
            Self::None => Some(Duration::ZERO),
            Self::Until(deadline) => Some(deadline.saturating_duration_since(Instant::now())),
            Self::Forever => None,
        }
    }

    pub fn is_over(self) -> bool {
        self.left().is_some_and(|left| left.is_zero())
    }
}

pub fn is_interrupted() -> bool {
    CAUGHT.load(Relaxed)
}
