//! Each form that is `async`, as one that blocks.

use std::time::{Duration, Instant};

use super::runtime::run;
use super::{
    Blocking, Candidate, Election, Guard, Leadership, Mutex, Participant, RwLock, RwParticipant,
    Semaphore, SemaphoreParticipant, Waiting,
};
use crate::{Death, Error, Result, Status};

/// What a form gives, as the one that blocks gives it.
trait Give<B> {
    fn give(self) -> B;
}

impl<T> Give<Blocking<T>> for T {
    fn give(self) -> Blocking<T> {
        Blocking(self)
    }
}

impl<T> Give<Option<Blocking<T>>> for Option<T> {
    fn give(self) -> Option<Blocking<T>> {
        self.map(Blocking)
    }
}

macro_rules! as_it_is {
    ($($plain:ty),*) => {
        $(
            impl Give<$plain> for $plain {
                fn give(self) -> $plain {
                    self
                }
            }
        )*
    };
}

as_it_is! { (), Status }

/// Methods of the async form of this name, as ones that block.
macro_rules! blocking {
    ($of:ident: $(fn $form:ident($($arguments:tt)*) -> $gives:ty;)*) => {
        impl $of {
            $(blocking! { @ $of $form $gives; $($arguments)* })*
        }
    };
    (@ $of:ident $form:ident $gives:ty; &mut $me:ident $($arguments:tt)*) => {
        blocking! { @ $of $form $gives; [&mut $me] $me $($arguments)* }
    };
    (@ $of:ident $form:ident $gives:ty; &$me:ident) => {
        blocking! { @ $of $form $gives; [&$me] $me }
    };
    (@ $of:ident $form:ident $gives:ty; $me:ident) => {
        blocking! { @ $of $form $gives; [$me] $me }
    };
    (
        @ $of:ident $form:ident $gives:ty;
        [$($receiver:tt)*] $me:ident $(, $argument:ident: $type:ty)?
    ) => {
        #[doc = concat!("[`", stringify!($form), "`](crate::", stringify!($of), "::", stringify!($form), ").")]
        ///
        /// # Errors
        ///
        /// As there, and [`Error::Forked`].
        pub fn $form($($receiver)* $(, $argument: $type)?) -> Result<$gives> {
            run($me.0.$form($($argument.into())?)).map(Give::give)
        }
    };
}

blocking! { Mutex:
    fn join(&self) -> Participant;
    fn status(&self) -> Status;
}

blocking! { RwLock:
    fn join(&self) -> RwParticipant;
    fn status(&self) -> Status;
}

blocking! { Semaphore:
    fn join(&self) -> SemaphoreParticipant;
    fn status(&self) -> Status;
}

blocking! { Election:
    fn join(&self) -> Candidate;
    fn status(&self) -> Status;
}

blocking! { Participant:
    fn lock(&mut self) -> Guard<'_>;
    fn try_lock(&mut self) -> Option<Guard<'_>>;
    fn lock_for(&mut self, timeout: Duration) -> Option<Guard<'_>>;
    fn lock_until(&mut self, deadline: Instant) -> Option<Guard<'_>>;
    fn enter(&mut self) -> Waiting<'_>;
    fn leave(self) -> ();
}

blocking! { RwParticipant:
    fn read(&mut self) -> Guard<'_>;
    fn try_read(&mut self) -> Option<Guard<'_>>;
    fn read_for(&mut self, timeout: Duration) -> Option<Guard<'_>>;
    fn write(&mut self) -> Guard<'_>;
    fn try_write(&mut self) -> Option<Guard<'_>>;
    fn write_for(&mut self, timeout: Duration) -> Option<Guard<'_>>;
    fn leave(self) -> ();
}

blocking! { SemaphoreParticipant:
    fn acquire(&mut self) -> Guard<'_>;
    fn try_acquire(&mut self) -> Option<Guard<'_>>;
    fn acquire_for(&mut self, time: Duration) -> Option<Guard<'_>>;
    fn leave(self) -> ();
}

blocking! { Candidate:
    fn campaign(&mut self, note: &str) -> Leadership<'_>;
    fn leave(self) -> ();
}

impl Participant {
    /// [`lock_or_repair`](crate::Participant::lock_or_repair); `repair` is called in this thread.
    ///
    /// # Errors
    ///
    /// As there, and [`Error::Forked`].
    pub fn lock_or_repair<E: From<Error>>(
        &mut self,
        repair: impl FnOnce(Death) -> Result<(), E>,
    ) -> Result<Guard<'_>, E> {
        run(self.0.lock_or_repair(async |death| repair(death))).map(Blocking)
    }
}

impl RwParticipant {
    /// [`write_or_repair`](crate::RwParticipant::write_or_repair); `repair` is called in this thread.
    ///
    /// # Errors
    ///
    /// As there, and [`Error::Forked`].
    pub fn write_or_repair<E: From<Error>>(
        &mut self,
        repair: impl FnOnce(Death) -> Result<(), E>,
    ) -> Result<Guard<'_>, E> {
        run(self.0.write_or_repair(async |death| repair(death))).map(Blocking)
    }
}
