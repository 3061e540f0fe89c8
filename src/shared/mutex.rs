//! The mutex that processes share, and its participants.

use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::os::fd::{AsFd, BorrowedFd};
use std::ptr;
use std::time::{Duration, Instant};

use zerocopy::{FromBytes, IntoBytes};

use crate::algorithm::{Intent, Slot};
use crate::shared::registers::ALIGN;
use crate::shared::seat::Seat;
use crate::shared::segment::Segment;
use crate::shared::{Error, Kind, Options};
use crate::wait::{DefaultWait, Never, Wait};

/// What a segment can hold: plain data, valid whatever its bytes are, without padding and without
/// pointers.
///
/// Implemented for all such types; derive [`FromBytes`] and [`IntoBytes`] for your own.
pub trait Data: FromBytes + IntoBytes + Send + 'static {}

impl<T: FromBytes + IntoBytes + Send + 'static> Data for T {}

/// A value in memory that several processes map, which one participant at a time may touch.
///
/// A process that wants in first [`join`](Self::join)s; the [`Participant`] that it gets owns a
/// slot of the segment until it is dropped. Several threads of a process may join the same mutex,
/// and each is a participant of its own.
///
/// Fairness, space and memory orderings are those of the [algorithm](Kind). There is no poisoning:
/// a guard dropped in a panic releases the mutex. A process that is killed inside, or in line,
/// leaves its slot taken, and the others may wait for it for ever: recovery is not part of this
/// version.
pub struct Mutex<T, W = DefaultWait> {
    segment: Segment,
    data: PhantomData<T>,
    wait: PhantomData<fn() -> W>,
}

// SAFETY: `T` is reached through guards only, of which there is one at a time among all processes.
unsafe impl<T: Send, W> Sync for Mutex<T, W> {}

impl<T: Data, W: Wait> Mutex<T, W> {
    pub(super) fn new(segment: Segment) -> Self {
        // What `Layout` promises for every part of a segment, the data among them.
        const { assert!(align_of::<T>() <= ALIGN, "aligned to 128 bytes at most") };
        Self { segment, data: PhantomData, wait: PhantomData }
    }

    /// Creates the named segment, or attaches to it: [`Options::open`] with default options.
    ///
    /// # Errors
    ///
    /// See [`Options::open`].
    pub fn open(name: &str, initial: T) -> Result<Self, Error> {
        Options::new().open(name, initial)
    }

    /// Becomes a participant.
    ///
    /// # Errors
    ///
    /// [`Error::Full`] if every slot has a participant, or had one that died; [`Error::Io`] if the
    /// slot's descriptor cannot be opened (there is one for each participant), or without `/proc`.
    pub fn join(&self) -> Result<Participant<'_, T, W>, Error> {
        Ok(Participant { seat: Seat::claim(&self.segment)?, data: PhantomData })
    }

    /// The algorithm that the segment was made with.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.segment.kind()
    }

    /// How many participants there is room for at a time.
    #[must_use]
    pub fn slots(&self) -> u32 {
        self.segment.slots()
    }
}

/// The segment's descriptor: that of an anonymous one is what a parent passes on to its children.
impl<T, W> AsFd for Mutex<T, W> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.segment.as_fd()
    }
}

impl<T, W> fmt::Debug for Mutex<T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mutex")
            .field("segment", &self.segment.name())
            .field("kind", &self.segment.kind())
            .field("slots", &self.segment.slots())
            .finish_non_exhaustive()
    }
}

/// One participant of a [`Mutex`]: it owns a slot of the segment until it is dropped, or its
/// process ends.
///
/// In a child that was forked off, it answers [`Error::Forked`]: the slot is the parent's.
pub struct Participant<'a, T, W: Wait = DefaultWait> {
    seat: Seat<'a, W>,
    data: PhantomData<fn() -> T>,
}

impl<'a, T: Data, W: Wait> Participant<'a, T, W> {
    /// Waits for this participant's turn.
    ///
    /// # Errors
    ///
    /// [`Error::Forked`] in a child that inherited this participant; [`Error::Corrupt`] if somebody
    /// has overwritten the lock's registers.
    #[inline]
    pub fn lock(&mut self) -> Result<Guard<'_, 'a, T, W>, Error> {
        self.seat.lock()?;
        Ok(Guard::new(self))
    }

    /// Goes through the doorway and comes back before the wait: from here on this participant has
    /// its place in the line.
    ///
    /// # Errors
    ///
    /// As [`lock`](Self::lock).
    #[inline]
    pub fn enter(&mut self) -> Result<Waiting<'_, 'a, T, W>, Error> {
        self.seat.enter(Intent::Stay, &Never)?;
        Ok(Waiting { participant: self })
    }

