//! A participant inside.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::lease::Lease;
use crate::mutex::check_note;
use crate::seat::Attempt;
use crate::{Death, Error, Result};

/// A participant inside.
///
/// Whether it still is, is another question: no guard between machines can promise that. It says that it
/// is [lost](Self::lost) before the engine could give the lock away; but the process that holds it may
/// be stopped right after it has asked. So give the [token](Self::token) to what the lock protects, and
/// have it refuse a smaller one than it has seen.
///
/// Dropped, it unlocks in the background, as well as it can: [`unlock`](Self::unlock) is better. It is not
/// `Clone`: one guard, one holder.
///
/// One session has one guard at a time:
///
/// ```compile_fail,E0499
/// # async fn two(mut me: bakery_distributed::Participant) -> bakery_distributed::Result<()> {
/// let first = me.lock().await?;
/// let second = me.lock().await?;
/// # drop(first);
/// # Ok(())
/// # }
/// ```
#[must_use = "a guard that is dropped at once releases the lock at once"]
pub struct Guard<'p> {
    attempt: Attempt,
    token: u64,
    deaths: Vec<Death>,
    /// Closed when the guard is gone.
    held: watch::Sender<()>,
    participant: PhantomData<&'p mut ()>,
}

impl Guard<'_> {
    pub(crate) fn new(attempt: Attempt, token: u64, deaths: Vec<Death>) -> Self {
        Self { attempt, token, deaths, held: watch::Sender::new(()), participant: PhantomData }
    }

    /// The same, for whoever has the participant beside it.
    pub(crate) fn detached(self) -> Guard<'static> {
        let Self { attempt, token, deaths, held, participant: _ } = self;
        Guard { attempt, token, deaths, held, participant: PhantomData }
    }

    /// The number of this acquisition: greater than that of each one before, over restarts of everything.
    /// Each engine's page says which number it is.
    ///
    /// A *fencing token*: whoever keeps the greatest that it has seen can refuse what comes from a holder
    /// that has lost the lock. It is the same after the guard is lost, so that it can be refused.
    #[must_use]
    pub fn token(&self) -> u64 {
        self.token
    }

    /// Who left without unlocking before this one went in, the last one of several; repaired since if it
    /// was to be.
    #[must_use]
    pub fn death(&self) -> Option<&Death> {
        self.deaths.last()
    }

    /// Whether the engine may have given the lock away, or will any moment. Once true it stays so.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.attempt.life.lease.is_over()
    }

    /// For how long the lock is certain to be held if no renewal is answered any more.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        self.attempt.life.lease.left()
    }

    /// Comes back when the lock [is lost](Self::is_lost): 5 % of the session's time before the engine could
    /// give it away.
    ///
    /// It borrows nothing: it may go into a task of its own.
    pub fn lost(&self) -> impl Future<Output = ()> + Send + 'static {
        let lease = self.lease();
        async move { lease.over().await }
    }

    /// Asks the engine whether the lock is held.
    ///
    /// # Errors
    ///
    /// [`Error::Lost`](crate::Error::Lost) if not, and from then on the guard [is lost](Self::is_lost);
    /// otherwise there was no answer.
    pub async fn check(&self) -> Result<()> {
        self.attempt.check().await
    }

    /// Has the others see this in [`status`](crate::Mutex::status), instead of the
    /// [note](crate::Options::note) so far. Of one that is lost nothing is seen any more.
    ///
    /// # Errors
    ///
    /// [`Error::BadNote`](crate::Error::BadNote) if it cannot be kept; [`Error::Lost`](crate::Error::Lost)
    /// if the lock was lost before there was an answer.
    pub async fn say(&self, note: &str) -> Result<()> {
        check_note(note)?;
        self.attempt.say(note).await
    }

    /// Unlocks. Of one that is lost as well: its place is gone, and that is no error.
    ///
    /// Dropped before it is ready, it goes on in the background.
    ///
    /// # Errors
    ///
    /// If the engine refuses. Then the session is ended.
    pub async fn unlock(self) -> Result<()> {
        self.attempt.leave().await
    }

    pub(crate) fn lease(&self) -> Arc<Lease> {
        self.attempt.life.lease.clone()
    }

    /// What is closed when the guard is gone.
    pub(crate) fn held(&self) -> watch::Receiver<()> {
        self.held.subscribe()
    }

    pub(crate) fn error_of_loss(&self) -> Error {
        self.attempt.lost()
    }

    pub(crate) fn clear(&self) {
        self.attempt.clear();
    }
}

impl fmt::Debug for Guard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("line", &self.attempt.line())
            .field("token", &self.token)
            .field("time_left", &self.time_left())
            .finish_non_exhaustive()
    }
}
