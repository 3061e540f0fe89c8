//! Participants, and those of them that have their place in the line.

use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::os::fd::BorrowedFd;
use std::ptr;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::algorithm::{Intent, Slot};
use crate::attempt::State;
use crate::shared::guard::Guard;
use crate::shared::mutex::Data;
use crate::shared::request::{NoRepair, Request};
use crate::shared::waiting::seat::{Accept, Seat};
use crate::shared::{Death, Error, Handle};
use crate::wait::{DefaultWait, Never, Wait};

/// One participant of a [`Mutex`](crate::shared::Mutex): it owns a slot of the segment until it is
/// dropped, or its process ends.
///
/// It borrows nothing: it can stand in a struct beside its mutex, outlive it, and move to another
/// thread.
///
/// In a child that was forked off, it answers [`Error::Forked`]: the slot is the parent's. (A child of
/// a bare `clone` system call is not noticed.)
///
/// A guard that was leaked ([`mem::forget`]) keeps the lock, and a leaked [`Waiting`] its place, until
/// its participant locks again or is dropped.
pub struct Participant<T, W: Wait = DefaultWait> {
    seat: Seat<W>,
    data: PhantomData<fn() -> T>,
}

impl<T: Data, W: Wait> Participant<T, W> {
    pub(super) fn new(seat: Seat<W>) -> Self {
        Self { seat, data: PhantomData }
    }

    #[inline]
    pub(super) fn seat(&mut self) -> &mut Seat<W> {
        &mut self.seat
    }

