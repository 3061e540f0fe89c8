//! A slot of a segment, owned by this process: claimed, used, given back. All that a participant
//! does but the data.

use std::marker::PhantomData;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, Mode, OFlags, openat};

use crate::algorithm::{Algorithm, Intent, Slot, Turn};
use crate::attempt::{self, Attempt, State};
use crate::shared::dead::look_after::{Look, reap};
use crate::shared::life::claim::{claim, give_back};
use crate::shared::life::fork;
use crate::shared::life::identity::Process;
use crate::shared::segment::Segment;
use crate::shared::segment::clock;
use crate::shared::segment::record::Record;
use crate::shared::segment::registers::{Registers, with_algorithm, with_withdrawing};
use crate::shared::waiting::watch::{AmongSleepers, PATIENCE, SegmentAttempt, SegmentWaker, Watch};
use crate::shared::{Death, Error};
use crate::wait::{Deadline, Never, Wait, Waker};

/// Whether a lock may be taken whose last owner has died inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accept {
    Sound,
    Poisoned,
}

/// A slot of a segment.
#[derive(Debug)]
pub(crate) struct Seat<'a, W: Wait> {
    segment: &'a Segment,
    registers: Registers<'a>,
    record: &'a Record,
    slot: Slot,
    state: State,
    /// Of the last time inside.
    token: u64,
    /// Which of several processes, told apart by the forks between them, has claimed it.
    generation: u32,
    this: Process,
    /// Has the lock on the slot's byte, until it is given up or the last process that has the
    /// descriptor is gone.
    alive: OwnedFd,
    /// How often to look after those in the way.
    every: Duration,
    /// When an attempt that did not wait has last looked.
    looked: Option<Instant>,
    wait: PhantomData<fn() -> W>,
}

impl<'a, W: Wait> Seat<'a, W> {
    /// Claims a free slot, and then a place in the scans.
    pub(crate) fn claim(segment: &'a Segment, every: Duration) -> Result<Self, Error> {
        segment.check_length()?;
        let generation = fork::generation();
        let this = Process::this()
            .map_err(Error::io(segment.name(), "find out who this process is from /proc/self"))?;
        let alive = reopen(segment)?;
        let claim = || {
            claim(segment.identities(), &alive, &this)
                .map_err(Error::io(segment.name(), "lock the slot's byte"))
        };
        let look = Look { file: alive.as_fd(), by: &this };
        let since = Instant::now();
        let mut slot = claim()?;
        // One that somebody else sees to is free in a moment.
        while slot.is_none() && reap(segment, look, None, &waker::<W>(segment))? {
            slot = claim()?;
            if slot.is_none() {
                if since.elapsed() > PATIENCE {
                    break;
                }
                W::pause();
            }
        }
        let full = || Error::Full { segment: segment.name().to_owned(), slots: segment.slots() };
        let slot = slot.ok_or_else(full)?;
        let registers = segment.registers();
        with_algorithm!(registers, algorithm => algorithm.join(slot));
        Ok(Self {
            segment,
            registers,
            record: &segment.records()[slot.index()],
            slot,
            state: State::Outside,
            token: 0,
            generation,
            this,
            alive,
            every,
            looked: None,
            wait: PhantomData,
        })
    }

    pub(crate) fn slot(&self) -> Slot {
        self.slot
    }

