//! What an engine has to do, and nothing else: everything above it is written once.
//!
//! Another engine is one type that is an [`Engine`], and one that is its [`Session`].

use std::fmt;
use std::future::pending;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

pub use async_trait::async_trait;

use tokio::time::sleep;

use crate::{Competitor, Death, Result, Who};

/// Servers that keep lines.
#[async_trait]
pub trait Engine: fmt::Debug + Send + Sync + 'static {
    /// Opens a session. It ends by itself when it has not been renewed for `ttl`, or for the time that
    /// [`Session::ttl`] says.
    async fn open(&self, who: &Who, ttl: Duration) -> Result<Arc<dyn Session>>;

    /// Who is in this line: not as it was before the question.
    async fn look(&self, line: &str) -> Result<Line>;

    /// Comes back when the line is not as it was known to be any more. May come back early.
    async fn changed(&self, line: &str, known: &Line) -> Result<()> {
        while self.look(line).await? == *known {
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}

/// One competitor's life, as an engine sees it: its places in lines end with it.
///
/// No method waits for its turn but [`wait`](Self::wait). Each may be dropped at any await; those that
/// change something ([`enter`](Self::enter), [`poll`](Self::poll), [`say`](Self::say), [`leave`](Self::leave))
/// may then have done so, and are asked again. One of these runs at a time.
#[async_trait]
pub trait Session: fmt::Debug + Send + Sync + 'static {
    /// After how much time without a renewal the session ends; not less than it was opened with.
    fn ttl(&self) -> Duration;

    /// Renews the session. Whoever would end it has to answer: a copy that may lag does not count.
    async fn renew(&self) -> Result<Renewal>;

    /// Comes back when the session is known to have ended, if the engine tells of itself.
    async fn ended(&self) {
        pending::<()>().await;
    }

    /// Goes to the end of the line; and in, if nobody is in it. Asked again with the same `me`, it enters
    /// no second time. With [`Patience::None`] it only enters if it gets in, and is [`Turn::Out`] if not.
    ///
    /// Sets [`Me::order`] if it can.
    async fn enter(&self, me: &Me, patience: Patience) -> Result<Turn>;

    /// Comes back when the place in the line is certain, where `enter` comes back before that.
    async fn placed(&self, _me: &Me) -> Result<()> {
        Ok(())
    }

    /// Whose turn it is. [`Turn::Out`] only if the place is gone for certain, and not because the one who
    /// answers lags.
    ///
    /// Whoever goes in and [is recorded](Me::is_recorded) leaves a record of it, which
    /// [`leave`](Self::leave) takes away, and nothing else does: not the session's end. The records of
    /// others that are found are the deaths.
    async fn poll(&self, me: &Me) -> Result<Turn>;

    /// Comes back when the one before has left. May come back early.
    async fn wait(&self, me: &Me, before: &Place) -> Result<()>;

    /// Has the others see another [`Me::note`] of one that is inside. If its place is gone, all stays as it
    /// is.
    async fn say(&self, me: &Me, note: &str) -> Result<()>;

    /// Takes the place out of the line, and the record with it. With `clear` (only asked of one that is
    /// inside) the records of others too: what they left half-written is repaired. If the place is gone
    /// already, or never was, all stays as it is.
    async fn leave(&self, me: &Me, clear: bool) -> Result<()>;

    /// Whether the one that is inside still is, by an answer that no other one can contradict.
    async fn holds(&self, me: &Me) -> Result<bool>;

    /// Ends the session, and with it its places in lines.
    async fn close(&self) -> Result<()>;
}

/// What came of a renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// The session lives for its time from when this was asked for.
    Alive,
    /// It waits, and cannot be asked meanwhile; nor does it end by itself before it has got in.
    Busy,
    /// It has ended.
    Ended,
}