    /// Waits for this participant's turn.
    ///
    /// # Errors
    ///
    /// - [`Error::OwnerDied`] if somebody died inside and nobody has repaired the data since (unless
    ///   the segment is without [poisoning](crate::shared::Options::poisoning)). The lock is not held;
    ///   it stays so for whoever comes next.
    /// - [`Error::Unrecoverable`] if somebody died, for
    ///   [`Kind::FastUnrecoverable`](crate::shared::Kind::FastUnrecoverable).
    /// - [`Error::Forked`] in a child that inherited this participant.
    /// - [`Error::Corrupt`] if somebody has overwritten the lock's registers.
    /// - [`Error::WrongLength`] if somebody has cut the file off, and it was noticed before what is gone
    ///   was touched.
    /// - [`Error::Removed`] if it had to wait and the file's name does not lead to it any more. The lock
    ///   is not held. One that need not wait does not look.
    /// - [`Error::Io`] if the kernel does not tell who lives.
    #[inline]
    pub fn lock(&mut self) -> Result<Guard<'_, T, W>, Error> {
        self.seat.lock(Accept::Sound)?;
        Ok(Guard::new(&mut self.seat))
    }

    /// Takes the lock if nobody is in it or in line for it; with
    /// [`Kind::Bypass`](crate::shared::Kind::Bypass) it may pass those in line.
    ///
    /// Of two that try at the same moment both may fail, but for
    /// [`Kind::Ticket`](crate::shared::Kind::Ticket) and `Kind::Bypass`. A failed attempt orders nothing.
    ///
    /// # Errors
    ///
    /// As [`lock`](Self::lock), and [`Error::Unsupported`] if the algorithm is
    /// [`Kind::FastUnrecoverable`](crate::shared::Kind::FastUnrecoverable).
    #[inline]
    pub fn try_lock(&mut self) -> Result<Option<Guard<'_, T, W>>, Error> {
        Ok(self.seat.try_lock(Accept::Sound)?.then(|| Guard::new(&mut self.seat)))
    }

    /// Waits for this participant's turn, but not longer than this (or a century, if that is later than
    /// an [`Instant`](std::time::Instant) can say): `None` if the time is over. A free lock is taken
    /// even with a timeout of zero.
    ///
    /// # Errors
    ///
    /// As [`try_lock`](Self::try_lock).
    pub fn lock_for(&mut self, timeout: Duration) -> Result<Option<Guard<'_, T, W>>, Error> {
        self.request()
            .within(timeout)
            .lock()
            .map_or_else(Error::none_if_late, |guard| Ok(Some(guard)))
    }

    /// Waits for this participant's turn, but not when this has become true: `None` then. Set it in a
    /// signal's handler, for instance.
    ///
    /// One that sleeps asks as often as [`Options::look_every`] says, and when a signal interrupts its
    /// sleep (one whose handler was set without `SA_RESTART`). One that need not wait gets in all the same.
    /// The flag is read relaxed.
    ///
    /// [`Options::look_every`]: crate::shared::Options::look_every
    ///
    /// # Errors
    ///
    /// As [`try_lock`](Self::try_lock).
    ///
    /// ```
    /// use bakery_lock::shared::Options;
    /// use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    ///
    /// # fn main() -> Result<(), bakery_lock::shared::Error> {
    /// let mutex = Options::new().anonymous(0_u64)?;
    /// let (mut me, mut other) = (mutex.join()?, mutex.join()?);
    /// let inside = me.lock()?;
    /// let interrupted = AtomicBool::new(false);
    /// std::thread::scope(|scope| {
    ///     let waiting = scope.spawn(|| other.lock_unless(&interrupted).map(|guard| guard.is_some()));
    ///     interrupted.store(true, Relaxed);
    ///     assert!(!waiting.join().unwrap().unwrap());
    /// });
    /// # Ok(())
    /// # }
    /// ```
    pub fn lock_unless(
        &mut self,
        cancelled: &AtomicBool,
    ) -> Result<Option<Guard<'_, T, W>>, Error> {
        self.request()
            .unless(cancelled)
            .lock()
            .map_or_else(Error::none_if_late, |guard| Ok(Some(guard)))
    }

    /// Waits for this participant's turn; and if somebody died inside before, has the data repaired.
    ///
    /// `repair` gets the data as the dead one has left them. When it returns they count as sound.
    /// If it panics, or this process dies in it, they do not.
    ///
    /// # Errors
    ///
    /// As [`lock`](Self::lock), but for [`Error::OwnerDied`].
    pub fn lock_or_repair(
        &mut self,
        repair: impl FnOnce(&mut T, &Death),
    ) -> Result<Guard<'_, T, W>, Error> {
        self.request().repair(repair).lock()
    }

    /// [`lock`](Self::lock) with a deadline, a flag that calls it off, a repair, or several of these:
    /// see [`Request`].
    pub fn request(&mut self) -> Request<'static, &mut Self, NoRepair<T>> {
        Request::new(self)
    }

    /// Goes through the doorway and comes back before the wait: from here on this participant has
    /// its place in the line.
    ///
    /// # Errors
    ///
    /// As [`lock`](Self::lock).
    #[inline]
    pub fn enter(&mut self) -> Result<Waiting<'_, T, W>, Error> {
        self.seat.enter(Intent::Stay, &Never)?;
        Ok(Waiting { participant: self })
    }

    /// From here on this participant lives as long as its descriptor is open in any process, and its
    /// own process's end is no death: as with `flock`. A death is then the end of the last process that
    /// has the descriptor; if the participant was inside, the next owner is told.
    ///
    /// Whoever has a duplicate of the descriptor (a command that is run under the lock, for instance)
    /// keeps the participant alive, and need not know of it. It can do no more than that: this
    /// participant is still the one that waits, goes in, and leaves. [`hand_over`](Self::hand_over) lets
    /// another go on. The descriptor is closed on `exec`; a duplicate need not be.
    ///
    /// It cannot be taken back.
    ///
    /// # Errors
    ///
    /// [`Error::Forked`] in a child that inherited this participant.
    pub fn hold_by_descriptor(&mut self) -> Result<BorrowedFd<'_>, Error> {
        self.seat.hold_by_descriptor()
    }

    /// Says whether this participant's death inside would do any harm, as it does unless this is called. One
    /// that only stands in line for somebody else, or that keeps others out and has touched nothing, is
    /// harmless: when it dies inside the next owner goes in, and nobody is told.
    ///
    /// Call it with `true` before it goes in, and with `false` before it touches the value. In between, what
    /// it has been told of a death before its own is left for the next one to be told. It stays so until it
    /// is called again, also over [`hand_over`](Self::hand_over). It is two atomic updates.
    ///
    /// ```
    /// use bakery_lock::shared::Options;
    ///
    /// # fn main() -> Result<(), bakery_lock::shared::Error> {
    /// let mutex = Options::new().anonymous(0_u64)?;
    /// let mut me = mutex.join()?;
    /// me.set_harmless(true)?;
    /// std::mem::forget(me.lock()?);
    /// // It stays inside as long as the descriptor is open. Its end is no death.
    /// drop(me.hand_over()?);
    /// assert_eq!(*mutex.lock()?, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Forked`] in a child that inherited this participant.
    pub fn set_harmless(&mut self, is_harmless: bool) -> Result<(), Error> {
        self.seat.set_harmless(is_harmless)
    }

    /// Leaves this participant, as it stands, to whoever [adopts](crate::shared::Mutex::adopt) it:
    /// another process that gets the descriptor, the program that this process becomes, or a child that
    /// is forked off.
    ///
    /// Outside, in line (with a [`Waiting`] that was forgotten, [`mem::forget`]), or inside (with a
    /// guard that was), it stays where it is, alive as long as its descriptor is open anywhere: see
    /// [`hold_by_descriptor`](Self::hold_by_descriptor). If the last one is closed while it is inside,
    /// that is a death inside.
    ///
    /// ```
    /// use bakery_lock::shared::{Options, Resumed};
    ///
    /// # fn main() -> Result<(), bakery_lock::shared::Error> {
    /// let mutex = Options::new().anonymous(0_u64)?;
    /// let mut me = mutex.join()?;
    /// let mut guard = me.lock()?;
    /// *guard += 1;
    /// let token = guard.token();
    /// std::mem::forget(guard);
    /// let handle = me.hand_over()?;
    /// // There:
    /// let mut me = mutex.adopt(handle)?;
    /// let Resumed::Inside(mut guard) = me.resume()? else { unreachable!("it was inside") };
    /// *guard += 1;
    /// # assert_eq!((*guard, guard.token()), (2, token));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Forked`] in a child that inherited this participant, and [`Error::Io`] without a
    /// descriptor left. Then it is dropped, and leaves.
    pub fn hand_over(self) -> Result<Handle, Error> {
        let slot = self.seat.slot();
        Ok(Handle::new(self.seat.hand_over()?, slot))
    }

    /// Takes up what this participant is about: it was handed over, or its guard or its place in line was
    /// forgotten.
    ///
    /// # Errors
    ///
    /// [`Error::Forked`] in a child that inherited this participant.
    pub fn resume(&mut self) -> Result<Resumed<'_, T, W>, Error> {
        Ok(match self.seat.state()? {
            State::Outside => Resumed::Outside(self),
            State::Waiting => Resumed::Waiting(Waiting { participant: self }),
            State::Inside => Resumed::Inside(Guard::new(&mut self.seat)),
        })
    }

    /// The slot that this participant owns.
    #[must_use]
    pub fn slot(&self) -> Slot {
        self.seat.slot()
    }
}

