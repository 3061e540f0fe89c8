//! One request for a lock, whatever is to be said about it.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::shared::guard::{Guard, OwnedGuard};
use crate::shared::mutex::{Data, Mutex};
use crate::shared::participant::{Participant, Waiting};
use crate::shared::waiting::seat::{Accept, Seat};
use crate::shared::waiting::watch::Until;
use crate::shared::{Death, Error};
use crate::wait::{Deadline, Never, Wait};

/// The repair of a request that has none.
pub type NoRepair<T> = fn(&mut T, &Death);

/// A request for a lock: until when to wait, what calls it off, what to do about a death, in whatever
/// combination; then [`lock`](Self::lock) or [`try_lock`](Self::try_lock).
///
/// Made by [`Mutex::request`], [`Participant::request`] and [`Waiting::request`].
///
/// ```
/// use bakery_lock::shared::{Error, Guard, Options, Participant};
/// use std::sync::atomic::AtomicBool;
/// use std::time::{Duration, Instant};
///
/// static INTERRUPTED: AtomicBool = AtomicBool::new(false);
///
/// /// The sum of two parts, or why it cannot be had within a second.
/// fn balanced(me: &mut Participant<[u64; 2]>) -> Result<Guard<'_, [u64; 2]>, Error> {
///     me.request()
///         .until(Instant::now() + Duration::from_secs(1))
///         .unless(&INTERRUPTED)
///         .repair(|parts, _| parts[1] = parts[0])
///         .lock()
/// }
///
/// # fn main() -> Result<(), Error> {
/// let mutex = Options::new().anonymous([0, 0])?;
/// let mut me = mutex.join()?;
/// balanced(&mut me)?[0] += 1;
/// # Ok(())
/// # }
/// ```
#[must_use = "a request does nothing until it is made by `lock` or `try_lock`"]
#[derive(Debug)]
pub struct Request<'c, S, R> {
    source: S,
    limit: Limit<'c>,
    accept: Accept,
    repair: Option<R>,
}

/// When a time will be over: a century from now, which is as good as never, where the sum does not fit.
pub(super) fn after(time: Duration) -> Instant {
    const CENTURY: Duration = Duration::from_hours(100 * 365 * 24);
    let now = Instant::now();
    now.checked_add(time).unwrap_or(now + CENTURY)
}

/// When to give up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limit<'c> {
    deadline: Option<Instant>,
    cancelled: Option<&'c AtomicBool>,
    /// Whether a signal interrupts whoever sleeps when it has become so.
    interrupts: bool,
}

impl Limit<'_> {
    fn is_cancelled(&self) -> bool {
        self.cancelled.is_some_and(|cancelled| cancelled.load(Relaxed))
    }

    fn is_none(&self) -> bool {
        self.deadline.is_none() && self.cancelled.is_none()
    }
}

impl Deadline for Limit<'_> {
    fn left(&self) -> Option<Duration> {
        if self.is_cancelled() {
            return None;
        }
        self.deadline.map_or(Some(Duration::MAX), |deadline| deadline.left())
    }
}

impl Until for Limit<'_> {
    fn may_be_called_off(&self) -> bool {
        self.cancelled.is_some() && !self.interrupts
    }
}

impl<S, T> Request<'static, S, NoRepair<T>> {
    pub(super) fn new(source: S) -> Self {
        Self { source, limit: Limit::default(), accept: Accept::Sound, repair: None }
    }
}

impl<'c, S, R> Request<'c, S, R> {
    /// Waits until then, and not longer. A free lock is taken even after that.
    pub fn until(mut self, deadline: Instant) -> Self {
        self.limit.deadline = Some(deadline);
        self
    }

    /// Waits for so long from now, and not longer (or a century, if that is later than an [`Instant`]
    /// can say). A free lock is taken even with a time of zero.
    pub fn within(self, time: Duration) -> Self {
        self.until(after(time))
    }

