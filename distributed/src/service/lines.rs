//! The coordinator's lines, as a state machine: whoever runs it says what time it is, and what the next token is.
//!
//! Who waits has a [`Gone`] of what it waits for, which is told by being dropped with it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::engine::{Entry, Line, Me, Patience, Place, Renewal, Turn};
use crate::{Competitor, Death, Mode, Result};

/// A session's number.
pub(super) type Id = u64;

/// Comes to its end when what it is of is gone.
pub(super) type Gone = watch::Receiver<()>;

/// What whoever is first in line waits for after a restart. No place has this number.
pub(super) const RESTART: u64 = 0;

#[derive(Debug, Default)]
pub(super) struct Lines {
    rows: HashMap<Arc<str>, Row>,
    sessions: HashMap<Id, Session>,
    /// When each session ends that is not renewed.
    ends: BTreeSet<(Duration, Id)>,
    /// How many sessions there are of each time.
    times: BTreeMap<Duration, usize>,
    last: Id,
    /// Nobody goes in before that: others may be inside that are not known here.
    closed_until: Duration,
}

#[derive(Debug)]
struct Session {
    ttl: Duration,
    end: Duration,
    /// Its attempts, and their orders.
    places: HashMap<(Arc<str>, u64), u64>,
    gone: watch::Sender<()>,
}

/// A line by the orders of those in it, which are their tokens.
#[derive(Debug, Default)]
struct Row {
    standing: BTreeMap<u64, Standing>,
    records: BTreeMap<u64, Death>,
    changed: watch::Sender<()>,
}

#[derive(Debug)]
struct Standing {
    entry: Entry,
    gone: watch::Sender<()>,
}

impl Lines {
    /// Nobody goes in before that time.
    pub(super) fn new(closed_until: Duration) -> Self {
        Self { closed_until, ..Self::default() }
    }

    pub(super) fn closed_until(&self) -> Duration {
        self.closed_until
    }

    /// The longest time of a session that is open.
    pub(super) fn longest(&self) -> Duration {
        self.times.last_key_value().map_or(Duration::ZERO, |(ttl, _)| *ttl)
    }

    /// When the next session ends, if it is not renewed.
    pub(super) fn next_end(&self) -> Option<Duration> {
        self.ends.first().map(|(end, _)| *end)
    }

    pub(super) fn open(&mut self, now: Duration, ttl: Duration) -> (Id, Gone) {
        self.last += 1;
        let (gone, is_gone) = watch::channel(());
        let end = now.saturating_add(ttl);
        self.sessions.insert(self.last, Session { ttl, end, places: HashMap::new(), gone });
        self.ends.insert((end, self.last));
        *self.times.entry(ttl).or_default() += 1;
        (self.last, is_gone)
    }

    pub(super) fn renew(&mut self, now: Duration, id: Id) -> Renewal {
        let Some(session) = self.sessions.get_mut(&id) else { return Renewal::Ended };
        self.ends.remove(&(session.end, id));
        session.end = now.saturating_add(session.ttl);
        self.ends.insert((session.end, id));
        Renewal::Alive
    }

    /// Ends the sessions whose time is over.
    pub(super) fn expire(&mut self, now: Duration) {
        while let Some((end, id)) = self.ends.first().copied()
            && end <= now
        {
            self.close(id);
        }
    }

    /// Ends a session: its places are gone, and the records of where it was inside are deaths.
    pub(super) fn close(&mut self, id: Id) {
        let Some(Session { ttl, end, places, gone }) = self.sessions.remove(&id) else { return };
        drop(gone);
        self.ends.remove(&(end, id));
        if let Some(count) = self.times.get_mut(&ttl) {
            *count -= 1;
            if *count == 0 {
                self.times.remove(&ttl);
            }
        }
        for ((line, _), order) in &places {
            self.change(line, |row| {
                row.standing.remove(order);
            });
        }
    }

    /// Goes to the end of the line, or only in. `next` is asked for the token if there is to be one.
    pub(super) fn enter(
        &mut self,
        now: Duration,
        id: Id,
        me: &Me,
        patience: Patience,
        next: impl FnOnce() -> Result<u64>,
    ) -> Result<Turn> {
        let Some(session) = self.sessions.get(&id) else { return Ok(Turn::Out) };
        let key = (me.line.clone(), me.attempt);
        if session.places.contains_key(&key) {
            return Ok(self.poll(now, id, me));
        }
        let row = self.rows.get(&me.line);
        let is_free = row.is_none_or(|row| row.before(u64::MAX, me.mode).is_none());
        if patience == Patience::None && !(is_free && now >= self.closed_until) {
            return Ok(Turn::Out);
        }
        let order = next()?;
        let place = Place { key: format!("{id}.{}", me.attempt), order };
        let (mode, who, note) = (me.mode, me.who.clone(), me.note.to_string());
        let entry = Entry { place, mode, who, note, since: Some(me.since) };
        let standing = Standing { entry, gone: watch::Sender::new(()) };
        self.change(&me.line, |row| {
            row.standing.insert(order, standing);
        });
        if let Some(session) = self.sessions.get_mut(&id) {
            session.places.insert(key, order);
        }
        Ok(self.poll(now, id, me))
    }

