//! The mutex that processes share, and its participants.

use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::os::fd::{AsFd, BorrowedFd};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use zerocopy::{FromBytes, IntoBytes};

use crate::algorithm::{Intent, Slot};
use crate::shared::segment::Segment;
use crate::shared::segment::registers::ALIGN;
use crate::shared::waiting::seat::{Accept, Seat};
use crate::shared::{Death, Error, Kind, Options, Origin, Status};
use crate::wait::{Deadline, DefaultWait, Never, Wait};

/// What a segment can hold: plain data, valid whatever its bytes are, without padding and without
/// pointers.
///
/// Implemented for all such types; derive [`FromBytes`] and [`IntoBytes`] for your own.
///
/// A value is aligned to 128 bytes at most; a type that asks for more does not compile.
pub trait Data: FromBytes + IntoBytes + Send + 'static {}

impl<T: FromBytes + IntoBytes + Send + 'static> Data for T {}

/// A value in memory that several processes map, which one participant at a time may touch.
///
/// A process that wants in first [`join`](Self::join)s; the [`Participant`] that it gets owns a
/// slot of the segment until it is dropped. Several threads of a process may join the same mutex,
/// and each is a participant of its own.
///
/// Fairness, space and fences are those of the [algorithm](Kind); with each, what is done inside
/// happens before what the next one does inside.
///
/// # Death
///
/// A participant whose process ends in whatever way, at whatever instruction, is found to be dead by
/// the one that waits for it (at the next of its looks, [`Options::look_every`]), and is taken out
/// of the line; the others go on in their order. If it died *inside*, the data may be half-written:
/// from then on whoever's turn it is gets [`Error::OwnerDied`], which says who that was, until
/// somebody [repairs](Participant::lock_or_repair) the data. Only [`Kind::FastUnrecoverable`] cannot
/// do this.
///
/// Death is proved: by the kernel, which has dropped the lock that the dead one held on a byte of
/// the segment's file; or by there being no such process any more (in the same pid namespace). One
/// that is stopped, traced, frozen or slow is never taken for dead, and is waited for. But **one that
/// closes descriptors which are not its own** (`closefrom`) drops that lock, is taken for dead while it
/// lives, and another is let in beside it. One that runs another program (`exec`) counts as dead when no
/// child that it forked before has its descriptors any more.
///
/// The end of a thread is no death: a participant that it has leaked keeps what it holds until its
/// process ends. Nor is a panic: a guard dropped in a panic releases the mutex, and nothing is
/// poisoned.
pub struct Mutex<T, W = DefaultWait> {
    segment: Segment,
    look_every: Duration,
    data: PhantomData<T>,
    wait: PhantomData<fn() -> W>,
}

// SAFETY: `T` is reached through guards only, of which there is one at a time among all processes.
unsafe impl<T: Send, W> Sync for Mutex<T, W> {}

impl<T: Data, W: Wait> Mutex<T, W> {
    pub(super) fn new(segment: Segment, look_every: Duration) -> Self {
        // What `Layout` promises for every part of a segment, the data among them.
        const { assert!(align_of::<T>() <= ALIGN, "aligned to 128 bytes at most") };
        Self { segment, look_every, data: PhantomData, wait: PhantomData }
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
    /// [`Error::Full`] if every slot has a participant that lives, or a dead one that cannot be cleared
    /// away within a second, or is still locked by a child of one that died; [`Error::WrongLength`] if
    /// the file has been cut off; [`Error::Removed`] if its name does not lead to it any more; [`Error::Io`] if the slot's descriptor cannot be opened (there is one
    /// for each participant), or without `/proc`.
    pub fn join(&self) -> Result<Participant<'_, T, W>, Error> {
        Ok(Participant { seat: Seat::claim(&self.segment, self.look_every)?, data: PhantomData })
    }

