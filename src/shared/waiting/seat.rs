//! A slot of a segment, owned by this process: claimed, used, given back. All that a participant
//! does but the data.

use std::marker::PhantomData;
use std::mem::{self, MaybeUninit};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::algorithm::{Algorithm, Intent, Slot, Turn};
use crate::atomic::{crash_point, death_fence};
use crate::attempt::{self, Attempt, State};
use crate::shared::dead::look_after::{Look, reap};
use crate::shared::life::bell::Hung;
use crate::shared::life::claim::give_back;
use crate::shared::life::fork;
use crate::shared::life::identity::{Hold, Identity, Process};
use crate::shared::segment::Segment;
use crate::shared::segment::record::Record;
use crate::shared::segment::registers::{Registers, with_algorithm, with_withdrawing};
use crate::shared::segment::reopen::reopen;
use crate::shared::segment::{clock, deadman, file_system};
use crate::shared::waiting::adoption::adopt;
use crate::shared::waiting::room::{Newcomer, tell_of_room};
use crate::shared::waiting::watch::{
    AmongSleepers, PATIENCE, SegmentAttempt, SegmentWaker, Until, Watch,
};
use crate::shared::{Death, Error};
use crate::wait::{Deadline, Never, Wait, Waker};

/// Whether a lock may be taken whose last owner has died inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    Sound,
    Poisoned,
}

/// How a process takes part in a segment: nobody else has to do likewise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// How often to look after those in the way.
    pub(crate) look_every: Duration,
    /// Whether this process's participants have bells.
    pub(crate) doorbell: bool,
}

/// What a slot has in the segment, found once: valid for as long as the segment is mapped.
struct Parts {
    /// Not told to the compiler to be a reference, which would have to be valid until the end of
    /// every call that a seat is passed to; the last one ends the mapping.
    registers: MaybeUninit<Registers<'static>>,
    record: NonNull<Record>,
}

// SAFETY: they point to atomics in a mapping that belongs to no thread.
unsafe impl Send for Parts {}
// SAFETY: as above.
unsafe impl Sync for Parts {}

impl Parts {
    fn of(segment: &Segment, slot: Slot) -> Self {
        // SAFETY: only the lifetime changes, and they are handed out for a shorter one than the
        // segment's (`Seat::registers`).
        let registers =
            unsafe { mem::transmute::<Registers<'_>, Registers<'static>>(segment.registers()) };
        Self {
            registers: MaybeUninit::new(registers),
            record: NonNull::from(&segment.records()[slot.index()]),
        }
    }
}

/// A slot of a segment.
pub(crate) struct Seat<W: Wait> {
    /// Its bell, if that is hung up. Before the segment, so that it is taken down first, whatever happens.
    bell: Option<Hung>,
    segment: Arc<Segment>,
    parts: Parts,
    slot: Slot,
    state: State,
    /// Of the last time inside.
    token: u64,
    /// The last death inside that this one was told of, with its own token of then.
    told: Option<Box<(u64, Death)>>,
    /// Which of several processes, told apart by the forks between them, has claimed it.
    generation: u32,
    this: Process,
    /// Has the lock on the slot's byte, until it is given up or the last process that has the
    /// descriptor is gone.
    alive: OwnedFd,
    /// Whether somebody else goes on in the slot.
    is_handed_over: bool,
    /// Whether `alive` counts as a user of the file by itself.
    is_user: bool,
    /// How often to look after those in the way.
    every: Duration,
    /// When an attempt that did not wait has last looked.
    looked: Option<Instant>,
    wait: PhantomData<fn() -> W>,
}

impl<W: Wait> Seat<W> {
    /// Claims a free slot, and then a place in the scans. Waits for one until the deadline, if all are
    /// taken.
    pub(crate) fn claim(
        segment: &Arc<Segment>,
        manner: Manner,
        deadline: &impl Until,
    ) -> Result<Self, Error> {
        segment.check_length()?;
        segment.check_name()?;
        let this = this(segment)?;
        let alive = reopen(segment)?;
        let newcomer = Newcomer { segment, file: &alive, this: &this, every: manner.look_every };
        let slot = newcomer.find_room::<W>(deadline)?;
        let mut seat = Self::new(segment, manner, slot, this, alive);
        // Before anybody can wait for it.
        seat.hang_up_bell(manner);
        with_algorithm!(seat.registers(), algorithm => algorithm.join(slot));
        Ok(seat)
    }