/// One attempt of a session to get in.
#[derive(Clone, Debug)]
pub struct Me {
    /// The name of the line: checked, see [`check_name`](crate::check_name).
    pub line: Arc<str>,
    /// Tells the attempts of one session apart; they grow.
    pub attempt: u64,
    /// With whom it gets along.
    pub mode: Mode,
    /// Whether it leaves a record when it goes in; only of an exclusive one.
    pub is_recorded: bool,
    /// Who it is.
    pub who: Who,
    /// What it says of itself: any text of up to 4,096 bytes without zeros.
    pub note: Arc<str>,
    /// Since when, by its own clock.
    pub since: SystemTime,
    /// What the engine calls its place, once it is known.
    pub order: OnceLock<u64>,
}

/// With whom one gets along inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// With nobody.
    Exclusive,
    /// With others that are shared.
    Shared,
}

/// How long to stand in line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Not at all.
    None,
    /// As long as it takes.
    Endless,
}

/// Whose turn it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// One's own.
    Mine {
        /// Greater than that of everybody who was in this line before.
        token: u64,
        /// Who left without unlocking, in the order of their tokens.
        deaths: Vec<Death>,
    },
    /// That of those before.
    Blocked(Place),
    /// One is not in the line.
    Out,
}

/// Whom to wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What the engine calls it.
    pub key: String,
    /// Where it is in the line, and which of those that have ever had this key.
    pub order: u64,
}

/// Somebody in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The place.
    pub place: Place,
    /// With whom it gets along.
    pub mode: Mode,
    /// Who it is.
    pub who: Who,
    /// What it says of itself.
    pub note: String,
    /// Since when, by its own clock.
    pub since: Option<SystemTime>,
}

/// A line, as it was at some moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Who is inside.
    pub inside: Vec<Competitor>,
    /// Who waits, in order.
    pub queue: Vec<Competitor>,
    /// Who left without unlocking.
    pub deaths: Vec<Death>,
}

/// Whom the one at `mine` has to wait for, of those in line: an exclusive one for the one right before it,
/// a shared one for the nearest exclusive one before it. Those behind do not count.
#[must_use]
pub fn blocker(line: &[Entry], mine: u64, mode: Mode) -> Option<&Entry> {
    line.iter()
        .filter(|entry| entry.place.order < mine)
        .filter(|entry| mode == Mode::Exclusive || entry.mode == Mode::Exclusive)
        .max_by_key(|entry| entry.place.order)
}

impl Line {
    /// A line of entries of which nobody has said who is inside: those that nobody blocks are. The order
    /// is the token.
    #[must_use]
    pub fn of(mut entries: Vec<Entry>, deaths: Vec<Death>) -> Self {
        entries.sort_by_key(|entry| entry.place.order);
        let mut line = Self { deaths, ..Self::default() };
        for Entry { place, mode, who, note, since } in &entries {
            let competitor = |token| Competitor {
                who: who.clone(),
                note: note.clone(),
                mode: *mode,
                token,
                since: *since,
            };
            match blocker(&entries, place.order, *mode) {
                None => line.inside.push(competitor(place.order)),
                Some(_) => line.queue.push(competitor(0)),
            }
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, Line, Mode, Place, blocker};
    use crate::Who;

    fn line(modes: &str) -> Vec<Entry> {
        let entry = |(order, mode): (u64, char)| Entry {
            place: Place { key: String::new(), order },
            mode: if mode == 'w' { Mode::Exclusive } else { Mode::Shared },
            who: Who::this(),
            note: String::new(),
            since: None,
        };
        (1..).zip(modes.chars()).map(entry).collect()
    }

    /// Whom each waits for.
    fn blockers(modes: &str) -> Vec<u64> {
        let line = line(modes);
        let of = |me: &Entry| blocker(&line, me.place.order, me.mode).map_or(0, |b| b.place.order);
        line.iter().map(of).collect()
    }

    #[test]
    fn writers_wait_for_the_one_before_and_readers_for_a_writer() {
        assert_eq!(blockers("wwww"), [0, 1, 2, 3]);
        assert_eq!(blockers("rrrr"), [0, 0, 0, 0]);
        assert_eq!(blockers("rrwrrwr"), [0, 0, 2, 3, 3, 5, 6]);
    }

    #[test]
    fn those_whom_nobody_blocks_are_inside() {
        let line = Line::of(line("rrwr"), Vec::new());
        assert_eq!((line.inside.len(), line.queue.len()), (2, 2));
    }
}
