//! A slot of a segment, owned by this process: claimed, used, given back. All that a participant
//! does but the data.

use std::marker::PhantomData;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, Mode, OFlags, openat};

use crate::algorithm::{Algorithm, Blocked, Intent, Slot};
use crate::attempt::{self, Attempt, State};
use crate::shared::claim::{claim, give_back};
use crate::shared::identity::Process;
use crate::shared::registers::{with_algorithm, with_withdrawing};
use crate::shared::segment::Segment;
use crate::shared::{Error, Kind, fork};
use crate::wait::{Deadline, Lot, Never, Wait};

/// However one process waits, others may sleep: whoever writes wakes.
struct AmongSleepers<W>(PhantomData<W>);

impl<W: Wait> Wait for AmongSleepers<W> {
    const SLEEPS: bool = true;

    #[inline]
    fn wait<L: Lot>(lot: &L, by: Blocked, still: impl Fn() -> bool, deadline: &impl Deadline) {
        W::wait(lot, by, still, deadline);
    }

    fn pause() {
        W::pause();
    }
}

/// How long a doorway may stay closed before the registers are taken for damaged.
const PATIENCE: Duration = Duration::from_secs(1);

/// A slot of a segment.
#[derive(Debug)]
pub(super) struct Seat<'a, W: Wait> {
    segment: &'a Segment,
    slot: Slot,
    state: State,
    /// Which of several processes, told apart by the forks between them, has claimed it.
    generation: u32,
    /// Has the lock on the slot's byte, until it is given up or the last process that has the
    /// descriptor is gone.
    alive: OwnedFd,
    wait: PhantomData<fn() -> W>,
}

impl<'a, W: Wait> Seat<'a, W> {
    /// Claims a free slot, and then a place in the scans.
    pub(super) fn claim(segment: &'a Segment) -> Result<Self, Error> {
        let generation = fork::generation();
        let this = Process::this()
            .map_err(Error::io(segment.name(), "find out who this process is from /proc/self"))?;
        let alive = reopen(segment)?;
        let slot = claim(segment.identities(), &alive, &this)
            .map_err(Error::io(segment.name(), "lock the slot's byte"))?;
        let full = || Error::Full { segment: segment.name().to_owned(), slots: segment.slots() };
        let slot = slot.ok_or_else(full)?;
        with_algorithm!(segment.registers(), algorithm => algorithm.join(slot));
        let (state, wait) = (State::Outside, PhantomData);
        Ok(Self { segment, slot, state, generation, alive, wait })
    }

    pub(super) fn slot(&self) -> Slot {
        self.slot
    }