    /// Of a slot that is this process's.
    fn new(
        segment: &Arc<Segment>,
        manner: Manner,
        slot: Slot,
        this: Process,
        alive: OwnedFd,
    ) -> Self {
        Self {
            bell: None,
            parts: Parts::of(segment, slot),
            segment: segment.clone(),
            slot,
            state: State::Outside,
            token: 0,
            told: None,
            generation: fork::generation(),
            this,
            alive,
            is_handed_over: false,
            is_user: false,
            every: manner.look_every,
            looked: None,
            wait: PhantomData,
        }
    }

    /// Goes on in a slot that was handed over: the one that this description has locked the byte of.
    pub(crate) fn adopt(
        segment: &Arc<Segment>,
        manner: Manner,
        alive: OwnedFd,
    ) -> Result<Self, Error> {
        segment.check_length()?;
        let this = this(segment)?;
        let (slot, state) = adopt(segment, &alive, &this)?;
        let token = segment.records()[slot.index()].read().token;
        let mut seat = Self::new(segment, manner, slot, this, alive);
        seat.hang_up_bell(manner);
        (seat.state, seat.token, seat.is_user) = (state, token, true);
        Ok(seat)
    }

    fn hang_up_bell(&mut self, manner: Manner) {
        let bell = &self.segment.bells()[self.slot.index()];
        if manner.doorbell {
            let rope = &self.segment.ropes()[self.slot.index()];
            // SAFETY: the segment stays mapped while this seat holds it, and the bell goes before it.
            self.bell = unsafe { Hung::up(bell, rope) };
        } else {
            bell.leave_unhung();
        }
    }

