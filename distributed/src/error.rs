//! What can go wrong, and what to do about it.

use std::time::Duration;

use crate::Death;

/// Why a lock could not be taken, or is not held any more.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The name cannot be a lock's name.
    #[error("{name:?} cannot name a lock: {why}")]
    BadName {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// This cannot be what a participant says of itself.
    #[error("a note cannot be kept: {why}")]
    BadNote {
        /// What is wrong with it.
        why: &'static str,
    },
    /// The address does not say where an engine is. It is shown without what may be a password.
    #[error("{url:?} does not say where an engine is: {why}")]
    BadUrl {
        /// The address.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// What is to be shown to the servers, or trusted of them, is of no use.
    #[error("{what} cannot be used: {why}")]
    BadAccess {
        /// A file, or what it is for.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// The time for which a session lives without being renewed is not one that the engine can keep.
    #[error("{engine} cannot end a session after {}: {why}", seconds(*ttl))]
    BadTtl {
        /// The engine.
        engine: &'static str,
        /// The time that was asked for.
        ttl: Duration,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The engine did not answer. Whether it did what it was asked for is not known.
    #[error("{engine} did not answer when asked to {what}: {why}")]
    Unreachable {
        /// The engine.
        engine: &'static str,
        /// What it was asked for.
        what: &'static str,
        /// What came instead of an answer.
        why: String,
    },
    /// No answer came, from no server. Whether the engine did what it was asked for is not known.
    #[error("no answer came within {}; are the servers there?", seconds(*time))]
    Silent {
        /// How long one was waited for.
        time: Duration,
    },
    /// The engine refused.
    #[error("{engine} refused to {what}: {why}")]
    Refused {
        /// The engine.
        engine: &'static str,
        /// What it was asked for.
        what: &'static str,
        /// Its words.
        why: String,
    },
    /// PostgreSQL is only reached by way of a pooler. A session's lock would stay with a connection that the
    /// pooler may give to somebody else: give the address of the server itself.
    #[error(
        "PostgreSQL is behind a pooler, which shares its connections: {why}; a session needs one of its own, \
         so give the address of the server itself"
    )]
    Pooled {
        /// By what that is known.
        why: String,
    },
    /// The session has ended: the lock is not held any more, or the place in the line is gone. Lock
    /// again: that opens another session.
    #[error("{line}: the session has ended, and with it the place in line; lock again")]
    Lost {
        /// The lock.
        line: String,
    },
    /// Somebody left without unlocking, and nobody has repaired since what the lock protects. The lock
    /// is not held. `lock_or_repair` goes in.
    #[error("{line}: {death}; `lock_or_repair` goes in all the same")]
    OwnerDied {
        /// The lock.
        line: String,
        /// Who it was.
        death: Death,
    },
    /// The runtime that the participant joined on has ended.
    #[error("{line}: the tokio runtime on which it was joined has ended")]
    NoRuntime {
        /// The lock.
        line: String,
    },
    /// It was not this participant's turn in time. Only what would
    /// [give the participant back](crate::OwnedError) says so.
    #[error("{line}: it was not free in time")]
    Busy {
        /// The lock.
        line: String,
    },
    /// The thread that [blocking](crate::blocking) calls need could not be started.
    #[error("the thread that blocking calls need did not start: {why}")]
    NoThread {
        /// What the system said.
        why: String,
    },
    /// A [blocking](crate::blocking) call in a process that was forked off one that had made such calls.
    #[error(
        "a process that uses blocking locks has forked off this one, where they do not work; fork before \
             the first of these calls, or start another program"
    )]
    Forked,
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

impl Error {
    /// Whether the same request may succeed later, without anything being changed.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Silent { .. })
    }
}

/// What is said, or an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