    /// Takes the lock if nobody is in it or in line for it.
    ///
    /// # Errors
    ///
    /// As [`lock`](Self::lock), and [`Error::Unsupported`] if the algorithm is [`Kind::Fast`].
    #[inline]
    pub fn try_lock(&mut self) -> Result<Option<Guard<'_, 'a, T, W>>, Error> {
        Ok(self.seat.try_lock()?.then(|| Guard::new(self)))
    }

    /// Waits for this participant's turn, but not longer than this.
    ///
    /// # Errors
    ///
    /// As [`try_lock`](Self::try_lock).
    pub fn lock_for(&mut self, timeout: Duration) -> Result<Option<Guard<'_, 'a, T, W>>, Error> {
        // As good as never, where the sum does not fit.
        const CENTURY: Duration = Duration::from_hours(100 * 365 * 24);
        let now = Instant::now();
        self.lock_until(now.checked_add(timeout).unwrap_or(now + CENTURY))
    }

    /// Waits for this participant's turn until then.
    ///
    /// # Errors
    ///
    /// As [`try_lock`](Self::try_lock).
    pub fn lock_until(&mut self, deadline: Instant) -> Result<Option<Guard<'_, 'a, T, W>>, Error> {
        Ok(self.seat.lock_until(deadline)?.then(|| Guard::new(self)))
    }

    /// The slot that this participant owns.
    #[must_use]
    pub fn slot(&self) -> Slot {
        self.seat.slot()
    }
}

impl<T, W: Wait> fmt::Debug for Participant<'_, T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Participant")
            .field("segment", &self.seat.segment().name())
            .field("slot", &self.seat.slot().index())
            .finish_non_exhaustive()
    }
}

/// A participant that has been through the doorway and has its place in the line.
///
/// Dropped, it steps out of the line. That takes no waiting, but for two kinds: a [`Kind::Ticket`]
/// more than 32 tickets behind the one served, and a [`Kind::Fast`] that met another in the
/// doorway, step out when the line has moved on.
#[must_use = "a participant in line that is dropped steps out of the line"]
pub struct Waiting<'p, 'a, T, W: Wait> {
    participant: &'p mut Participant<'a, T, W>,
}

impl<'p, 'a, T: Data, W: Wait> Waiting<'p, 'a, T, W> {
    /// Waits for this participant's turn.
    ///
    /// # Errors
    ///
    /// [`Error::Forked`] in a child that was forked off meanwhile.
    #[inline]
    pub fn wait(self) -> Result<Guard<'p, 'a, T, W>, Error> {
        let this = mem::ManuallyDrop::new(self);
        // SAFETY: `this` is neither used nor dropped after this, so the participant is borrowed
        // once.
        let participant = unsafe { ptr::read(&raw const this.participant) };
        participant.seat.wait()?;
        Ok(Guard::new(participant))
    }
}

impl<T, W: Wait> Drop for Waiting<'_, '_, T, W> {
    fn drop(&mut self) {
        self.participant.seat.settle();
    }
}

impl<T, W: Wait> fmt::Debug for Waiting<'_, '_, T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Waiting").field(self.participant).finish()
    }
}

/// A participant inside: the value is its own until the guard is dropped.
///
/// Not `Send`, as std's is not. In a child that was forked off meanwhile the value is the parent's:
/// it must not be touched there; dropped there, the guard releases nothing.
#[must_use = "a guard that is dropped at once releases the lock at once"]
pub struct Guard<'p, 'a, T, W: Wait> {
    participant: &'p mut Participant<'a, T, W>,
    not_send: PhantomData<*const ()>,
}

// SAFETY: a shared guard gives `&T` only.
unsafe impl<T: Sync, W: Wait> Sync for Guard<'_, '_, T, W> {}

impl<'p, 'a, T: Data, W: Wait> Guard<'p, 'a, T, W> {
    #[inline]
    fn new(participant: &'p mut Participant<'a, T, W>) -> Self {
        Self { participant, not_send: PhantomData }
    }

    #[inline]
    fn data(&self) -> *mut T {
        self.participant.seat.segment().data().cast()
    }
}

impl<T: Data, W: Wait> Deref for Guard<'_, '_, T, W> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the participant is inside until this guard is dropped, so no other that keeps to
        // the rules touches the value; there is room for it, it is aligned, and all bytes are valid
        // (`Data`).
        unsafe { &*self.data() }
    }
}

impl<T: Data, W: Wait> DerefMut for Guard<'_, '_, T, W> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`, and this guard is borrowed mutably.
        unsafe { &mut *self.data() }
    }
}

impl<T, W: Wait> Drop for Guard<'_, '_, T, W> {
    #[inline]
    fn drop(&mut self) {
        self.participant.seat.settle();
    }
}

impl<T: Data + fmt::Debug, W: Wait> fmt::Debug for Guard<'_, '_, T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: Data + fmt::Display, W: Wait> fmt::Display for Guard<'_, '_, T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}
