//! Guards that own their participant.

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use tokio::time::Instant;

use crate::{
    Candidate, Death, Error, Guard, Leadership, Participant, Result, RwParticipant,
    SemaphoreParticipant,
};

/// A participant inside, with the guard as its owner: what [`Participant::lock_owned`] and its like give.
///
/// It borrows nothing: it can stand in a struct, be returned, and go into a task of its own. Otherwise it is
/// a [`Guard`]. Dropped, it unlocks and ends the session, both in the background; [`unlock`](Self::unlock)
/// gives the participant back.
///
/// ```no_run
/// # use bakery_distributed::{Error, OwnedGuard, connect};
/// async fn inside(url: &str) -> Result<OwnedGuard, Error> {
///     let me = connect(url)?.mutex("lines")?.join().await?;
///     Ok(me.lock_owned().await?)
/// }
/// ```
#[must_use = "a guard that is dropped at once releases the lock at once"]
#[derive(Debug)]
pub struct OwnedGuard<P = Participant> {
    // Dropped first.
    guard: Guard<'static>,
    participant: P,
}

/// Why a participant that was to be owned is not inside; and the participant, whose session it has not cost.
pub struct OwnedError<P = Participant, E = Error> {
    /// What went wrong. [`Error::Busy`] if nothing did, and it was not its turn in time.
    pub error: E,
    /// The participant, for another attempt.
    pub participant: P,
}

impl<P> OwnedGuard<P> {
    fn new<E>(locked: Result<Guard<'static>, E>, participant: P) -> Result<Self, OwnedError<P, E>> {
        match locked {
            Ok(guard) => Ok(Self { guard, participant }),
            Err(error) => Err(OwnedError { error, participant }),
        }
    }

    /// Unlocks in the background.
    pub(crate) fn into_participant(self) -> P {
        self.participant
    }

    /// [`Guard::unlock`]; gives the participant back.
    ///
    /// Dropped before it is ready, it goes on in the background, and the session ends.
    ///
    /// # Errors
    ///
    /// As there, with the participant.
    pub async fn unlock(self) -> Result<P, OwnedError<P>> {
        let Self { guard, participant } = self;
        match guard.unlock().await {
            Ok(()) => Ok(participant),
            Err(error) => Err(OwnedError { error, participant }),
        }
    }
}

impl<P> Deref for OwnedGuard<P> {
    type Target = Guard<'static>;

    fn deref(&self) -> &Guard<'static> {
        &self.guard
    }
}

/// What the forms give that borrow.
trait Outcome {
    /// The guard, unless it was not its turn in time.
    fn guard(self) -> Option<Guard<'static>>;
}

impl Outcome for Guard<'_> {
    fn guard(self) -> Option<Guard<'static>> {
        Some(self.detached())
    }
}

impl Outcome for Option<Guard<'_>> {
    fn guard(self) -> Option<Guard<'static>> {
        self.map(Guard::detached)
    }
}

impl Outcome for Leadership<'_> {
    fn guard(self) -> Option<Guard<'static>> {
        Some(self.into_guard().detached())
    }
}

/// Each form of a participant that borrows it, as one that owns it.
macro_rules! owned {
    ($participant:ident: $($(#[$more:meta])* $owned:ident as $form:ident($($argument:ident: $type:ty)?);)*) => {
        impl $participant {
            $(
                #[doc = concat!("[`", stringify!($form), "`](Self::", stringify!($form), "),")]
                /// with a guard that owns this participant. A future that is dropped ends the session.
                $(#[$more])*
                ///
                /// # Errors
                ///
                /// As there, and [`Error::Busy`] where that gives none; with the participant.
                pub async fn $owned(
                    mut self,
                    $($argument: $type,)?
                ) -> Result<OwnedGuard<Self>, OwnedError<Self>> {
                    let locked = self.$form($($argument)?).await.map(Outcome::guard);
                    let busy = || Error::Busy { line: self.line().to_owned() };
                    let locked = locked.and_then(|guard| guard.ok_or_else(busy));
                    OwnedGuard::new(locked, self)
                }
            )*
        }
    };
}

owned! { Participant:
    lock_owned as lock();
    try_lock_owned as try_lock();
    lock_owned_for as lock_for(timeout: Duration);
    lock_owned_until as lock_until(deadline: Instant);
}

owned! { RwParticipant:
    read_owned as read();
    try_read_owned as try_read();
    read_owned_for as read_for(timeout: Duration);
    write_owned as write();
    try_write_owned as try_write();
    write_owned_for as write_for(timeout: Duration);
}

owned! { SemaphoreParticipant:
    acquire_owned as acquire();
    try_acquire_owned as try_acquire();
    acquire_owned_for as acquire_for(time: Duration);
}

owned! { Candidate:
    /// The guard [says](Guard::say) what a leader proclaims, and [unlocks](OwnedGuard::unlock) when it resigns.
    campaign_owned as campaign(note: &str);
}

impl Participant {
    /// [`lock_or_repair`](Self::lock_or_repair), with a guard that owns this participant. A future that is
    /// dropped ends the session.
    ///
    /// # Errors
    ///
    /// As there, with the participant.
    pub async fn lock_owned_or_repair<E, F>(
        mut self,
        repair: impl FnOnce(Death) -> F,
    ) -> Result<OwnedGuard, OwnedError<Self, E>>
    where
        E: From<Error>,
        F: Future<Output = Result<(), E>>,
    {
        let locked = self.lock_or_repair(repair).await.map(Guard::detached);
        OwnedGuard::new(locked, self)
    }
}

impl<P> From<OwnedError<P>> for Error {
    /// Drops the participant.
    fn from(failed: OwnedError<P>) -> Self {
        failed.error
    }
}

impl<P, E: fmt::Display> fmt::Display for OwnedError<P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<P, E: fmt::Debug> fmt::Debug for OwnedError<P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedError").field("error", &self.error).finish_non_exhaustive()
    }
}

impl<P, E: std::error::Error> std::error::Error for OwnedError<P, E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}