    /// Who is inside, who waits, and what has happened so far: see [`Status`].
    ///
    /// Takes a number of steps that the number of slots bounds, and keeps nobody waiting.
    ///
    /// ```
    /// use bakery_lock::shared::{Mutex, Options};
    ///
    /// # fn main() -> Result<(), bakery_lock::shared::Error> {
    /// let mutex: Mutex<u64> = Options::new().anonymous(0)?;
    /// let mut me = mutex.join()?;
    /// let guard = me.lock()?;
    /// let holder = mutex.status()?.holder.expect("somebody is inside");
    /// assert_eq!((holder.pid, holder.token), (std::process::id(), guard.token()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::WrongLength`] if the file has been cut off, [`Error::Io`] if the kernel does not tell who
    /// lives.
    pub fn status(&self) -> Result<Status, Error> {
        Status::of(&self.segment)
    }

    /// Whether this process has made the segment, or found it, or what a restart has left of it.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.segment.origin()
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
/// In a child that was forked off, it answers [`Error::Forked`]: the slot is the parent's. (A child of
/// a bare `clone` system call is not noticed.)
///
/// A guard that was leaked ([`mem::forget`]) keeps the lock, and a leaked [`Waiting`] its place, until
/// its participant locks again or is dropped.
pub struct Participant<'a, T, W: Wait = DefaultWait> {
    seat: Seat<'a, W>,
    data: PhantomData<fn() -> T>,
}

impl<'a, T: Data, W: Wait> Participant<'a, T, W> {
    /// Waits for this participant's turn.
    ///
    /// # Errors
    ///
    /// - [`Error::OwnerDied`] if somebody died inside and nobody has repaired the data since. The
    ///   lock is not held; it stays so for whoever comes next.
    /// - [`Error::Unrecoverable`] if somebody died, for [`Kind::FastUnrecoverable`].
    /// - [`Error::Forked`] in a child that inherited this participant.
    /// - [`Error::Corrupt`] if somebody has overwritten the lock's registers.
    /// - [`Error::WrongLength`] if somebody has cut the file off, and it was noticed before what is gone
    ///   was touched.
    /// - [`Error::Removed`] if it had to wait and the file's name does not lead to it any more. The lock
    ///   is not held. One that need not wait does not look.
    /// - [`Error::Io`] if the kernel does not tell who lives.
    #[inline]
    pub fn lock(&mut self) -> Result<Guard<'_, 'a, T, W>, Error> {
        self.seat.lock(Accept::Sound)?;
        Ok(Guard::new(self))
    }

