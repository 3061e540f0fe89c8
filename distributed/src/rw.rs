//! A lock that is shared by readers.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::{Engine, Mode};
use crate::{Death, Error, Guard, Mutex, Options, Participant, Result, Status};

/// A lock of a name: one writer, or any number of readers. First come first served: neighbouring readers
/// go in together, and one that comes after a writer waits for it, so no writer starves.
///
/// It is the same line as that of the [`Mutex`] of this name, whose holders are writers.
#[derive(Clone, Debug)]
pub struct RwLock {
    mutex: Mutex,
}

impl RwLock {
    /// The lock of this name.
    ///
    /// # Errors
    ///
    /// [`Error::BadName`]: see [`check_name`](crate::check_name).
    pub fn new(engine: Arc<dyn Engine>, name: &str) -> Result<Self> {
        Mutex::new(engine, name).map(|mutex| Self { mutex })
    }

    /// The same lock, with other [`Options`] for those who join by this value.
    #[must_use]
    pub fn with(self, options: Options) -> Self {
        Self { mutex: self.mutex.with(options) }
    }

    /// Becomes a participant: opens a session.
    ///
    /// # Errors
    ///
    /// As [`Mutex::join`].
    pub async fn join(&self) -> Result<RwParticipant> {
        Ok(RwParticipant { participant: self.mutex.join().await? })
    }

    /// Who is inside, who waits, and which writers left without unlocking.
    ///
    /// # Errors
    ///
    /// As [`Mutex::status`].
    pub async fn status(&self) -> Result<Status> {
        self.mutex.status().await
    }
}

/// One participant of a [`RwLock`]: a session of its own, which reads or writes.
///
/// Each method is that of [`Participant`] which the name reminds of. A reader that leaves without unlocking
/// has left nothing half-written, and nobody is told.
#[derive(Debug)]
pub struct RwParticipant {
    participant: Participant,
}

#[expect(clippy::missing_errors_doc, reason = "they are those of the methods of `Participant`")]
impl RwParticipant {
    /// [`Participant::lock`], to read.
    pub async fn read(&mut self) -> Result<Guard<'_>> {
        self.as_a(Mode::Shared).lock().await
    }

    /// [`Participant::try_lock`], to read.
    pub async fn try_read(&mut self) -> Result<Option<Guard<'_>>> {
        self.as_a(Mode::Shared).try_lock().await
    }

    /// [`Participant::lock_for`], to read.
    pub async fn read_for(&mut self, timeout: Duration) -> Result<Option<Guard<'_>>> {
        self.as_a(Mode::Shared).lock_for(timeout).await
    }

    /// [`Participant::lock`], to write.
    pub async fn write(&mut self) -> Result<Guard<'_>> {
        self.as_a(Mode::Exclusive).lock().await
    }

    /// [`Participant::try_lock`], to write.
    pub async fn try_write(&mut self) -> Result<Option<Guard<'_>>> {
        self.as_a(Mode::Exclusive).try_lock().await
    }

    /// [`Participant::lock_for`], to write.
    pub async fn write_for(&mut self, timeout: Duration) -> Result<Option<Guard<'_>>> {
        self.as_a(Mode::Exclusive).lock_for(timeout).await
    }

    /// [`Participant::lock_or_repair`], to write.
    pub async fn write_or_repair<E, F>(
        &mut self,
        repair: impl FnOnce(Death) -> F,
    ) -> Result<Guard<'_>, E>
    where
        E: From<Error>,
        F: Future<Output = Result<(), E>>,
    {
        self.as_a(Mode::Exclusive).lock_or_repair(repair).await
    }

    /// [`Participant::leave`].
    pub async fn leave(self) -> Result<()> {
        self.participant.leave().await
    }

    pub(crate) fn line(&self) -> &str {
        self.participant.line()
    }

    fn as_a(&mut self, mode: Mode) -> &mut Participant {
        self.participant.set_mode(mode);
        &mut self.participant
    }
}
