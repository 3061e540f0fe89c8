//! Waiting, with a look now and then at whether the one waited for is still alive.
//!
//! A death is heard ([`listen`](crate::shared::waiting::listen)), and then looked at until it is proved.
//! Other looks are for what is not heard: bells that are lost or were never hung up, a file that is gone,
//! registers that are damaged. They become rare.

use std::marker::PhantomData;
use std::mem;
use std::time::{Duration, Instant};

use crate::algorithm::{Algorithm, Blocked, Slot, Standing, Turn, Wake, Withdrawal};
use crate::atomic::{SeqCst, fence};
use crate::attempt::Attempt;
use crate::shared::Error;
use crate::shared::dead::look_after::{Look, Outcome, look_after};
use crate::shared::segment::clock;
use crate::shared::segment::{Segment, SegmentLot};
use crate::shared::waiting::listen::{self, Ear, Listening, News, SOON};
use crate::wait::{Deadline, Lot, Never, Wait, Waker};

/// How long what should not be may last before the registers are taken for damaged.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

/// How much longer than [`Options::look_every`](crate::shared::Options::look_every) says each waiter may
/// leave it at, for each that competes: looking costs a multiple of what it does alone where many wait,
/// and all of them together are not to take more than about half a processor for it.
const SHARE: Duration = Duration::from_micros(100);

/// However one process waits, others may sleep: whoever writes wakes.
pub(crate) struct AmongSleepers<W>(PhantomData<W>);

impl<W: Wait> Wait for AmongSleepers<W> {
    const SLEEPS: bool = true;

    #[inline]
    fn wait<L: Lot>(
        lot: &L,
        by: Blocked,
        waits: u32,
        still: impl Fn() -> bool,
        deadline: &impl Deadline,
    ) {
        W::wait(lot, by, waits, still, deadline);
    }

    fn pause() {
        W::pause();
    }

    #[inline]
    fn give_way() {
        W::give_way();
    }
}

/// Wakes whoever sleeps in a segment.
pub(crate) type SegmentWaker<'a, W> = Waker<SegmentLot<'a>, AmongSleepers<W>>;

/// One participant's attempt, past its doorway.
pub(crate) type SegmentAttempt<'a, A, W> = Attempt<'a, A, SegmentLot<'a>, AmongSleepers<W>>;

/// Until when a participant waits.
pub(crate) trait Until: Deadline {
    /// Whether it may be over at any moment, which only asking tells.
    fn may_be_called_off(&self) -> bool {
        false
    }
}

impl Until for Never {}

impl Until for Instant {}

/// A stretch of waiting between two looks.
struct Slice<'d, D> {
    /// `None`: beyond what the clock can tell.
    end: Option<Instant>,
    deadline: &'d D,
    /// Whose news end it.
    ear: Option<&'d Ear<'d>>,
}

impl<'d, D: Deadline> Slice<'d, D> {
    fn new(length: Duration, deadline: &'d D, ear: Option<&'d Ear<'_>>) -> Self {
        Self { end: Instant::now().checked_add(length), deadline, ear }
    }

    fn has_news(&self) -> bool {
        self.ear.is_some_and(Ear::has_news)
    }

    fn is_over(&self) -> bool {
        self.has_news() || self.end.is_some_and(|end| end.left().is_none())
    }
}

impl<D: Deadline> Deadline for Slice<'_, D> {
    #[inline]
    fn left(&self) -> Option<Duration> {
        if self.has_news() {
            return None;
        }
        let left = self.deadline.left()?;
        self.end.map_or(Some(left), |end| Some(left.min(end.left()?)))
    }
}

