//! The mutex that processes share.

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use zerocopy::{FromBytes, IntoBytes};

use crate::shared::acquiring::Acquiring;
use crate::shared::guard::OwnedGuard;
use crate::shared::participant::Participant;
use crate::shared::pool::Pool;
use crate::shared::request::{NoRepair, Request, after};
use crate::shared::segment::registers::ALIGN;
use crate::shared::segment::reopen::reopen;
use crate::shared::segment::{Segment, deadman};
use crate::shared::waiting::seat::{Manner, Seat};
use crate::shared::{Error, Kind, Options, Origin, Status};
use crate::wait::{DefaultWait, Wait};

/// What a segment can hold: plain data, valid whatever its bytes are, without padding and without
/// pointers.
///
/// Implemented for all such types; derive [`FromBytes`] and [`IntoBytes`] for your own.
///
/// A value is aligned to 128 bytes at most; a type that asks for more does not compile.
#[diagnostic::on_unimplemented(
    message = "a segment cannot hold `{Self}`",
    note = "derive `FromBytes` and `IntoBytes` (from `bakery_lock::shared::zerocopy`) for it, with `repr(C)`",
    note = "a type with padding is not `IntoBytes`: give the padding a field of its own"
)]
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
/// the one that waits for it (which hears of it, [`Options::doorbell`], or finds out at the next of its
/// looks, [`Options::look_every`]), and is taken out of the line; the others go on in their order. If it died *inside*, the data may be half-written:
/// from then on whoever's turn it is gets [`Error::OwnerDied`], which says who that was, until
/// somebody [repairs](Participant::lock_or_repair) the data. Only [`Kind::FastUnrecoverable`] cannot
/// do this.
///
/// Death is proved: by the kernel, which has dropped the lock that the dead one held on a byte of
/// the segment's file; or by there being no such process any more (in the same pid namespace). One
/// that is stopped, traced, frozen or slow is never taken for dead, and is waited for. But **one that
/// closes descriptors which are not its own** (`closefrom`) drops that lock, is taken for dead while it
/// lives, and another is let in beside it; and its participants, when they are dropped, close whatever
/// file has their descriptors' numbers by then. One that runs another program (`exec`) counts as dead when no
/// child that it forked before has its descriptors any more. Unless it was asked to live as long as its
/// descriptor, whoever has it: [`Participant::hold_by_descriptor`].
///
/// The end of a thread is no death: a participant that it has leaked keeps what it holds until its
/// process ends. Nor is a panic: a guard dropped in a panic releases the mutex, and nothing is
/// poisoned.
pub struct Mutex<T, W: Wait = DefaultWait> {
    pool: Arc<Pool<W>>,
    data: PhantomData<fn() -> T>,
}

impl<T: Data> Mutex<T> {
    /// Creates the named segment, or attaches to it: [`Options::open`] with default options.
    ///
    /// # Errors
    ///
    /// See [`Options::open`].
    pub fn open(name: &str, initial: T) -> Result<Self, Error> {
        Options::new().open(name, initial)
    }
}

impl<T: Data, W: Wait> Mutex<T, W> {
    pub(super) fn new(segment: Segment, manner: Manner) -> Self {
        // What `Layout` promises for every part of a segment, the data among them.
        const { assert!(align_of::<T>() <= ALIGN, "aligned to 128 bytes at most") };
        Self { pool: Pool::new(segment, manner), data: PhantomData }
    }

    /// Becomes a participant, which owns a slot until it is dropped.
    ///
    /// # Errors
    ///
    /// [`Error::Full`] if every slot has a participant that lives, or a dead one that cannot be cleared
    /// away within two seconds, or is still locked by a child of one that died
    /// ([`status`](Self::status) says who they are); [`Error::WrongLength`] if the file has been cut
    /// off; [`Error::Removed`] if its name does not lead to it any more; [`Error::Io`] if the slot's
    /// descriptor cannot be opened: there is one for each participant, one without a name cannot be
    /// opened anew without `/proc`, and after `setuid` the new user may not use the file.
    pub fn join(&self) -> Result<Participant<T, W>, Error> {
        self.join_until(Instant::now())
    }