    /// Gives up when this has become true: set it in a signal's handler, for instance. Whoever sleeps
    /// asks as often as [`Options::look_every`](crate::shared::Options::look_every) says, and when a
    /// signal interrupts its sleep (one whose handler was set without `SA_RESTART`). The flag is read
    /// relaxed.
    pub fn unless(self, cancelled: &AtomicBool) -> Request<'_, S, R> {
        self.cancelled_by(cancelled, false)
    }

    /// The same for one that only a signal's handler sets, on the thread that waits, without `SA_RESTART`.
    /// Nobody wakes up to ask, so it costs nothing however long the wait is.
    ///
    /// A handler that runs right before the thread goes to sleep does not interrupt that sleep. So have it
    /// start a timer whose signal comes again and again (`setitimer`) until the wait is over; else the flag
    /// is only seen at the next look, some seconds later.
    pub fn unless_interrupted(self, cancelled: &AtomicBool) -> Request<'_, S, R> {
        self.cancelled_by(cancelled, true)
    }

    fn cancelled_by(self, cancelled: &AtomicBool, interrupts: bool) -> Request<'_, S, R> {
        let Self { source, limit: Limit { deadline, .. }, accept, repair } = self;
        let limit = Limit { deadline, cancelled: Some(cancelled), interrupts };
        Request { source, limit, accept, repair }
    }

    /// If somebody has died inside, and nobody has repaired the data since, has this done so: it gets
    /// the data as the dead one has left them. When it returns they count as sound. If it panics, or
    /// this process dies in it, they do not.
    pub fn repair<F: FnOnce(&mut S::Data, &Death)>(self, repair: F) -> Request<'c, S, F>
    where
        S: Source,
    {
        let Self { source, limit, .. } = self;
        Request { source, limit, accept: Accept::Poisoned, repair: Some(repair) }
    }

    /// Goes in though somebody has died inside and nobody has repaired the data since, and leaves it at
    /// that: the data stay poisoned for others, and [`Guard::death`] tells of the death. For those who
    /// do not look at the data, or only look.
    ///
    /// ```
    /// use bakery_lock::shared::{Error, Mutex};
    ///
    /// /// The sum as it is, and whether it may be half of one.
    /// fn look(sum: &Mutex<u64>) -> Result<(u64, bool), Error> {
    ///     let sum = sum.request().even_if_poisoned().lock()?;
    ///     Ok((*sum, sum.death().is_some()))
    /// }
    /// ```
    pub fn even_if_poisoned(mut self) -> Self {
        self.accept = Accept::Poisoned;
        self
    }
}

impl<S: Source, R: FnOnce(&mut S::Data, &Death)> Request<'_, S, R> {
    /// Waits for the turn.
    ///
    /// # Errors
    ///
    /// As [`Participant::lock`]; with a [repair](Self::repair), or
    /// [even if poisoned](Self::even_if_poisoned), not [`Error::OwnerDied`];
    /// [`Error::TimedOut`] or [`Error::Cancelled`] when there is an end to the waiting and it has come
    /// first; and [`Error::Unsupported`] if there is one and the algorithm is
    /// [`Kind::FastUnrecoverable`](crate::shared::Kind::FastUnrecoverable).
    pub fn lock(self) -> Result<S::Guard, Error> {
        let guard = self.source.lock(&self.limit, self.accept)?;
        Ok(repaired::<S, R>(guard, self.repair))
    }

    /// Takes the lock if nobody is in it or in line for it, as [`Participant::try_lock`]. Whoever
    /// [waits](Waiting) in line already goes in if it is its turn, and else steps out of the line. It
    /// does not wait, whatever the deadline.
    ///
    /// # Errors
    ///
    /// As [`Participant::try_lock`]; with a [repair](Self::repair) not [`Error::OwnerDied`].
    pub fn try_lock(self) -> Result<Option<S::Guard>, Error> {
        let guard = self.source.try_lock(self.accept)?;
        Ok(guard.map(|guard| repaired::<S, R>(guard, self.repair)))
    }
}

fn repaired<S: Source, R>(mut guard: S::Guard, repair: Option<R>) -> S::Guard
where
    R: FnOnce(&mut S::Data, &Death),
{
    if let Some(repair) = repair {
        S::repair(&mut guard, repair);
    }
    guard
}