    /// From here on this participant lives as long as its descriptor.
    pub(crate) fn hold_by_descriptor(&mut self) -> Result<BorrowedFd<'_>, Error> {
        self.check_ours()?;
        if self.identity().owner().is_none_or(|owner| owner.hold == Hold::Process) {
            // Should this process die, the file has a user all the same, and is not removed.
            self.is_user = deadman::hold(&self.alive, self.segment.name())?;
            self.identity().hold_by_descriptor();
        }
        Ok(self.alive.as_fd())
    }

    /// Leaves the slot, as it stands, to whoever adopts it by this descriptor.
    pub(crate) fn hand_over(mut self) -> Result<OwnedFd, Error> {
        let descriptor = self.hold_by_descriptor()?.try_clone_to_owned();
        let failed = Error::io(self.segment.name(), "duplicate the slot's descriptor");
        let descriptor = descriptor.map_err(failed)?;
        // First: should this process die in between, the descriptor is gone with it.
        self.is_handed_over = true;
        // Whoever adopts it hangs it up anew. Whoever listens learns that there is nothing to be heard:
        // woken before as well, should this process die right behind.
        let bell = &self.segment.bells()[self.slot.index()];
        bell.dismiss();
        self.bell.take();
        bell.dismiss();
        self.identity().hand_over(self.state);
        crash_point("a participant that was handed over");
        Ok(descriptor)
    }

    /// Whether this participant's death inside does any harm.
    pub(crate) fn set_harmless(&mut self, is_harmless: bool) -> Result<(), Error> {
        self.check_ours()?;
        self.identity().set_harmless(is_harmless);
        // Orders this before what it is about, as far as this process's own death can tell: going in, or
        // the first touch of the value.
        death_fence();
        // What it has been told of would end with it from here on.
        if !is_harmless && self.state == State::Inside && !self.segment.turns_away() {
            self.segment.journal().note_repair();
        }
        Ok(())
    }

    fn identity(&self) -> &Identity {
        &self.segment.identities()[self.slot.index()]
    }

    /// What this participant is about.
    pub(crate) fn state(&self) -> Result<State, Error> {
        self.check_ours()?;
        Ok(self.state)
    }

    pub(crate) fn slot(&self) -> Slot {
        self.slot
    }

    #[inline]
    pub(crate) fn segment(&self) -> &Segment {
        &self.segment
    }

    #[inline]
    fn registers(&self) -> Registers<'_> {
        // SAFETY: it is initialized, and the segment stays mapped while this seat holds it.
        unsafe { self.parts.registers.assume_init() }
    }

    #[inline]
    fn record(&self) -> &Record {
        // SAFETY: the segment stays mapped while this seat holds it.
        unsafe { self.parts.record.as_ref() }
    }

    /// The token of this participant that is inside.
    #[inline]
    pub(crate) fn token(&self) -> u64 {
        self.token
    }

    #[inline]
    pub(crate) fn is_ours(&self) -> bool {
        self.generation == fork::now()
    }

    #[inline]
    fn look(&self) -> Look<'_> {
        Look { file: self.alive.as_fd(), by: &self.this }
    }

    #[inline]
    fn attempt<'s, A: Algorithm + ?Sized>(&'s self, algorithm: &'s A) -> SegmentAttempt<'s, A, W> {
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
        with_algorithm!(self.registers(), algorithm => {
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

    /// Past the doorway: goes in if it is this slot's turn already. Whether it is in.
    pub(crate) fn is_next(&mut self, accept: Accept) -> Result<bool, Error> {
        self.check_ours()?;
        let turn = with_algorithm!(self.registers(), algorithm => {
            let attempt = self.attempt(algorithm);
            let turn = attempt.poll();
            mem::forget(attempt);
            turn
        });
        if turn == Turn::Mine {
            self.go_in(0, accept)?;
        }
        Ok(turn == Turn::Mine)
    }

    fn check_ours(&self) -> Result<(), Error> {
        if self.is_ours() {
            return Ok(());
        }
        Err(Error::Forked { segment: self.segment.name().to_owned() })
    }

    /// Waits, past the doorway, until this slot's turn or the deadline. Whether it is in.
    #[inline]
    pub(crate) fn wait(&mut self, deadline: &impl Until, accept: Accept) -> Result<bool, Error> {
        self.check_ours()?;
        // Should waiting panic, the attempt withdraws itself.
        self.state = State::Outside;
        let mut watch = Watch::new(&self.segment, self.look(), self.slot, self.every);
        let outcome = with_algorithm!(self.registers(), algorithm => {
            watch.wait(self.attempt(algorithm), deadline)
        });
        if !matches!(outcome, Ok(true)) {
            self.record().come_out();
            return outcome;
        }
        let bypasses = watch.bypasses();
        // Not where the lock changes hands more quickly than the clock ticks: it is a system call.
        if self.has_waited()
            && let Err(error) = self.segment.check_name()
        {
            self.state = State::Inside;
            self.settle();
            return Err(error);
        }
        self.go_in(bypasses, accept)?;
        Ok(true)
    }

    /// The same, for those who can be taken back.
    pub(crate) fn wait_until(
        &mut self,
        deadline: &impl Until,
        accept: Accept,
    ) -> Result<bool, Error> {
        if self.segment.kind().can_recover() {
            return self.wait(deadline, accept);
        }
        self.settle();
        Err(self.unsupported("timeouts"))
    }

    /// Whether it has been kept waiting, for a tick of the segment's clock at least.
    fn has_waited(&self) -> bool {
        let since = self.record().read().since;
        since != 0 && since != clock::now()
    }

    /// The turn has come.
    #[inline]
    fn go_in(&mut self, bypasses: u64, accept: Accept) -> Result<(), Error> {
        self.state = State::Inside;
        if self.segment.journal().is_poisoned() {
            return self.go_in_after_death(bypasses, accept);
        }
        self.take_token(bypasses)
    }

    #[inline]
    fn take_token(&mut self, bypasses: u64) -> Result<(), Error> {
        let journal = self.segment.journal();
        let Some(token) = journal.next_token() else {
            self.settle();
            return Err(self.segment.corrupt(self.slot, "could not get a token"));
        };
        self.token = token;
        if let Some(waited) = self.record().go_in(token, clock::now()) {
            journal.note_wait(waited, bypasses);
        }
        Ok(())
    }

    /// Turns back; or keeps who died, for the guard to tell. If there is nothing to be repaired,
    /// nobody else is told.
    #[cold]
    fn go_in_after_death(&mut self, bypasses: u64, accept: Accept) -> Result<(), Error> {
        let turns_away = self.segment.turns_away();
        if turns_away && accept == Accept::Sound {
            let error = self.segment.owner_died();
            self.settle();
            return Err(error);
        }
        self.take_token(bypasses)?;
        let journal = self.segment.journal();
        self.told = Some(Box::new((self.token, journal.obituary().into())));
        // One that dies harmlessly leaves it to the next.
        let is_harmless = self.identity().owner().is_some_and(|owner| owner.is_harmless);
        if !turns_away && !is_harmless {
            journal.note_repair();
        }
        Ok(())
    }

    /// Goes in if nobody is in the way.
    #[inline]
    pub(crate) fn try_lock(&mut self, accept: Accept) -> Result<bool, Error> {
        self.check_ours()?;
        self.settle();
        let inside = self.try_once()? || (self.look_around()? && self.try_once()?);
        if !inside {
            return Ok(false);
        }
        self.go_in(0, accept)?;
        Ok(true)
    }

    #[inline]
    fn try_once(&self) -> Result<bool, Error> {
        let (me, lot) = (self.slot, self.segment.lot());
        Ok(with_withdrawing!(
            self.registers(),
            algorithm => attempt::try_lock::<_, _, AmongSleepers<W>>(algorithm, me, lot),
            else return Err(self.unsupported("try_lock"))
        ))
    }

    /// Goes in, unless the deadline comes first.
    pub(crate) fn lock_until(
        &mut self,
        deadline: &impl Until,
        accept: Accept,
    ) -> Result<bool, Error> {
        if !self.segment.kind().can_recover() {
            return Err(self.unsupported("timeouts"));
        }
        let inside = self.enter(Intent::MayWithdraw, deadline)? && self.wait(deadline, accept)?;
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
        let turn = with_algorithm!(self.registers(), algorithm => {
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
        self.segment.check_name()?;
        reap(&self.segment, self.look(), Some(self.slot), &waker::<W>(&self.segment))
    }

    fn unsupported(&self, what: &'static str) -> Error {
        Error::Unsupported { kind: self.segment.kind(), what }
    }

    /// Who died inside right before this one went in. To be called inside.
    pub(crate) fn death(&self) -> Option<&Death> {
        self.told.as_deref().filter(|(token, _)| *token == self.token).map(|(_, death)| death)
    }

    /// Whether the data is still to be repaired. To be called inside.
    pub(crate) fn is_poisoned(&self) -> bool {
        self.segment.journal().is_poisoned()
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
            self.record().come_out();
            let (me, lot) = (self.slot, self.segment.lot());
            with_algorithm!(self.registers(), algorithm => if was == State::Inside {
                attempt::leave::<_, _, AmongSleepers<W>>(algorithm, me, lot);
            } else {
                Watch::new(&self.segment, self.look(), me, self.every)
                    .step_out(self.attempt(algorithm));
            });
        }
    }
}

impl<W: Wait> Drop for Seat<W> {
    fn drop(&mut self) {
        if self.is_ours() && !self.is_handed_over {
            self.settle();
            // While the slot is this one's.
            self.bell.take();
            // Unlocks the byte: a child that was forked off meanwhile may still have the descriptor.
            give_back(self.segment.identities(), &self.alive, self.slot);
            if self.is_user {
                deadman::let_go(&self.alive);
            }
            tell_of_room(&self.segment, &self.alive);
        }
    }
}

fn waker<W: Wait>(segment: &Segment) -> SegmentWaker<'_, W> {
    Waker::new(segment.lot())
}

fn this(segment: &Segment) -> Result<Process, Error> {
    Process::this(file_system::number(segment, segment.name())?)
        .map_err(Error::io(segment.name(), "find out who this process is from /proc/self"))
}