    /// Becomes a participant; if every slot is taken, waits for one, but not longer than this (or a
    /// century, if that is later than an [`Instant`] can say).
    ///
    /// Those who wait get their slots in the order in which they began to wait, and
    /// [`join`](Self::join) does not go before them. (One that is stopped while it waits holds the
    /// others up by a second.) Waiting costs little: the first in line hears of the deaths of those who have
    /// the slots, if those are not more than 127; it looks as often as [`Options::look_every`] says, at
    /// first, and spends at most a twentieth of its time on finding the dead; the others make one system
    /// call in ten times that.
    ///
    /// # Errors
    ///
    /// As [`join`](Self::join).
    pub fn join_for(&self, timeout: Duration) -> Result<Participant<T, W>, Error> {
        self.join_until(after(timeout))
    }

    /// The same, but not longer than until then.
    ///
    /// # Errors
    ///
    /// As [`join`](Self::join).
    pub fn join_until(&self, deadline: Instant) -> Result<Participant<T, W>, Error> {
        Ok(Participant::new(Seat::claim(self.segment(), self.pool.manner(), &deadline)?))
    }

    /// Goes on as a participant that was [handed over](Participant::hand_over), where it stood: by a
    /// descriptor of it that came from another process, from before an `exec`, or from before a fork.
    ///
    /// Whatever was done with the participant before it was handed over, inside too, happens before
    /// what is done with it now. The descriptor is closed on `exec` from here on. [`Status`] and deaths
    /// name this process from here on.
    ///
    /// # Errors
    ///
    /// [`Error::NotHandedOver`] if the descriptor is something else, or its participant is in use, or
    /// was when its process died: a participant has one user at a time, and of several that adopt it
    /// one succeeds. Then the descriptor is closed. Else as [`join`](Self::join), but for
    /// [`Error::Full`].
    pub fn adopt(&self, descriptor: impl Into<OwnedFd>) -> Result<Participant<T, W>, Error> {
        let seat = Seat::adopt(self.segment(), self.pool.manner(), descriptor.into())?;
        Ok(Participant::new(seat))
    }

    /// Locks without joining first: waits for the turn of a participant of this process that is idle,
    /// or that joins for this. From any number of threads, in a `static` or behind an [`Arc`].
    ///
    /// ```
    /// use bakery_lock::shared::{Mutex, Options};
    /// use std::sync::LazyLock;
    ///
    /// static LINES: LazyLock<Mutex<u64>> =
    ///     LazyLock::new(|| Options::new().anonymous(0).expect("memory for a counter"));
    ///
    /// # fn main() -> Result<(), bakery_lock::shared::Error> {
    /// std::thread::scope(|scope| {
    ///     for _ in 0..5 {
    ///         scope.spawn(|| (0..20).for_each(|_| *LINES.lock().unwrap() += 1));
    ///     }
    /// });
    /// assert_eq!(*LINES.lock()?, 100);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Each thread that is inside or waits has a participant, which has a slot and a descriptor. The
    /// first 16 that are idle again (or as many as an eighth of the slots) are kept for the next call,
    /// until the mutex is dropped. While every slot is taken, it waits for one, as
    /// [`join_for`](Self::join_for) does. A thread that locks while it holds a guard of the same mutex
    /// waits for ever, as with std's.
    ///
    /// # Errors
    ///
    /// As [`join`](Self::join), but for [`Error::Full`], and [`Participant::lock`].
    pub fn lock(&self) -> Result<OwnedGuard<T, W>, Error> {
        self.request().lock()
    }

    /// The same, if nobody is inside or in line: [`Participant::try_lock`].
    ///
    /// # Errors
    ///
    /// As [`join`](Self::join) and [`Participant::try_lock`].
    pub fn try_lock(&self) -> Result<Option<OwnedGuard<T, W>>, Error> {
        self.request().try_lock()
    }

    /// The same, but waiting no longer than this: [`Participant::lock_for`].
    ///
    /// # Errors
    ///
    /// As [`lock`](Self::lock), and [`Error::Unsupported`] as for [`Participant::try_lock`].
    pub fn lock_for(&self, timeout: Duration) -> Result<Option<OwnedGuard<T, W>>, Error> {
        self.request()
            .within(timeout)
            .lock()
            .map_or_else(Error::none_if_late, |guard| Ok(Some(guard)))
    }