    pub(super) fn segment(&self) -> &'a Segment {
        self.segment
    }

    #[inline]
    fn is_ours(&self) -> bool {
        self.generation == fork::now()
    }

    /// The doorway. Whether it was open before the deadline.
    #[inline]
    pub(super) fn enter(
        &mut self,
        intent: Intent,
        deadline: &impl Deadline,
    ) -> Result<bool, Error> {
        self.check_ours()?;
        self.settle();
        if self.try_enter(intent) {
            return Ok(true);
        }
        self.enter_later(intent, deadline)
    }

    #[inline]
    fn try_enter(&mut self, intent: Intent) -> bool {
        let (me, lot) = (self.slot, self.segment.lot());
        with_algorithm!(self.segment.registers(), algorithm => {
            let Ok(attempt) = Attempt::<_, _, AmongSleepers<W>>::enter(algorithm, me, lot, intent) else {
                return false;
            };
            mem::forget(attempt);
        });
        self.state = State::Waiting;
        true
    }

    /// The doorway is closed: to tickets that may be withdrawn until the line is shorter, to the
    /// others while numbers are about to overflow, which they come near only if somebody tampers
    /// with them.
    #[cold]
    fn enter_later(&mut self, intent: Intent, deadline: &impl Deadline) -> Result<bool, Error> {
        let may_take_long = self.segment.kind() == Kind::Ticket && intent == Intent::MayWithdraw;
        let since = Instant::now();
        while deadline.left().is_some() {
            if !may_take_long && since.elapsed() > PATIENCE {
                let segment = self.segment.name().to_owned();
                return Err(Error::Corrupt { segment, slot: self.slot.number(), tried: PATIENCE });
            }
            W::pause();
            if self.try_enter(intent) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn check_ours(&self) -> Result<(), Error> {
        if self.is_ours() {
            return Ok(());
        }
        Err(Error::Forked { segment: self.segment.name().to_owned() })
    }

    /// Waits, past the doorway, until this slot's turn.
    #[inline]
    pub(super) fn wait(&mut self) -> Result<(), Error> {
        self.check_ours()?;
        let (me, lot) = (self.slot, self.segment.lot());
        // Should waiting panic, the attempt withdraws itself.
        self.state = State::Outside;
        with_algorithm!(self.segment.registers(), algorithm => {
            Attempt::<_, _, AmongSleepers<W>>::resume(algorithm, me, lot).wait();
        });
        self.state = State::Inside;
        Ok(())
    }

    /// Goes in if nobody is in the way.
    #[inline]
    pub(super) fn try_lock(&mut self) -> Result<bool, Error> {
        self.check_ours()?;
        self.settle();
        let (me, lot) = (self.slot, self.segment.lot());
        let inside = with_withdrawing!(
            self.segment.registers(),
            algorithm => attempt::try_lock::<_, _, AmongSleepers<W>>(algorithm, me, lot),
            else return Err(self.unsupported("try_lock"))
        );
        if inside {
            self.state = State::Inside;
        }
        Ok(inside)
    }

    /// Goes in, unless the deadline comes first.
    pub(super) fn lock_until(&mut self, deadline: Instant) -> Result<bool, Error> {
        if self.segment.kind() == Kind::Fast {
            return Err(self.unsupported("timeouts"));
        }
        if !self.enter(Intent::MayWithdraw, &deadline)? {
            return Ok(false);
        }
        let (me, lot) = (self.slot, self.segment.lot());
        self.state = State::Outside;
        let inside = with_withdrawing!(
            self.segment.registers(),
            algorithm => Attempt::<_, _, AmongSleepers<W>>::resume(algorithm, me, lot).wait_until(&deadline),
            else return Err(self.unsupported("timeouts"))
        );
        if inside {
            self.state = State::Inside;
        }
        Ok(inside)
    }

    /// For locks without a deadline.
    #[inline]
    pub(super) fn lock(&mut self) -> Result<(), Error> {
        self.enter(Intent::Stay, &Never)?;
        self.wait()
    }

    fn unsupported(&self, what: &'static str) -> Error {
        Error::Unsupported { kind: self.segment.kind(), what }
    }

    /// Leaves the critical section, or the line. In a forked child both are the parent's.
    #[inline]
    pub(super) fn settle(&mut self) {
        if self.state != State::Outside && self.is_ours() {
            let (state, me, lot) = (&mut self.state, self.slot, self.segment.lot());
            with_algorithm!(self.segment.registers(), algorithm => {
                attempt::settle::<_, _, AmongSleepers<W>>(state, algorithm, me, lot);
            });
        }
    }
}

impl<W: Wait> Drop for Seat<'_, W> {
    fn drop(&mut self) {
        if self.is_ours() {
            self.settle();
            // Unlocks the byte: a child that was forked off meanwhile may still have the descriptor.
            give_back(self.segment.identities(), &self.alive, self.slot);
        }
    }
}

/// Opens a segment's file anew: locks belong to the open description, so each slot needs one of its
/// own.
fn reopen(segment: &Segment) -> Result<OwnedFd, Error> {
    let path = format!("/proc/self/fd/{}", segment.as_fd().as_raw_fd());
    openat(CWD, path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
        .map_err(Error::io(segment.name(), "open the segment anew through /proc/self/fd"))
}