/// One participant's looks during one wait.
pub(crate) struct Watch<'a> {
    segment: &'a Segment,
    look: Look<'a>,
    me: Slot,
    every: Duration,
    /// Since when each look has found nobody where this participant waits for somebody.
    missed: Option<(Option<Slot>, Instant)>,
    /// The last token at the first look, and how many others were competing then.
    at_first: Option<(u64, u64)>,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(segment: &'a Segment, look: Look<'a>, me: Slot, every: Duration) -> Self {
        Self { segment, look, me, every, missed: None, at_first: None }
    }

    /// Waits until it is this participant's turn, or until the deadline. Whether it is in.
    #[inline]
    pub(crate) fn wait<A: Algorithm + ?Sized, W: Wait>(
        &mut self,
        attempt: SegmentAttempt<'_, A, W>,
        deadline: &impl Until,
    ) -> Result<bool, Error> {
        match attempt.poll() {
            Turn::Mine => {
                attempt.complete();
                Ok(true)
            }
            Turn::Blocked(by) => {
                let is_over = || deadline.left().is_none();
                let call_off: Option<(_, &dyn Fn() -> bool)> =
                    deadline.may_be_called_off().then_some((self.every, &is_over));
                let ear = Ear::new(self.segment, self.me, call_off);
                self.wait_long(&ear, attempt.at(ear.lot()), by, deadline)
            }
        }
    }

    #[inline(never)]
    fn wait_long<'e, A: Algorithm + ?Sized, W: Wait>(
        &mut self,
        ear: &'e Ear<'_>,
        mut attempt: Attempt<'_, A, Listening<'e>, AmongSleepers<W>>,
        mut by: Blocked,
        deadline: &impl Deadline,
    ) -> Result<bool, Error> {
        self.segment.records()[self.me.index()].wait_begins(clock::now());
        // Until a look, however often it is woken before.
        let mut slice = Slice::new(self.every, deadline, Some(ear));
        // Since a bell was rung: how long until the next look at its participant.
        let mut soon = None;
        // Dead ones whose slots could not be made free, since their places were in line.
        let mut unfinished = Vec::new();
        let mut waits = 0_u32;
        loop {
            if deadline.left().is_some() {
                attempt.pass_time(by, waits, &slice);
            } else {
                match attempt.try_withdraw() {
                    Ok(withdrawal) => {
                        self.tell_those_behind();
                        return Ok(withdrawal == Withdrawal::Mine);
                    }
                    Err(too_late) => attempt = too_late,
                }
                attempt.pass_time(by, waits, &Slice::new(self.every, &Never, Some(ear)));
            }
            waits = waits.saturating_add(1);
            match attempt.poll() {
                Turn::Mine => {
                    if let Err(error) = self.finish(&unfinished, &self.waker::<W>()) {
                        mem::forget(attempt.try_step_out());
                        return Err(error);
                    }
                    attempt.complete();
                    return Ok(true);
                }
                Turn::Blocked(now) => by = now,
            }
            if !slice.is_over() {
                continue;
            }
            let news = ear.take_news();
            soon = news.map(|news| (news, SOON)).or(soon);
            let looked = match soon {
                Some((News::Rings(slot), _)) => self.look_at(slot, &self.waker::<W>()),
                Some(_) | None => self.look(&self.waker::<W>()).map(|()| Outcome::Wait),
            };
            match looked {
                Ok(Outcome::Wait) => {}
                Ok(Outcome::Busy) => {
                    if let Some((News::Rings(slot), _)) = soon
                        && !unfinished.contains(&slot)
                    {
                        unfinished.push(slot);
                    }
                }
                Ok(_) => {
                    ear.forget();
                    soon = None;
                }
                Err(error) => {
                    // Not more than once: what is damaged may never let it go.
                    mem::forget(attempt.try_step_out());
                    self.tell_those_behind();
                    return Err(error);
                }
            }
            let pace = self.pace::<W>(ear);
            // Still there after so long: it has rung for nothing.
            soon = soon.filter(|(_, soon)| *soon < pace);
            slice = Slice::new(soon.map_or(pace, |(_, soon)| soon), deadline, Some(ear));
            soon = soon.map(|(news, soon)| (news, listen::longer(soon)));
        }
    }

    /// How long until the next look.
    fn pace<W: Wait>(&self, ear: &Ear<'_>) -> Duration {
        let crowd = u32::try_from(self.competing()).unwrap_or(u32::MAX);
        let least = self.every.max(SHARE.saturating_mul(crowd));
        let sparing = if !W::SLEEPS || self.missed.is_some() {
            // It takes all the time that there is anyway; or there is something amiss.
            Duration::ZERO
        } else {
            ear.leave_it_at()
        };
        least.max(sparing)
    }

    /// Of one that was in line, and is not any more: has those behind it listen to another, where they would
    /// not know.
    fn tell_those_behind(&self) {
        if !self.segment.registers().gives_up_silently() {
            return;
        }
        // Orders what says that it is not in line before the look for sleepers, who have said so before
        // they found it there.
        fence(SeqCst);
        if self.segment.has_sleepers() {
            self.segment.bells()[self.me.index()].dismiss();
        }
    }

    /// Takes an attempt back, waiting for that if need be.
    pub(crate) fn step_out<A: Algorithm + ?Sized, W: Wait>(
        &mut self,
        mut attempt: SegmentAttempt<'_, A, W>,
    ) {
        let mut slice = Slice::new(self.every, &Never, None);
        while let Err(too_late) = attempt.try_step_out() {
            attempt = too_late;
            if attempt.poll() != Turn::Mine {
                W::pause();
            }
            if slice.is_over() {
                slice = Slice::new(self.every, &Never, None);
                if self.look(&self.waker::<W>()).is_err() {
                    return mem::forget(attempt);
                }
            }
        }
        self.tell_those_behind();
    }

    /// Looks once more at those that kept a place in line, which has moved on.
    fn finish(&self, unfinished: &[Slot], wake: &impl Wake) -> Result<(), Error> {
        unfinished.iter().try_for_each(|slot| self.look_at(*slot, wake).map(drop))
    }

    /// Looks at one whose bell was rung.
    fn look_at(&self, slot: Slot, wake: &impl Wake) -> Result<Outcome, Error> {
        let outcome = look_after(self.segment, self.look, slot, wake)?;
        if self.segment.is_stopped() {
            return Err(self.segment.owner_died());
        }
        Ok(outcome)
    }

    /// Looks after the one that this participant waits for.
    pub(crate) fn look(&mut self, wake: &impl Wake) -> Result<(), Error> {
        let segment = self.segment;
        segment.check_length()?;
        segment.check_name()?;
        if self.at_first.is_none() {
            // In this order: one that is in and out between the two is counted, not held against
            // the lock.
            let competing = self.competing();
            self.at_first = Some((segment.journal().last_token(), competing));
        }
        // Nobody else writes what says that this participant waits.
        if segment.kind().can_recover()
            && segment.registers().standing(self.me) == Standing::Outside
        {
            return Err(segment.corrupt(self.me, "waits, and its registers deny it"));
        }
        // Registers that name this participant itself are damaged.
        let on = segment.registers().ahead_of(self.me, wake).filter(|on| *on != self.me);
        let outcome = match on {
            Some(on) => look_after(segment, self.look, on, wake)?,
            None => Outcome::Nobody,
        };
        self.missed = match self.missed {
            _ if outcome != Outcome::Nobody => None,
            Some((missed, since)) if missed == on => Some((on, since)),
            _ => Some((on, Instant::now())),
        };
        if segment.is_stopped() {
            return Err(segment.owner_died());
        }
        // It may have gone a moment ago, but not again and again.
        if self.missed.is_some_and(|(_, since)| since.elapsed() > PATIENCE) {
            return Err(segment.corrupt(self.me, "waits for one that is not there"));
        }
        Ok(())
    }

    fn waker<W: Wait>(&self) -> SegmentWaker<'a, W> {
        Waker::new(self.segment.lot())
    }

    fn competing(&self) -> u64 {
        let registers = self.segment.registers();
        let others = (0..self.segment.joined()).map(Slot::new).filter(|slot| *slot != self.me);
        others.filter(|slot| registers.standing(*slot) != Standing::Outside).count() as u64
    }

    /// How often this participant was passed for certain: by those that went in since the first
    /// look, less as many as may have been ahead of it then.
    pub(crate) fn bypasses(&self) -> u64 {
        let Some((token, competing)) = self.at_first else { return 0 };
        self.segment.journal().last_token().saturating_sub(token).saturating_sub(competing)
    }
}
