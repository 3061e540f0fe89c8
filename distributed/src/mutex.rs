//! A lock, by its name.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::engine::{Engine, Line};
use crate::life::persist;
use crate::participant::Participant;
use crate::seat::Seat;
use crate::{Error, Result, Status, Who};

/// A lock of a name on an engine: one at a time, first come first served.
///
/// It costs nothing until somebody [joins](Self::join).
#[derive(Clone, Debug)]
pub struct Mutex {
    engine: Arc<dyn Engine>,
    name: Arc<str>,
    options: Options,
}

/// How to take part.
#[derive(Clone, Debug)]
pub struct Options {
    pub(crate) ttl: Duration,
    pub(crate) poisoning: bool,
    pub(crate) is_recorded: bool,
    pub(crate) who: Who,
    pub(crate) note: Arc<str>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(10),
            poisoning: true,
            is_recorded: true,
            who: Who::this(),
            note: "".into(),
        }
    }
}

impl Options {
    /// After how much time without an answered renewal a session ends; 10 s if nothing is said. The next
    /// one waits so long when a holder's machine is gone; a holder that cannot reach the engine for so
    /// long has lost the lock.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// Whether [`lock`](Participant::lock) fails after somebody has left without unlocking, until
    /// somebody has [repaired](Participant::lock_or_repair) what the lock protects; yes if nothing is
    /// said. Without it, [`Guard::death`](crate::Guard::death) tells of it, once.
    #[must_use]
    pub fn poisoning(mut self, poisoning: bool) -> Self {
        self.poisoning = poisoning;
        self
    }

    /// Whether this participant leaves a record of being inside, by which the next one is told if it left
    /// without unlocking; yes if nothing is said.
    ///
    /// That record has to be written before it is in. Without it the hand-off takes one change of the servers
    /// less, and whoever comes next is not told if this one dies inside. It is still told of others itself.
    /// With PostgreSQL the others then do not see its token and its note either. Leaders are always recorded.
    #[must_use]
    pub fn recorded(mut self, recorded: bool) -> Self {
        self.is_recorded = recorded;
        self
    }

    /// What the others call this participant; its program's name if nothing is said. Up to 24 printable
    /// characters.
    #[must_use]
    pub fn called(mut self, name: &str) -> Self {
        self.who = self.who.called(name);
        self
    }

    /// What the others see of this participant beside who it is, until it [says](crate::Guard::say) something
    /// else: what it works on, or where it can be reached. Nothing if nothing is said.
    ///
    /// # Errors
    ///
    /// [`Error::BadNote`] if it has more than 4,096 bytes or a zero.
    pub fn note(mut self, note: &str) -> Result<Self> {
        check_note(note)?;
        self.note = note.into();
        Ok(self)
    }
}

/// Whether this can be a lock's name: 1 to 200 bytes, without slashes and control characters.
///
/// # Errors
///
/// [`Error::BadName`] if not.
pub fn check_name(name: &str) -> Result<()> {
    let why = if name.is_empty() {
        "it is empty"
    } else if name.len() > 200 {
        "it has more than 200 bytes"
    } else if name.contains('/') {
        "it has a slash, which is what the engines' own names are divided by"
    } else if name.chars().any(char::is_control) {
        "it has a control character"
    } else {
        return Ok(());
    };
    Err(Error::BadName { name: name.to_owned(), why })
}

pub(crate) fn check_note(note: &str) -> Result<()> {
    let why = if note.len() > 4096 {
        "it has more than 4,096 bytes"
    } else if note.contains('\0') {
        "it has a zero, which not all engines keep"
    } else {
        return Ok(());
    };
    Err(Error::BadNote { why })
}

impl Mutex {
    /// The lock of this name.
    ///
    /// # Errors
    ///
    /// [`Error::BadName`]: see [`check_name`].
    pub fn new(engine: Arc<dyn Engine>, name: &str) -> Result<Self> {
        check_name(name)?;
        Ok(Self { engine, name: name.into(), options: Options::default() })
    }

    /// The same lock, with other [`Options`] for those who join by this value.
    #[must_use]
    pub fn with(self, options: Options) -> Self {
        Self { options, ..self }
    }

    /// Becomes a participant: opens a session.
    ///
    /// # Errors
    ///
    /// If no server answers within the session's time, or it refuses.
    pub async fn join(&self) -> Result<Participant> {
        let Self { engine, name, options } = self.clone();
        Ok(Participant::new(Seat::join(engine, name, options).await?))
    }

    /// Who is inside, who waits, and who left without unlocking.
    ///
    /// # Errors
    ///
    /// If no server answers within the session's time, or it refuses.
    pub async fn status(&self) -> Result<Status> {
        Ok(Status::of(&self.name, self.look().await?))
    }

    pub(crate) async fn look(&self) -> Result<Line> {
        persist(self.options.ttl, || self.engine.look(&self.name)).await
    }

    /// Comes back when the line may have changed.
    pub(crate) async fn changed(&self, known: &Line) -> Result<()> {
        // However silent the engine, there is a look now and then.
        let changed = self.engine.changed(&self.name, known);
        timeout(self.options.ttl / 2, changed).await.unwrap_or(Ok(()))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}
