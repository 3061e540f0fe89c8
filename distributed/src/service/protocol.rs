//! What is asked and answered: see the page on the protocol.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::engine::{Line, Place, Renewal, Turn};
use crate::{Error, Mode, Who};

/// Of both sides.
pub(super) const VERSION: u32 = 1;

/// What a client begins with.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hello {
    pub bakery: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// A request, and by which number its answer is known.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    pub id: u64,
    pub ask: Ask,
}

/// The answer to the request of this number.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Reply {
    pub id: u64,
    pub answer: Answer,
}

/// A session's number: 128 random bits, in hexadecimal digits.
pub(super) type SessionId = String;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Ask {
    Open {
        who: Who,
        ttl_ms: u64,
    },
    Renew {
        session: SessionId,
    },
    /// The rest of what is known of it the service keeps until it leaves.
    Enter {
        attempt: Attempt,
        mode: Mode,
        recorded: bool,
        note: String,
        since: SystemTime,
        wait: bool,
    },
    Placed(Attempt),
    Poll(Attempt),
    Wait {
        attempt: Attempt,
        before: Place,
    },
    Say {
        attempt: Attempt,
        note: String,
    },
    Leave {
        attempt: Attempt,
        clear: bool,
    },
    Holds(Attempt),
    Close {
        session: SessionId,
    },
    Look {
        line: String,
    },
    /// Comes back when the line is another one than whoever looked at it was told with this version.
    Changed {
        line: String,
        version: u64,
    },
    /// Nobody waits for the answer to this request any more.
    Forget {
        id: u64,
    },
}

/// One attempt of a session in a line.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Attempt {
    pub session: SessionId,
    pub line: String,
    pub number: u64,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    Welcome {
        client: String,
    },
    Opened {
        session: SessionId,
        ttl_ms: u64,
    },
    Renewed(Renewal),
    Turn(Turn),
    Holds(bool),
    Line {
        line: Line,
        version: u64,
    },
    Done,
    /// Of an iterative server, to what waits: ask again after this time.
    Later {
        ms: u64,
    },
    Failed {
        kind: Kind,
        why: String,
    },
}

/// What it means for whoever asked.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// To ask again would not help.
    Refused,
    /// It may help.
    Passing,
    /// No session of this time.
    BadTtl,
}

impl Answer {
    pub(super) fn refused(why: impl Into<String>) -> Self {
        Self::Failed { kind: Kind::Refused, why: why.into() }
    }

    pub(super) fn passing(why: impl Into<String>) -> Self {
        Self::Failed { kind: Kind::Passing, why: why.into() }
    }
}

impl From<Error> for Answer {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::BadTtl { .. } => Kind::BadTtl,
            error if error.is_passing() => Kind::Passing,
            _ => Kind::Refused,
        };
        Self::Failed { kind, why: error.to_string() }
    }
}

/// Whole milliseconds, and not less.
pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}