    pub(crate) fn segment(&self) -> &'a Segment {
        self.segment
    }

    /// The token of this participant that is inside.
    #[inline]
    pub(crate) fn token(&self) -> u64 {
        self.token
    }

    #[inline]
    fn is_ours(&self) -> bool {
        self.generation == fork::now()
    }

    #[inline]
    fn look(&self) -> Look<'_> {
        Look { file: self.alive.as_fd(), by: &self.this }
    }

    #[inline]
    fn attempt<'s, A: Algorithm + ?Sized>(&self, algorithm: &'s A) -> SegmentAttempt<'s, A, W>
    where
        'a: 's,
    {
        Attempt::resume(algorithm, self.slot, self.segment.lot())
    }

    /// The doorway. Whether it was open before the deadline.
    #[inline]
    pub(crate) fn enter(
        &mut self,
        intent: Intent,
        deadline: &impl Deadline,
    ) -> Result<bool, Error> {
        self.prepare()?;
        if self.try_enter(intent) {
            return Ok(true);
        }
        self.enter_later(intent, deadline)
    }

    /// Before each attempt.
    #[inline]
    fn prepare(&mut self) -> Result<(), Error> {
        self.check_ours()?;
        self.settle();
        if self.segment.is_stopped() {
            return Err(self.segment.owner_died());
        }
        Ok(())
    }

    #[inline]
    fn try_enter(&mut self, intent: Intent) -> bool {
        let (me, lot) = (self.slot, self.segment.lot());
        with_algorithm!(self.registers, algorithm => {
            let Ok(attempt) = SegmentAttempt::<_, W>::enter(algorithm, me, lot, intent) else {
                return false;
            };
            mem::forget(attempt);
        });
        self.state = State::Waiting;
        true
    }

    /// The doorway is closed while numbers are about to overflow, which they come near only if somebody
    /// tampers with them.
    #[cold]
    fn enter_later(&mut self, intent: Intent, deadline: &impl Deadline) -> Result<bool, Error> {
        let since = Instant::now();
        while deadline.left().is_some() {
            if since.elapsed() > PATIENCE {
                return Err(self.segment.corrupt(self.slot, "could not get a number"));
            }
            // Those in line may all be dead.
            self.look_around()?;
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

    /// Waits, past the doorway, until this slot's turn or the deadline. Whether it is in.
    #[inline]
    pub(crate) fn wait(&mut self, deadline: &impl Deadline, accept: Accept) -> Result<bool, Error> {
        self.check_ours()?;
        // Should waiting panic, the attempt withdraws itself.
        self.state = State::Outside;
        let mut watch = Watch::new(self.segment, self.look(), self.slot, self.every);
        let outcome = with_algorithm!(self.registers, algorithm => {
            watch.wait(self.attempt(algorithm), deadline)
        });
        if !matches!(outcome, Ok(true)) {
            self.record.come_out();
            return outcome;
        }
        let bypasses = watch.bypasses();
        self.go_in(bypasses, accept)?;
        Ok(true)
    }

    /// The turn has come.
    #[inline]
    fn go_in(&mut self, bypasses: u64, accept: Accept) -> Result<(), Error> {
        self.state = State::Inside;
        let journal = self.segment.journal();
        if journal.is_poisoned() && accept == Accept::Sound {
            let error = self.segment.owner_died();
            self.settle();
            return Err(error);
        }
        let Some(token) = journal.next_token() else {
            self.settle();
            return Err(self.segment.corrupt(self.slot, "could not get a token"));
        };
        self.token = token;
        if let Some(waited) = self.record.go_in(token, clock::now()) {
            journal.note_wait(waited, bypasses);
        }
        Ok(())
    }

    /// Goes in if nobody is in the way.
    #[inline]
    pub(crate) fn try_lock(&mut self) -> Result<bool, Error> {
        self.check_ours()?;
        self.settle();
        let inside = self.try_once()? || (self.look_around()? && self.try_once()?);
        if !inside {
            return Ok(false);
        }
        self.go_in(0, Accept::Sound)?;
        Ok(true)
    }

    #[inline]
    fn try_once(&self) -> Result<bool, Error> {
        let (me, lot) = (self.slot, self.segment.lot());
        Ok(with_withdrawing!(
            self.registers,
            algorithm => attempt::try_lock::<_, _, AmongSleepers<W>>(algorithm, me, lot),
            else return Err(self.unsupported("try_lock"))
        ))
    }

    /// Goes in, unless the deadline comes first.
    pub(crate) fn lock_until(&mut self, deadline: &impl Deadline) -> Result<bool, Error> {
        if !self.segment.kind().can_recover() {
            return Err(self.unsupported("timeouts"));
        }
        let inside =
            self.enter(Intent::MayWithdraw, deadline)? && self.wait(deadline, Accept::Sound)?;
        // It may have waited too short a time for that.
        if !inside {
            self.look_around()?;
        }
        Ok(inside)
    }

    /// For locks without a deadline, in two steps.
    #[inline(never)]
    fn lock_late(&mut self, has_entered: bool, accept: Accept) -> Result<(), Error> {
        if !has_entered {
            self.enter_later(Intent::Stay, &Never)?;
        }
        self.wait(&Never, accept)?;
        Ok(())
    }

    /// For locks without a deadline.
    #[inline]
    pub(crate) fn lock(&mut self, accept: Accept) -> Result<(), Error> {
        self.prepare()?;
        let (me, lot) = (self.slot, self.segment.lot());
        // Looked up once, which algorithm it is, for who finds the doorway open and nobody ahead.
        let turn = with_algorithm!(self.registers, algorithm => {
            SegmentAttempt::<_, W>::enter(algorithm, me, lot, Intent::Stay).map(|attempt| {
                let turn = attempt.poll();
                mem::forget(attempt);
                turn
            })
        });
        if turn == Ok(Turn::Mine) {
            return self.go_in(0, accept);
        }
        self.lock_late(turn.is_ok(), accept)
    }

    /// Looks after all who may be in the way, unless it has done so a moment ago: for those who do
    /// not wait in line. Whether one of them was dead.
    #[cold]
    fn look_around(&mut self) -> Result<bool, Error> {
        if self.looked.is_some_and(|then| then.elapsed() < self.every) {
            return Ok(false);
        }
        self.looked = Some(Instant::now());
        reap(self.segment, self.look(), Some(self.slot), &waker::<W>(self.segment))
    }

    fn unsupported(&self, what: &'static str) -> Error {
        Error::Unsupported { kind: self.segment.kind(), what }
    }

    /// Who died inside, if nobody has repaired the data since. To be called inside.
    pub(crate) fn death(&self) -> Option<Death> {
        let journal = self.segment.journal();
        journal.is_poisoned().then(|| journal.obituary().into())
    }

    /// Marks the data as repaired. To be called inside.
    pub(crate) fn note_repair(&self) {
        self.segment.journal().note_repair();
    }

    /// Leaves the critical section, or the line. In a forked child both are the parent's.
    #[inline]
    pub(crate) fn settle(&mut self) {
        if self.state != State::Outside {
            self.come_out();
        }
    }

    fn come_out(&mut self) {
        if self.is_ours() {
            let was = mem::replace(&mut self.state, State::Outside);
            self.record.come_out();
            let (me, lot) = (self.slot, self.segment.lot());
            with_algorithm!(self.registers, algorithm => if was == State::Inside {
                attempt::leave::<_, _, AmongSleepers<W>>(algorithm, me, lot);
            } else {
                Watch::new(self.segment, self.look(), me, self.every)
                    .step_out(self.attempt(algorithm));
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

fn waker<W: Wait>(segment: &Segment) -> SegmentWaker<'_, W> {
    Waker::new(segment.lot())
}

/// Opens a segment's file anew: locks belong to the open description, so each slot needs one of its
/// own.
fn reopen(segment: &Segment) -> Result<OwnedFd, Error> {
    let path = format!("/proc/self/fd/{}", segment.as_fd().as_raw_fd());
    openat(CWD, path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
        .map_err(Error::io(segment.name(), "open the segment anew through /proc/self/fd"))
}
