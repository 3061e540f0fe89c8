//! This process's end of a segment: participants that are idle, for those who lock without joining.

use std::hint::spin_loop;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

use crate::shared::Error;
use crate::shared::segment::Segment;
use crate::shared::waiting::seat::{Manner, Seat};
use crate::shared::waiting::watch::Until;
use crate::wait::Wait;

/// How many idle participants are kept at most: each has a descriptor.
const KEPT: usize = 16;
/// And at most one slot in so many: each has a slot, which others may need.
const SHARE: usize = 8;
/// How often to try for the list of them, which nobody has for longer than it takes to push or pop.
const TRIES: usize = 100;

/// A segment, and participants of this process that nobody uses.
pub(super) struct Pool<W: Wait> {
    segment: Arc<Segment>,
    manner: Manner,
    idle: Mutex<Vec<Seat<W>>>,
}

impl<W: Wait> Pool<W> {
    pub(super) fn new(segment: Segment, manner: Manner) -> Arc<Self> {
        Arc::new(Self { segment: Arc::new(segment), manner, idle: Mutex::new(Vec::new()) })
    }

    pub(super) fn segment(&self) -> &Arc<Segment> {
        &self.segment
    }

    pub(super) fn manner(&self) -> Manner {
        self.manner
    }

    /// The list. Not waited for without end: after a fork it may be locked by a thread that the child
    /// has not.
    fn idle(&self) -> Option<MutexGuard<'_, Vec<Seat<W>>>> {
        (0..TRIES).find_map(|_| match self.idle.try_lock() {
            Ok(idle) => Some(idle),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => {
                spin_loop();
                None
            }
        })
    }

    /// One that is idle; or a new one, once there is room for it, or [`Error::Full`] if the deadline
    /// comes first.
    pub(super) fn take(self: &Arc<Self>, deadline: &impl Until) -> Result<Pooled<W>, Error> {
        let pooled = |seat| Pooled { seat: Some(seat), pool: self.clone() };
        if let Some(mut idle) = self.idle() {
            // In a forked child there may be the parent's.
            while let Some(seat) = idle.pop() {
                if seat.is_ours() {
                    return Ok(pooled(seat));
                }
            }
        }
        Seat::claim(&self.segment, self.manner, deadline).map(pooled)
    }
}

/// A participant that goes back to its pool.
pub(super) struct Pooled<W: Wait> {
    /// There until it is dropped.
    seat: Option<Seat<W>>,
    pool: Arc<Pool<W>>,
}

impl<W: Wait> Deref for Pooled<W> {
    type Target = Seat<W>;

    #[inline]
    fn deref(&self) -> &Seat<W> {
        self.seat.as_ref().expect("it is there until it is dropped")
    }
}

impl<W: Wait> DerefMut for Pooled<W> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Seat<W> {
        self.seat.as_mut().expect("it is there until it is dropped")
    }
}

impl<W: Wait> Drop for Pooled<W> {
    fn drop(&mut self) {
        let Some(mut seat) = self.seat.take() else { return };
        seat.settle();
        if let Some(mut idle) = self.pool.idle()
            && idle.len() < KEPT.min(self.pool.segment.slots() as usize / SHARE)
            && seat.is_ours()
        {
            idle.push(seat);
        }
    }
}