/// What a [`Request`] can be made of: a mutex, a participant, or one that waits in line.
pub trait Source: sealed::Source {}

impl<S: sealed::Source> Source for S {}

mod sealed {
    use super::{Accept, Death, Error, Limit};

    pub trait Source: Sized {
        type Data;
        type Guard;

        fn lock(self, limit: &Limit<'_>, accept: Accept) -> Result<Self::Guard, Error>;

        fn try_lock(self, accept: Accept) -> Result<Option<Self::Guard>, Error>;

        fn repair(guard: &mut Self::Guard, repair: impl FnOnce(&mut Self::Data, &Death));
    }
}

/// Locks one that is outside.
#[inline]
fn lock<W: Wait>(seat: &mut Seat<W>, limit: &Limit<'_>, accept: Accept) -> Result<(), Error> {
    if limit.is_none() {
        return seat.lock(accept);
    }
    let inside = seat.lock_until(limit, accept)?;
    inside.then_some(()).ok_or_else(|| over(seat.segment().name(), limit))
}

fn over(segment: &str, limit: &Limit<'_>) -> Error {
    let segment = segment.to_owned();
    if limit.is_cancelled() { Error::Cancelled { segment } } else { Error::TimedOut { segment } }
}

impl<'p, T: Data, W: Wait> sealed::Source for &'p mut Participant<T, W> {
    type Data = T;
    type Guard = Guard<'p, T, W>;

    fn lock(self, limit: &Limit<'_>, accept: Accept) -> Result<Self::Guard, Error> {
        lock(self.seat(), limit, accept)?;
        Ok(Guard::new(self.seat()))
    }

    fn try_lock(self, accept: Accept) -> Result<Option<Self::Guard>, Error> {
        Ok(self.seat().try_lock(accept)?.then(|| Guard::new(self.seat())))
    }

    fn repair(guard: &mut Self::Guard, repair: impl FnOnce(&mut T, &Death)) {
        guard.repair(repair);
    }
}

impl<'p, T: Data, W: Wait> sealed::Source for Waiting<'p, T, W> {
    type Data = T;
    type Guard = Guard<'p, T, W>;

    #[inline]
    fn lock(self, limit: &Limit<'_>, accept: Accept) -> Result<Self::Guard, Error> {
        let seat = self.into_seat();
        if limit.is_none() {
            seat.wait(&Never, accept)?;
        } else if !seat.wait_until(limit, accept)? {
            return Err(over(seat.segment().name(), limit));
        }
        Ok(Guard::new(seat))
    }

    fn try_lock(self, accept: Accept) -> Result<Option<Self::Guard>, Error> {
        let seat = self.into_seat();
        let inside = seat.is_next(accept)?;
        if !inside {
            seat.settle();
        }
        Ok(inside.then(|| Guard::new(seat)))
    }

    fn repair(guard: &mut Self::Guard, repair: impl FnOnce(&mut T, &Death)) {
        guard.repair(repair);
    }
}

impl<T: Data, W: Wait> sealed::Source for &Mutex<T, W> {
    type Data = T;
    type Guard = OwnedGuard<T, W>;

    fn lock(self, limit: &Limit<'_>, accept: Accept) -> Result<Self::Guard, Error> {
        let pool = self.pool();
        let mut seat = match pool.take(limit) {
            Err(Error::Full { .. }) => return Err(over(pool.segment().name(), limit)),
            taken => taken?,
        };
        lock(&mut seat, limit, accept)?;
        Ok(OwnedGuard::new(seat))
    }

    fn try_lock(self, accept: Accept) -> Result<Option<Self::Guard>, Error> {
        let mut seat = self.pool().take(&Instant::now())?;
        Ok(seat.try_lock(accept)?.then(|| OwnedGuard::new(seat)))
    }

    fn repair(guard: &mut Self::Guard, repair: impl FnOnce(&mut T, &Death)) {
        guard.repair(repair);
    }
}