    /// Whose turn it is.
    pub(super) fn poll(&mut self, now: Duration, id: Id, me: &Me) -> Turn {
        let Some(token) = self.order(id, me) else { return Turn::Out };
        let _ = me.order.set(token);
        let Some(row) = self.rows.get_mut(&me.line) else { return Turn::Out };
        if let Some(before) = row.before(token, me.mode) {
            return Turn::Blocked(before.entry.place.clone());
        }
        if now < self.closed_until {
            return Turn::Blocked(Place { key: "restart".to_owned(), order: RESTART });
        }
        if me.is_recorded
            && me.mode == Mode::Exclusive
            && let Some(standing) = row.standing.get(&token)
        {
            row.records.entry(token).or_insert_with(|| death(&standing.entry));
        }
        let others = row.records.iter().filter(|(order, _)| **order != token);
        Turn::Mine { token, deaths: others.map(|(_, death)| death.clone()).collect() }
    }

    /// The end of a place in a line; `None` if it is gone already.
    pub(super) fn gone(&self, line: &str, order: u64) -> Option<Gone> {
        Some(self.rows.get(line)?.standing.get(&order)?.gone.subscribe())
    }

    pub(super) fn holds(&self, id: Id, me: &Me) -> bool {
        let row = self.rows.get(&me.line);
        let order = self.order(id, me);
        row.zip(order).is_some_and(|(row, order)| row.before(order, me.mode).is_none())
    }

    /// Changes the note of one that is in the line.
    pub(super) fn say(&mut self, id: Id, me: &Me, note: &str) {
        let Some(order) = self.order(id, me) else { return };
        self.change(&me.line, |row| {
            if let Some(standing) = row.standing.get_mut(&order) {
                note.clone_into(&mut standing.entry.note);
            }
            if let Some(record) = row.records.get_mut(&order) {
                note.clone_into(&mut record.note);
            }
        });
    }

    pub(super) fn leave(&mut self, id: Id, me: &Me, clear: bool) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(order) = session.places.remove(&(me.line.clone(), me.attempt)) else { return };
        self.change(&me.line, |row| {
            row.standing.remove(&order);
            row.records.retain(|other, _| *other != order && !clear);
        });
    }

    pub(super) fn look(&self, now: Duration, line: &str) -> Line {
        let Some(row) = self.rows.get(line) else { return Line::default() };
        let entries = row.standing.values().map(|standing| standing.entry.clone());
        let records = row.records.iter().filter(|(order, _)| !row.standing.contains_key(order));
        let deaths = records.map(|(_, death)| death.clone()).collect();
        let line = Line::of(entries.collect(), deaths);
        if now < self.closed_until { line.closed() } else { line }
    }

    /// The next change of a line, also of one in which nobody is. [`forget`](Self::forget) is to be called when
    /// nobody waits for it any more.
    pub(super) fn changes(&mut self, line: &str) -> Gone {
        self.rows.entry(line.into()).or_default().changed.subscribe()
    }

    /// Forgets a line that nobody has anything to do with.
    pub(super) fn forget(&mut self, line: &str) {
        if self.rows.get(line).is_some_and(Row::is_of_no_use) {
            self.rows.remove(line);
        }
    }

    fn order(&self, id: Id, me: &Me) -> Option<u64> {
        self.sessions.get(&id)?.places.get(&(me.line.clone(), me.attempt)).copied()
    }

    fn change(&mut self, line: &Arc<str>, change: impl FnOnce(&mut Row)) {
        let row = self.rows.entry(line.clone()).or_default();
        change(row);
        row.changed.send_replace(());
        self.forget(line);
    }
}

impl Line {
    /// The same, when whoever is first may not go in yet.
    pub(super) fn closed(mut self) -> Self {
        let first = self.inside.drain(..).map(|first| Competitor { token: 0, ..first });
        let first: Vec<_> = first.collect();
        self.queue.splice(..0, first);
        self
    }
}

impl Row {
    /// Whom one at this place has to wait for: see [`blocker`](crate::engine::blocker).
    fn before(&self, order: u64, mode: Mode) -> Option<&Standing> {
        let mut before = self.standing.range(..order).rev().map(|(_, standing)| standing);
        before.find(|other| mode == Mode::Exclusive || other.entry.mode == Mode::Exclusive)
    }

    fn is_of_no_use(&self) -> bool {
        let Self { standing, records, changed } = self;
        standing.is_empty() && records.is_empty() && changed.receiver_count() == 0
    }
}

fn death(entry: &Entry) -> Death {
    let Entry { place, who, note, since, .. } = entry.clone();
    Death { who, note, token: place.order, since }
}
