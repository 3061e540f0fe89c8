//! Participants, and those of them that have their place in the line.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::engine::{Mode, Patience, Turn};
use crate::guard::Guard;
use crate::seat::{Ask, Attempt, Seat};
use crate::{Death, Error, Result};

/// One participant of a [`Mutex`](crate::Mutex): a session of its own, which is renewed until it is
/// dropped.
///
/// It works on the tokio runtime that it joined on.
pub struct Participant {
    seat: Arc<Seat>,
    ask: Ask,
}

impl Participant {
    pub(crate) fn new(seat: Arc<Seat>) -> Self {
        let ask = Ask { mode: Mode::Exclusive, note: seat.options.note.clone() };
        Self { seat, ask }
    }

    /// Waits for this participant's turn.
    ///
    /// A future that is dropped steps out of the line, in the background; the participant's next attempt
    /// waits for that.
    ///
    /// # Errors
    ///
    /// - [`Error::OwnerDied`] if somebody left without unlocking and nobody has repaired what the lock
    ///   protects (unless the lock is without [poisoning](crate::Options::poisoning)). It stays so for
    ///   whoever comes next.
    /// - [`Error::Lost`] if the session ended meanwhile, and with it the place in line.
    /// - [`Error::Refused`] if the engine refuses, and [`Error::Unreachable`] if there is no session, and
    ///   no server to open one.
    pub async fn lock(&mut self) -> Result<Guard<'_>> {
        let (attempt, turn) = self.seat.enter(&self.ask, Patience::Endless).await?;
        self.inside(attempt, turn).await?.sound().await
    }

    /// Waits for this participant's turn; and if somebody left without unlocking, has what the lock
    /// protects repaired first.
    ///
    /// `repair` is told who it was, the last one of several. If it fails or is dropped, what the lock
    /// protects stays as it was, and so does what the next one is told.
    ///
    /// # Errors
    ///
    /// As [`lock`](Self::lock), but for [`Error::OwnerDied`]; and those of `repair`.
    pub async fn lock_or_repair<E, F>(
        &mut self,
        repair: impl FnOnce(Death) -> F,
    ) -> Result<Guard<'_>, E>
    where
        E: From<Error>,
        F: Future<Output = Result<(), E>>,
    {
        let (attempt, turn) = self.seat.enter(&self.ask, Patience::Endless).await?;
        let guard = self.inside(attempt, turn).await?.0;
        if let Some(death) = guard.death() {
            repair(death.clone()).await?;
            guard.clear();
        }
        Ok(guard)
    }

    /// Takes the lock if nobody is in it or in line for it.
    ///
    /// # Errors
    ///
    /// As [`lock`](Self::lock).
    pub async fn try_lock(&mut self) -> Result<Option<Guard<'_>>> {
        match self.seat.enter(&self.ask, Patience::None).await? {
            (attempt, turn @ Turn::Mine { .. }) => {
                Ok(Some(self.inside(attempt, turn).await?.sound().await?))
            }
            (attempt, _) => attempt.leave().await.map(|()| None),
        }
    }

    /// Waits for this participant's turn, but not longer than this: `None` if the time is over. A free
    /// lock is taken even with a timeout of zero. If no server answers, it may take the session's time to
    /// find that out.
    ///
    /// # Errors
    ///
    /// As [`lock`](Self::lock).
    pub async fn lock_for(&mut self, timeout: Duration) -> Result<Option<Guard<'_>>> {
        // As good as never, where the sum does not fit.
        const CENTURY: Duration = Duration::from_hours(100 * 365 * 24);
        let now = Instant::now();
        self.lock_until(now.checked_add(timeout).unwrap_or(now + CENTURY)).await
    }

    /// Waits for this participant's turn, but not longer than until then.
    ///
    /// # Errors
    ///
    /// As [`lock`](Self::lock).
    pub async fn lock_until(&mut self, deadline: Instant) -> Result<Option<Guard<'_>>> {
        let (attempt, turn) = match self.seat.enter(&self.ask, Patience::None).await? {
            free @ (_, Turn::Mine { .. }) => free,
            (attempt, _) => {
                attempt.leave().await?;
                let entry = self.seat.enter(&self.ask, Patience::Endless);
                let Ok(entered) = timeout_at(deadline, entry).await else { return Ok(None) };
                entered?
            }
        };
        match timeout_at(deadline, self.inside(attempt, turn)).await {
            Ok(inside) => Ok(Some(inside?.sound().await?)),
            Err(_) => Ok(None),
        }
    }

    /// Enters the line and comes back before the wait: from here on this participant has its place in it.
    ///
    /// # Errors
    ///
    /// As [`lock`](Self::lock).
    pub async fn enter(&mut self) -> Result<Waiting<'_>> {
        let (attempt, turn) = self.seat.enter(&self.ask, Patience::Endless).await?;
        attempt.placed().await?;
        Ok(Waiting { participant: self, attempt, turn })
    }

    /// Ends the session. Dropping it does so in the background; a program that ends right after that may
    /// not get to it, and then the next one waits until the session ends by itself.
    ///
    /// # Errors
    ///
    /// [`Error::NoRuntime`] if the runtime has ended.
    pub async fn leave(self) -> Result<()> {
        self.seat.close().await
    }

    /// With whom the next attempt gets along.
    pub(crate) fn set_mode(&mut self, mode: Mode) {
        self.ask.mode = mode;
    }

    /// What the others are to see of the next attempt.
    pub(crate) fn set_note(&mut self, note: &str) {
        self.ask.note = note.into();
    }

    pub(crate) fn line(&self) -> &str {
        self.seat.line()
    }

    async fn inside(&self, attempt: Attempt, turn: Turn) -> Result<Inside<'_>> {
        let (token, deaths) = attempt.wait(turn).await?;
        let is_exclusive = self.ask.mode == Mode::Exclusive;
        if !self.seat.options.poisoning && is_exclusive && !deaths.is_empty() {
            attempt.clear();
        }
        Ok(Inside(Guard::new(attempt, token, deaths), self))
    }
}

/// A guard of which nobody has asked yet whether what it protects is sound.
struct Inside<'p>(Guard<'p>, &'p Participant);

impl<'p> Inside<'p> {
    async fn sound(self) -> Result<Guard<'p>> {
        let Self(guard, participant) = self;
        match guard.death().cloned() {
            Some(death) if participant.seat.options.poisoning => {
                let line = participant.line().to_owned();
                guard.unlock().await?;
                Err(Error::OwnerDied { line, death })
            }
            _ => Ok(guard),
        }
    }
}

/// Ends the session, in the background.
impl Drop for Participant {
    fn drop(&mut self) {
        self.seat.abandon();
    }
}

impl fmt::Debug for Participant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Participant").field("line", &self.line()).finish_non_exhaustive()
    }
}

/// A participant that has its place in the line: nobody behind it gets in until it has waited and left,
/// or is dropped. Dropped, it steps out of the line, in the background.
#[must_use = "a participant in line that is dropped steps out of the line"]
#[derive(Debug)]
pub struct Waiting<'p> {
    participant: &'p mut Participant,
    attempt: Attempt,
    turn: Turn,
}

impl<'p> Waiting<'p> {
    /// Waits for this participant's turn.
    ///
    /// # Errors
    ///
    /// As [`Participant::lock`].
    pub async fn wait(self) -> Result<Guard<'p>> {
        let Self { participant, attempt, turn } = self;
        let participant: &'p Participant = participant;
        participant.inside(attempt, turn).await?.sound().await
    }
}