    /// [`lock`](Self::lock) with a deadline, a flag that calls it off, a repair, or several of these.
    ///
    /// ```
    /// use bakery_lock::shared::{Error, Options};
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Error> {
    /// let both = Options::new().anonymous([0_u64, 0])?;
    /// let mut counts = both
    ///     .request()
    ///     .within(Duration::from_secs(5))
    ///     .repair(|counts, death| {
    ///         eprintln!("{death}");
    ///         counts[1] = counts[0];
    ///     })
    ///     .lock()?;
    /// counts[0] += 1;
    /// counts[1] += 1;
    /// # Ok(())
    /// # }
    /// ```
    pub fn request(&self) -> Request<'static, &Self, NoRepair<T>> {
        Request::new(self)
    }

    /// Locks without blocking the thread that polls: a [`Future`] that is ready when it is inside.
    ///
    /// Its place in the line is that of its first poll. If it has to wait, a thread of its own does so
    /// and wakes the task; so it works on any executor, and costs a thread for as long as it waits. The
    /// guard may be held over an `.await`, and is `Send`. A future that is dropped steps out of the
    /// line within the time that [`Options::look_every`] says.
    ///
    /// ```
    /// use bakery_lock::shared::{Error, Mutex};
    ///
    /// async fn add_a_line(lines: &Mutex<u64>) -> Result<(), Error> {
    ///     let mut guard = lines.lock_async().await?;
    ///     let line = std::future::ready(1).await;
    ///     *guard += line;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The future's are those of [`lock`](Self::lock), [`Error::Full`] if every slot is taken, and
    /// [`Error::Io`] if the thread cannot be started.
    pub fn lock_async(&self) -> Acquiring<T, W>
    where
        W: 'static,
    {
        Acquiring::new(self.pool.clone())
    }

    /// Who is inside, who waits, and what has happened so far: see [`Status`].
    ///
    /// Takes a number of steps that the number of slots bounds, and keeps nobody waiting.
    ///
    /// ```
    /// use bakery_lock::shared::Options;
    ///
    /// # fn main() -> Result<(), bakery_lock::shared::Error> {
    /// let mutex = Options::new().anonymous(0_u64)?;
    /// let guard = mutex.lock()?;
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
        Status::of(self.segment())
    }

    /// Another open description of the segment's file, for locks on bytes of one's own (`fcntl` with
    /// `F_OFD_SETLK`): from the byte 2<sup>44</sup> to 2<sup>62</sup> the library locks none. It is closed
    /// on `exec`; a duplicate need not be. As long as it is open in any process, the file has a user, and
    /// is not [removed](Options::remove).
    ///
    /// # Errors
    ///
    /// As [`join`](Self::join), but for [`Error::Full`].
    pub fn reopen(&self) -> Result<OwnedFd, Error> {
        self.segment().check_name()?;
        let file = reopen(self.segment())?;
        // This mutex is a user already, so nobody takes the name away.
        deadman::hold(&file, self.segment().name())?;
        Ok(file)
    }

    /// Whether this process has made the segment, or found it, or what a restart has left of it.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.segment().origin()
    }

    /// The algorithm that the segment was made with.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.segment().kind()
    }

    /// How many participants there is room for at a time.
    #[must_use]
    pub fn slots(&self) -> u32 {
        self.segment().slots()
    }

    /// Whether a death inside poisons the value: [`Options::poisoning`]. A
    /// [`Kind::FastUnrecoverable`] lock ends with it all the same, until the machine is restarted.
    #[must_use]
    pub fn poisoning(&self) -> bool {
        self.segment().has_poisoning()
    }

    pub(super) fn pool(&self) -> &Arc<Pool<W>> {
        &self.pool
    }
}

impl<T, W: Wait> Mutex<T, W> {
    fn segment(&self) -> &Arc<Segment> {
        self.pool.segment()
    }
}

/// The segment's descriptor: that of an anonymous one is what a parent passes on to its children.
impl<T, W: Wait> AsFd for Mutex<T, W> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.segment().as_fd()
    }
}

impl<T, W: Wait> fmt::Debug for Mutex<T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mutex")
            .field("segment", &self.segment().name())
            .field("kind", &self.segment().kind())
            .field("slots", &self.segment().slots())
            .finish_non_exhaustive()
    }
}
