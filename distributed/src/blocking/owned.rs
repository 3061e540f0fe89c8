//! Each form that owns its participant, as one that blocks.
#![expect(clippy::result_large_err, reason = "what comes back is as large as what was given")]

use std::time::{Duration, Instant};

use super::runtime::{block_on, runtime};
use super::{Blocking, Candidate, OwnedGuard, Participant, RwParticipant, SemaphoreParticipant};
use crate::{Death, Error, OwnedError, Result};

/// Blocks until it is known what comes of this participant.
fn own<P, E: From<Error>, F>(
    me: Blocking<P>,
    form: impl FnOnce(P) -> F,
) -> Result<OwnedGuard<P>, OwnedError<Blocking<P>, E>>
where
    F: Future<Output = Result<crate::OwnedGuard<P>, OwnedError<P, E>>>,
{
    match runtime() {
        Ok(runtime) => block_on(&runtime, form(me.0)).map(Blocking).map_err(failed),
        Err(error) => Err(OwnedError { error: error.into(), participant: me }),
    }
}

fn failed<P, E>(OwnedError { error, participant }: OwnedError<P, E>) -> OwnedError<Blocking<P>, E> {
    OwnedError { error, participant: Blocking(participant) }
}

impl<P> OwnedGuard<P> {
    /// [`unlock`](crate::OwnedGuard::unlock); gives the participant back.
    ///
    /// # Errors
    ///
    /// As there, and [`Error::Forked`]; with the participant.
    pub fn unlock(self) -> Result<Blocking<P>, OwnedError<Blocking<P>>> {
        match runtime() {
            Ok(runtime) => block_on(&runtime, self.0.unlock()).map(Blocking).map_err(failed),
            Err(error) => {
                Err(OwnedError { error, participant: Blocking(self.0.into_participant()) })
            }
        }
    }
}

macro_rules! owned {
    ($of:ident: $(fn $form:ident($me:ident $(, $argument:ident: $type:ty)?);)*) => {
        impl $of {
            $(
                #[doc = concat!("[`", stringify!($form), "`](crate::", stringify!($of), "::", stringify!($form), ").")]
                ///
                /// # Errors
                ///
                /// As there, and [`Error::Forked`]; with the participant.
                pub fn $form(
                    $me,
                    $($argument: $type,)?
                ) -> Result<OwnedGuard<crate::$of>, OwnedError<Self>> {
                    own($me, |me| me.$form($($argument.into())?))
                }
            )*
        }
    };
}

owned! { Participant:
    fn lock_owned(self);
    fn try_lock_owned(self);
    fn lock_owned_for(self, timeout: Duration);
    fn lock_owned_until(self, deadline: Instant);
}

owned! { RwParticipant:
    fn read_owned(self);
    fn try_read_owned(self);
    fn read_owned_for(self, timeout: Duration);
    fn write_owned(self);
    fn try_write_owned(self);
    fn write_owned_for(self, timeout: Duration);
}

owned! { SemaphoreParticipant:
    fn acquire_owned(self);
    fn try_acquire_owned(self);
    fn acquire_owned_for(self, time: Duration);
}

owned! { Candidate:
    fn campaign_owned(self, note: &str);
}

impl Participant {
    /// [`lock_owned_or_repair`](crate::Participant::lock_owned_or_repair); `repair` is called in this thread.
    ///
    /// # Errors
    ///
    /// As there, and [`Error::Forked`]; with the participant.
    pub fn lock_owned_or_repair<E: From<Error>>(
        self,
        repair: impl FnOnce(Death) -> Result<(), E>,
    ) -> Result<OwnedGuard, OwnedError<Self, E>> {
        own(self, |me| me.lock_owned_or_repair(async |death| repair(death)))
    }
}
