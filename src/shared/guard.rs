//! A participant inside.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use crate::shared::Death;
use crate::shared::mutex::Data;
use crate::shared::pool::Pooled;
use crate::shared::waiting::seat::Seat;
use crate::wait::{DefaultWait, Wait};

/// A participant inside: the value is its own until the guard is dropped.
///
/// It is `Send`: what owns a slot of a segment is a process, not a thread of it. In a child that was
/// forked off meanwhile the value is the parent's: it must not be touched there; dropped there, the
/// guard releases nothing.
#[must_use = "a guard that is dropped at once releases the lock at once"]
pub struct Guard<'p, T, W: Wait = DefaultWait> {
    seat: &'p mut Seat<W>,
    data: PhantomData<&'p mut T>,
}

/// A participant inside, with a participant of its own: what [`Mutex::lock`] gives.
///
/// It borrows nothing: it can stand in a struct beside its mutex, be returned, outlive the mutex, and
/// move to another thread. Otherwise as [`Guard`].
///
/// [`Mutex::lock`]: crate::shared::Mutex::lock
#[must_use = "a guard that is dropped at once releases the lock at once"]
pub struct OwnedGuard<T, W: Wait = DefaultWait> {
    seat: Pooled<W>,
    data: PhantomData<T>,
}

impl<'p, T: Data, W: Wait> Guard<'p, T, W> {
    /// For a seat that has just gone in.
    #[inline]
    pub(super) fn new(seat: &'p mut Seat<W>) -> Self {
        Self { seat, data: PhantomData }
    }
}

impl<T: Data, W: Wait> OwnedGuard<T, W> {
    /// For a seat that has just gone in.
    pub(super) fn new(seat: Pooled<W>) -> Self {
        Self { seat, data: PhantomData }
    }
}

impl<T, W: Wait> Drop for Guard<'_, T, W> {
    #[inline]
    fn drop(&mut self) {
        self.seat.settle();
    }
}

/// What guards have in common, whoever has the seat.
macro_rules! guard {
    ($guard:ty) => {
        impl<T: Data, W: Wait> $guard {
            /// The number of this acquisition: greater than that of every one before, of this segment and
            /// of every earlier one of its name. Never 0, and less than 2<sup>63</sup> until the year 2262.
            ///
            /// A *fencing token*: whoever keeps the greatest that it has seen can refuse what comes from
            /// an owner that has lost the lock.
            ///
            /// In one segment each is one more than the one before, whatever dies meanwhile. (A number is
            /// lost if its owner dies before it is in.) A new segment, whatever became of the last, begins
            /// with the time of day, in nanoseconds since 1970, since nobody goes in more often than that.
            /// After a restart a segment on a disk goes on with the later of that and its last token. So
            /// tokens of a name only go back if **the machine's clock is set back** to before the earlier
            /// segment was made, or made ready after a restart, and its file is gone or holds an older
            /// state: also if a machine starts without knowing the time.
            #[must_use]
            pub fn token(&self) -> u64 {
                self.seat.token()
            }

            /// Who died inside right before this one went in, if anybody: the value may have been
            /// half-written then. With [poisoning](crate::shared::Options::poisoning) it has been
            /// repaired since.
            #[must_use]
            pub fn death(&self) -> Option<&Death> {
                self.seat.death()
            }

            /// Has the value repaired, if it is to be.
            pub(super) fn repair(&mut self, repair: impl FnOnce(&mut T, &Death)) {
                if self.seat.is_poisoned()
                    && let Some(death) = self.seat.death().cloned()
                {
                    repair(self, &death);
                    self.seat.note_repair();
                }
            }

            #[inline]
            fn data(&self) -> *mut T {
                self.seat.segment().data().cast()
            }
        }

        impl<T: Data, W: Wait> Deref for $guard {
            type Target = T;

            #[inline]
            fn deref(&self) -> &T {
                // SAFETY: the participant is inside until this guard is dropped, so no other that
                // keeps to the rules touches the value; there is room for it, it is aligned, and all
                // bytes are valid (`Data`).
                unsafe { &*self.data() }
            }
        }

        impl<T: Data, W: Wait> DerefMut for $guard {
            #[inline]
            fn deref_mut(&mut self) -> &mut T {
                // SAFETY: as in `deref`, and this guard is borrowed mutably.
                unsafe { &mut *self.data() }
            }
        }

        impl<T: Data + fmt::Debug, W: Wait> fmt::Debug for $guard {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&**self, f)
            }
        }

        impl<T: Data + fmt::Display, W: Wait> fmt::Display for $guard {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&**self, f)
            }
        }
    };
}

guard! { Guard<'_, T, W> }
guard! { OwnedGuard<T, W> }
