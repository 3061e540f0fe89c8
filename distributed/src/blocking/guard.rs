//! What blocks of the guards.

use super::runtime::{run, runtime};
use super::{Blocking, End, Guard, Lost};
use crate::Result;

/// What guards have in common, whoever has the participant.
macro_rules! guard {
    ([$($generic:tt)*] $guard:ty) => {
        impl$($generic)* Blocking<$guard> {
            /// [`check`](crate::Guard::check).
            ///
            /// # Errors
            ///
            /// As there, and [`Error::Forked`](crate::Error::Forked).
            pub fn check(&self) -> Result<()> {
                run(self.0.check())
            }

            /// [`say`](crate::Guard::say).
            ///
            /// # Errors
            ///
            /// As there, and [`Error::Forked`](crate::Error::Forked).
            pub fn say(&self, note: &str) -> Result<()> {
                run(self.0.say(note))
            }

            /// What a thread waits on to be told when the lock is lost.
            ///
            /// # Errors
            ///
            /// [`Error::Forked`](crate::Error::Forked).
            pub fn lost(&self) -> Result<Lost> {
                Ok(Lost { runtime: runtime()?, lease: self.0.lease(), held: self.0.held() })
            }

            /// Has this called, in a thread of its own, when the lock is lost; unless it is unlocked or
            /// dropped before. Takes no thread until then.
            ///
            /// # Errors
            ///
            /// [`Error::Forked`](crate::Error::Forked).
            pub fn on_lost(&self, tell: impl FnOnce() + Send + 'static) -> Result<()> {
                let lost = self.lost()?;
                lost.runtime.clone().spawn(async move {
                    if lost.end().await == End::Lost {
                        lost.runtime.spawn_blocking(tell);
                    }
                });
                Ok(())
            }
        }
    };
}

guard! { [] crate::Guard<'_> }
guard! { [] crate::Leadership<'_> }
guard! { [<P>] crate::OwnedGuard<P> }

impl Blocking<crate::Guard<'_>> {
    /// [`unlock`](crate::Guard::unlock).
    ///
    /// # Errors
    ///
    /// As there, and [`Error::Forked`](crate::Error::Forked).
    pub fn unlock(self) -> Result<()> {
        run(self.0.unlock())
    }
}

impl Blocking<crate::Leadership<'_>> {
    /// [`proclaim`](crate::Leadership::proclaim).
    ///
    /// # Errors
    ///
    /// As there, and [`Error::Forked`](crate::Error::Forked).
    pub fn proclaim(&self, note: &str) -> Result<()> {
        self.say(note)
    }

    /// [`resign`](crate::Leadership::resign).
    ///
    /// # Errors
    ///
    /// As there, and [`Error::Forked`](crate::Error::Forked).
    pub fn resign(self) -> Result<()> {
        run(self.0.resign())
    }
}

impl<'p> Blocking<crate::Waiting<'p>> {
    /// [`wait`](crate::Waiting::wait).
    ///
    /// # Errors
    ///
    /// As there, and [`Error::Forked`](crate::Error::Forked).
    pub fn wait(self) -> Result<Guard<'p>> {
        run(self.0.wait()).map(Blocking)
    }
}
