//! Locks between the threads of one program.
//!
//! - [`Lock`]: the explicit form. Participants [`join`](Lock::join), and each owns a slot.
//! - [`Mutex`] and its kin: the drop-in form, for any number of threads, through [`lock_api`].

#[cfg(all(feature = "lock_api", target_has_atomic = "64", not(bakery_lock_no_rmw)))]
mod drop_in;
mod fixed;
mod guard;
mod halves;
mod inner;
mod lock;
mod lot;
mod participant;
#[cfg(all(
    feature = "std",
    feature = "lock_api",
    target_has_atomic = "64",
    not(bakery_lock_no_rmw)
))]
mod rows;
#[cfg(all(
    not(feature = "std"),
    feature = "lock_api",
    target_has_atomic = "64",
    not(bakery_lock_no_rmw)
))]
mod rows {
    //! Without memory to spare.

    pub(crate) use crate::algorithm::NoRoom as Rows;

    pub(crate) const fn room() -> Rows {
        Rows
    }
}
mod taken;

#[cfg(all(feature = "lock_api", target_has_atomic = "64", not(bakery_lock_no_rmw)))]
pub use drop_in::*;
pub use fixed::Fixed;
#[cfg(feature = "std")]
pub use guard::owned::OwnedGuard;
pub use guard::{Guard, Waiting};
pub use halves::{Half, Left, Right};
pub use lock::{Full, Lock};
#[cfg(feature = "std")]
pub use participant::OwnedParticipant;
pub use participant::Participant;