impl<T, W: Wait> fmt::Debug for Participant<T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Participant")
            .field("segment", &self.seat.segment().name())
            .field("slot", &self.seat.slot().index())
            .finish_non_exhaustive()
    }
}

/// A participant that has been through the doorway and has its place in the line: if that is first come
/// first served, nobody behind it gets in until it has waited and left, or is dropped.
///
/// Dropped, it steps out of the line. That takes no waiting, but for a
/// [`Kind::FastUnrecoverable`](crate::shared::Kind::FastUnrecoverable) that met another in the doorway:
/// it steps out when the line has moved on. With a [`Kind::Ticket`](crate::shared::Kind::Ticket) the
/// slot's next attempt takes the place up again, until its turn has come.
#[must_use = "a participant in line that is dropped steps out of the line"]
pub struct Waiting<'p, T, W: Wait = DefaultWait> {
    participant: &'p mut Participant<T, W>,
}

impl<'p, T: Data, W: Wait> Waiting<'p, T, W> {
    /// Waits for this participant's turn.
    ///
    /// # Errors
    ///
    /// As [`Participant::lock`].
    #[inline]
    pub fn wait(self) -> Result<Guard<'p, T, W>, Error> {
        self.request().lock()
    }

    /// [`wait`](Self::wait) with a deadline, a flag that calls it off, a repair, or several of these.
    pub fn request(self) -> Request<'static, Self, NoRepair<T>> {
        Request::new(self)
    }

    /// The seat, which is still in line.
    #[inline]
    pub(super) fn into_seat(self) -> &'p mut Seat<W> {
        let this = mem::ManuallyDrop::new(self);
        // SAFETY: `this` is neither used nor dropped after this, so the participant is borrowed
        // once.
        let participant = unsafe { ptr::read(&raw const this.participant) };
        &mut participant.seat
    }
}

impl<T, W: Wait> Drop for Waiting<'_, T, W> {
    fn drop(&mut self) {
        self.participant.seat.settle();
    }
}

impl<T, W: Wait> fmt::Debug for Waiting<'_, T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Waiting").field(self.participant).finish()
    }
}

/// Where a participant stands: see [`Participant::resume`].
pub enum Resumed<'p, T, W: Wait = DefaultWait> {
    /// It does not compete.
    Outside(&'p mut Participant<T, W>),
    /// It is in line.
    Waiting(Waiting<'p, T, W>),
    /// It is inside.
    Inside(Guard<'p, T, W>),
}

impl<T: Data + fmt::Debug, W: Wait> fmt::Debug for Resumed<'_, T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outside(me) => f.debug_tuple("Outside").field(me).finish(),
            Self::Waiting(waiting) => f.debug_tuple("Waiting").field(waiting).finish(),
            Self::Inside(guard) => f.debug_tuple("Inside").field(guard).finish(),
        }
    }
}
