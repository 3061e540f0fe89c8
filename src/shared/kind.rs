//! The algorithms that a segment can have, by name.

use std::fmt;
use std::str::FromStr;

/// How often whoever waits at a [`Kind::Bypass`] may be passed.
pub(crate) const BYPASSES: u32 = 1024;

/// An algorithm, chosen when a segment is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// [`Bakery`](crate::algorithm::Bakery): first come first served. The default.
    #[default]
    Bakery,
    /// [`BlackWhite`](crate::algorithm::BlackWhite): first come first served.
    BlackWhite,
    /// [`Fast`](crate::algorithm::Fast): no order, no `try_lock`, no timeouts, and **no recovery**.
    /// If a participant dies inside or on its way in, then whoever waits for it, and from then on
    /// everybody, gets [`Error::Unrecoverable`](crate::shared::Error::Unrecoverable): two of its
    /// registers are written by everybody, so nobody can tell what the dead one has left in them. (One
    /// that found somebody before it, and waits with its flag down, leaves nothing.) It is so until the
    /// segment is removed, or the machine restarted.
    FastUnrecoverable,
    /// [`Peterson`](crate::algorithm::Peterson), in the form with a swap: two slots.
    Peterson,
    /// [`Filter`](crate::algorithm::Filter), with swaps: no order.
    Filter,
    /// [`Tournament`](crate::algorithm::Tournament), with swaps: no order.
    Tournament,
    /// [`Ticket`](crate::algorithm::Ticket): first come first served.
    Ticket,
    /// [`Bypass`](crate::algorithm::Bypass): whoever waits is passed at most 1,024 times, and 512
    /// times more for each participant that dies on its way from the line into the lock; those who
    /// wait go in in their order. One that gives up when it is the first in line (a deadline) begins
    /// anew at the end: see [its deadlines](crate::algorithm::BypassOn#deadlines).
    Bypass,
}

impl Kind {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 8] = [
        Self::Bakery,
        Self::BlackWhite,
        Self::FastUnrecoverable,
        Self::Peterson,
        Self::Filter,
        Self::Tournament,
        Self::Ticket,
        Self::Bypass,
    ];

    /// How it is written in a segment's header. Never 0, and never given to another algorithm.
    pub(crate) const fn code(self) -> u32 {
        self as u32 + 1
    }

    pub(crate) fn from_code(code: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// The fewest and the most slots that a lock of this kind can have.
    #[must_use]
    pub const fn slots(self) -> (u32, u32) {
        match self {
            Self::Peterson => (2, 2),
            _ => (2, 4096),
        }
    }

    /// Whether what a dead participant leaves behind can be cleared away.
    #[must_use]
    pub const fn can_recover(self) -> bool {
        !matches!(self, Self::FastUnrecoverable)
    }

    /// The number of slots of a segment, unless [`Options::slots`](crate::shared::Options::slots)
    /// says otherwise: 1,024 where a passage costs as much as there are who have joined, or less;
    /// 64 where it grows with the room.
    #[must_use]
    pub const fn default_slots(self) -> u32 {
        match self {
            Self::Bakery | Self::BlackWhite | Self::Ticket | Self::Bypass => 1024,
            Self::FastUnrecoverable | Self::Filter | Self::Tournament => 64,
            Self::Peterson => 2,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Bakery => "bakery",
            Self::BlackWhite => "black-white",
            Self::FastUnrecoverable => "fast-unrecoverable",
            Self::Peterson => "peterson",
            Self::Filter => "filter",
            Self::Tournament => "tournament",
            Self::Ticket => "ticket",
            Self::Bypass => "bypass",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The name is none of an algorithm's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no algorithm {0:?}; there are bakery, black-white, fast-unrecoverable, peterson, filter, tournament, ticket, bypass"
)]
pub struct UnknownKind(String);

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| UnknownKind(name.to_owned()))
    }
}