    /// Waits for this participant's turn; and if somebody died inside before, has the data repaired.
    ///
    /// `repair` gets the data as the dead one has left them. When it returns they count as sound.
    /// If it panics, or this process dies in it, they do not.
    ///
    /// It has no form with a deadline. Whoever needs one calls [`lock_for`](Self::lock_for), and this if
    /// that answers [`Error::OwnerDied`]: until the data is repaired, everybody else is told, and leaves
    /// at once.
    ///
    /// # Errors
    ///
    /// As [`lock`](Self::lock), but for [`Error::OwnerDied`].
    pub fn lock_or_repair(
        &mut self,
        repair: impl FnOnce(&mut T, &Death),
    ) -> Result<Guard<'_, 'a, T, W>, Error> {
        self.seat.lock(Accept::Poisoned)?;
        let death = self.seat.death();
        let mut guard = Guard::new(self);
        if let Some(death) = death {
            repair(&mut guard, &death);
            guard.participant.seat.note_repair();
        }
        Ok(guard)
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

    /// Takes the lock if nobody is in it or in line for it; with [`Kind::Bypass`] it may pass those in
    /// line.
    ///
    /// Of two that try at the same moment both may fail, but for [`Kind::Ticket`] and [`Kind::Bypass`].
    /// A failed attempt orders nothing.
    ///
    /// # Errors
    ///
    /// As [`lock`](Self::lock), and [`Error::Unsupported`] if the algorithm is
    /// [`Kind::FastUnrecoverable`].
    #[inline]
    pub fn try_lock(&mut self) -> Result<Option<Guard<'_, 'a, T, W>>, Error> {
        Ok(self.seat.try_lock()?.then(|| Guard::new(self)))
    }

    /// Waits for this participant's turn, but not longer than this (or a century, if that is later than
    /// an [`Instant`] can say). A free lock is taken even with a timeout of zero.
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

    /// Waits for this participant's turn until then. A free lock is taken even after that.
    ///
    /// # Errors
    ///
    /// As [`try_lock`](Self::try_lock).
    pub fn lock_until(&mut self, deadline: Instant) -> Result<Option<Guard<'_, 'a, T, W>>, Error> {
        Ok(self.seat.lock_until(&deadline)?.then(|| Guard::new(self)))
    }

    /// Waits for this participant's turn, but not when this has become true: set it in a signal's
    /// handler, for instance.
    ///
    /// One that sleeps notices it at its next look ([`Options::look_every`]), or when a signal
    /// interrupts its sleep. One that need not wait gets in all the same. The flag is read relaxed.
    ///
    /// # Errors
    ///
    /// As [`try_lock`](Self::try_lock).
    ///
    /// ```
    /// use bakery_lock::shared::{Mutex, Options};
    /// use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    ///
    /// # fn main() -> Result<(), bakery_lock::shared::Error> {
    /// let mutex: Mutex<u64> = Options::new().anonymous(0)?;
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
    ) -> Result<Option<Guard<'_, 'a, T, W>>, Error> {
        Ok(self.seat.lock_until(&Unless(cancelled))?.then(|| Guard::new(self)))
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

/// No deadline, until a flag is set.
struct Unless<'a>(&'a AtomicBool);

impl Deadline for Unless<'_> {
    fn left(&self) -> Option<Duration> {
        (!self.0.load(Relaxed)).then_some(Duration::MAX)
    }
}

/// A participant that has been through the doorway and has its place in the line: if that is first come
/// first served, nobody behind it gets in until it has waited and left, or is dropped.
///
/// Dropped, it steps out of the line. That takes no waiting, but for three kinds: a [`Kind::Ticket`]
/// or [`Kind::Bypass`] 32 tickets or more behind the one served, and a [`Kind::FastUnrecoverable`]
/// that met another in the doorway, step out when the line has moved on.
#[must_use = "a participant in line that is dropped steps out of the line"]
pub struct Waiting<'p, 'a, T, W: Wait> {
    participant: &'p mut Participant<'a, T, W>,
}

impl<'p, 'a, T: Data, W: Wait> Waiting<'p, 'a, T, W> {
    /// Waits for this participant's turn.
    ///
    /// # Errors
    ///
    /// As [`Participant::lock`].
    #[inline]
    pub fn wait(self) -> Result<Guard<'p, 'a, T, W>, Error> {
        let this = mem::ManuallyDrop::new(self);
        // SAFETY: `this` is neither used nor dropped after this, so the participant is borrowed
        // once.
        let participant = unsafe { ptr::read(&raw const this.participant) };
        participant.seat.wait(&Never, Accept::Sound)?;
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

    /// The number of this acquisition: greater than that of every one before, of this segment and of
    /// every earlier one of its name. Never 0, and less than 2<sup>63</sup> until the year 2262.
    ///
    /// A *fencing token*: whoever keeps the greatest that it has seen can refuse what comes from an
    /// owner that has lost the lock.
    ///
    /// In one segment each is one more than the one before, whatever dies meanwhile. (A number is lost if
    /// its owner dies before it is in.) A new segment, whatever became of the last, begins with the time
    /// of day, in nanoseconds since 1970, since nobody goes in more often than that. After a restart a
    /// segment on a disk goes on with the later of that and its last token. So tokens of a name only go
    /// back if **the machine's clock is set back** to before the earlier segment was made, or made ready
    /// after a restart, and its file is gone or holds an older state: also if a machine starts without
    /// knowing the time.
    #[must_use]
    pub fn token(&self) -> u64 {
        self.participant.seat.token()
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
