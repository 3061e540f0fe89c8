//! A leader, of those who would be one.

use std::ops::Deref;
use std::sync::Arc;

use crate::engine::{Engine, Line};
use crate::mutex::check_note;
use crate::{Competitor, Guard, Mutex, Options, Participant, Result, Status};

/// An election of a name: whoever campaigns first leads until it resigns or its session ends, then the one
/// that came next.
///
/// It is the line of the [`Mutex`] of this name. A leader that died is no reason for the next one not to
/// lead: [`Guard::death`] tells of it.
#[derive(Clone, Debug)]
pub struct Election {
    mutex: Mutex,
}

impl Election {
    /// The election of this name.
    ///
    /// # Errors
    ///
    /// [`Error::BadName`](crate::Error::BadName): see [`check_name`](crate::check_name).
    pub fn new(engine: Arc<dyn Engine>, name: &str) -> Result<Self> {
        let mutex = Mutex::new(engine, name)?;
        Ok(Self { mutex }.with(Options::default()))
    }

    /// The same election, with other [`Options`] for those who join by this value; without poisoning and
    /// recorded in any case.
    #[must_use]
    pub fn with(self, options: Options) -> Self {
        Self { mutex: self.mutex.with(options.poisoning(false).recorded(true)) }
    }

    /// Becomes a candidate: opens a session.
    ///
    /// # Errors
    ///
    /// As [`Mutex::join`].
    pub async fn join(&self) -> Result<Candidate> {
        Ok(Candidate { participant: self.mutex.join().await? })
    }

    /// Who leads, and who would.
    ///
    /// # Errors
    ///
    /// As [`Mutex::status`].
    pub async fn status(&self) -> Result<Status> {
        self.mutex.status().await
    }

    /// Looks on. Takes no part, and needs no session.
    #[must_use]
    pub fn observe(&self) -> Observer {
        Observer { election: self.clone(), known: None }
    }
}

/// One who would lead: a session of its own.
#[derive(Debug)]
pub struct Candidate {
    participant: Participant,
}

impl Candidate {
    /// Waits until it leads. The others see this note: where the leader can be reached, for instance.
    ///
    /// # Errors
    ///
    /// As [`Participant::lock`], and [`Error::BadNote`](crate::Error::BadNote).
    pub async fn campaign(&mut self, note: &str) -> Result<Leadership<'_>> {
        check_note(note)?;
        self.participant.set_note(note);
        Ok(Leadership { guard: self.participant.lock().await? })
    }

    /// [`Participant::leave`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn leave(self) -> Result<()> {
        self.participant.leave().await
    }

    pub(crate) fn line(&self) -> &str {
        self.participant.line()
    }
}

/// One who leads: its [`Guard`], and what a leader can do besides.
#[derive(Debug)]
#[must_use = "a leadership that is dropped is given up"]
pub struct Leadership<'p> {
    guard: Guard<'p>,
}

impl<'p> Leadership<'p> {
    pub(crate) fn into_guard(self) -> Guard<'p> {
        self.guard
    }

    /// Has the others see another note.
    ///
    /// # Errors
    ///
    /// As [`Guard::say`].
    pub async fn proclaim(&self, note: &str) -> Result<()> {
        self.guard.say(note).await
    }

    /// Leads no more.
    ///
    /// # Errors
    ///
    /// As [`Guard::unlock`].
    pub async fn resign(self) -> Result<()> {
        self.guard.unlock().await
    }
}

impl<'p> Deref for Leadership<'p> {
    type Target = Guard<'p>;

    fn deref(&self) -> &Guard<'p> {
        &self.guard
    }
}

/// One who looks on.
#[derive(Debug)]
pub struct Observer {
    election: Election,
    known: Option<Line>,
}

impl Observer {
    /// The leader, if there is one: first as it is, then whenever it is another one or says something else.
    /// One that leads only shortly may be missed. Whoever has no token does not lead: with PostgreSQL one
    /// that is just going in, or holds the lock without this library.
    ///
    /// Nothing is lost if the future is dropped.
    ///
    /// # Errors
    ///
    /// If no server answers, or it refuses. It can be asked again.
    pub async fn next(&mut self) -> Result<Option<Competitor>> {
        let Election { mutex } = &self.election;
        loop {
            let line = mutex.look().await?;
            let told = self.known.replace(line.clone());
            if told.is_none_or(|told| leader(&told) != leader(&line)) {
                return Ok(leader(&line).cloned());
            }
            mutex.changed(&line).await?;
        }
    }
}

fn leader(line: &Line) -> Option<&Competitor> {
    line.inside.first().filter(|first| first.token > 0)
}
