//! A queue that may be passed so many times: a gate that whoever runs may take, before a queue of
//! those who wait for it. After Dave Dice and Alex Kogan, "Fissile Locks", NETYS 2020; here the bound
//! is on how often anybody in line is passed, asleep or not.

use core::cell::Cell;

use crate::algorithm::{
    Algorithm, Blocked, DoorwayClosed, Intent, Slot, Standing, TicketQueue, Turn, Wake, Withdraw,
    Withdrawal,
};
use crate::atomic::{Acquire, AtomicU32, Register32, Register64, Relaxed, Release, const_fn};

/// A gate, and a [`TicketQueue`] of those who found it shut. The head of the queue competes for the
/// gate with those who come, of whom at most `B` pass anybody who waits.
///
/// - **Order**: bounded bypass. From the end of its doorway until it is in, a participant is passed
///   at most `B` times by others that came later, whether it runs, sleeps, or waits for a processor;
///   and those who wait go in in the order of their tickets.
/// - **How**: those in line when the last round is over are the next round. Half of `B` is shared out
///   among the heads of a round, one after the other; so nobody is passed more often than that in the
///   round that it comes into, nor in its own. When a head's share is used up, the gate is closed to
///   all others.
/// - **Needs** compare-and-exchange of 32 bits to enter and fetch-and-add to leave; in line, what a
///   [`TicketQueue`] needs.
/// - **Space**: 40 bytes for any number of participants.
/// - **Withdrawing**: as from a [`TicketQueue`].
#[derive(Debug)]
#[repr(C)]
pub struct BypassQueue<const B: u32> {
    /// `HELD`, `LINE`, and how much of its half of `B` is gone, or kept for the heads to come.
    gate: AtomicU32,
    /// How often the next head may be passed. This and `round` are the head's to read and write.
    share: Register32,
    /// The first ticket that is not of this round.
    round: Register64,
    queue: TicketQueue,
}

/// Somebody is in the critical section.
const HELD: u32 = 1;
/// Somebody may be in line: passages count.
const LINE: u32 = 2;
/// One passage.
const PASSAGE: u32 = 4;

/// Where the head of the queue sleeps.
const GATE: u32 = u32::MAX;

impl<const B: u32> BypassQueue<B> {
    const HALF: u32 = {
        assert!(B <= u32::MAX / PASSAGE, "more than can be counted");
        B / 2
    };

    /// All of a half is gone.
    const CLOSED: u32 = Self::HALF * PASSAGE;

    const_fn! {
        /// The gate is open, and nobody is in line.
        #[must_use]
        pub const fn new() -> Self {
            Self {
                gate: AtomicU32::new(0),
                share: Register32::new(0),
                round: Register64::new(0),
                queue: TicketQueue::new(),
            }
        }
    }

    /// Whether anybody is inside.
    pub fn is_held(&self) -> bool {
        self.gate.load(Relaxed) & HELD != 0
    }

    /// Goes in, past those in line, if the gate is open. Whether it is in.
    #[inline]
    pub fn try_pass(&self) -> bool {
        // Acquire: the last critical section has to be seen.
        self.gate.compare_exchange(0, HELD, Acquire, Relaxed).is_ok() || self.try_pass_line()
    }

    #[inline(never)]
    fn try_pass_line(&self) -> bool {
        let gate = self.gate.load(Relaxed);
        let passed = if gate & LINE == 0 { gate } else { gate.wrapping_add(PASSAGE) };
        // Acquire: as above.
        gate & HELD == 0
            && passed <= Self::CLOSED | LINE
            && self.gate.compare_exchange(gate, passed | HELD, Acquire, Relaxed).is_ok()
    }

    /// Goes in as the head of a queue without anybody in it: those who gave up may have left the gate
    /// closed. Whether it is in.
    #[inline(never)]
    fn try_lead(&self, wake: &impl Wake) -> bool {
        if self.is_held() {
            return false;
        }
        let Some(mine) = self.queue.try_take(wake) else { return false };
        let is_in = self.go_in(mine, wake);
        if !is_in {
            self.queue.serve_next(wake);
        }
        is_in
    }

    /// Goes in as the head of the queue, which is left to the next. Whether it is in.
    fn go_in(&self, mine: u64, wake: &impl Wake) -> bool {
        let gate = self.gate.load(Relaxed);
        if gate & HELD != 0 {
            return false;
        }
        let behind = mine.wrapping_add(1);
        let end = self.queue.end();
        let waiting = end.wrapping_sub(behind);
        let mut round = self.round.load(Relaxed);
        let mut share = self.share.load(Relaxed);
        if behind.wrapping_sub(round).cast_signed() >= 0 {
            round = end;
            // If nobody is here yet, whoever comes next has all of it.
            share = u32::try_from(waiting).map_or(0, |waiting| Self::HALF / waiting.max(1));
        }
        let line = if waiting == 0 { 0 } else { LINE };
        let held = HELD | line | ((Self::HALF - share) * PASSAGE);
        // Acquire: the last critical section has to be seen; and if somebody has said that there is
        // a line, its ticket, too.
        if self.gate.compare_exchange(gate, held, Acquire, Relaxed).is_err() {
            return false;
        }
        self.round.store(round, Relaxed);
        self.share.store(share, Relaxed);
        if waiting == 0 && self.queue.end() != behind {
            // It came meanwhile, and said so before it was taken back.
            self.gate.fetch_or(LINE, Relaxed);
        }
        self.queue.serve_next(wake);
        true
    }

    /// Opens the gate to the head of the queue only, if there is a line.
    pub fn leave_to_line(&self, wake: &impl Wake) {
        if self.gate.load(Relaxed) & LINE != 0 {
            // Only the head can be next now, and sets anew what is gone.
            self.gate.fetch_add(Self::CLOSED, Relaxed);
        }
        self.leave(wake);
    }

    /// Opens the gate.
    #[inline]
    fn leave(&self, wake: &impl Wake) {
        // Release: hands the critical section on.
        self.gate.fetch_sub(HELD, Release);
        wake.fence_after_rmw();
        wake.wake(GATE);
    }
}

impl<const B: u32> Default for BypassQueue<B> {
    fn default() -> Self {
        Self::new()
    }
}

/// How far an attempt has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BypassPlace {
    /// Past the gate, or not in line yet.
    Gone,
    /// In line with this ticket.
    InLine(u64),
    /// The same, and nobody in line is before it.
    Head(u64),
}

/// One attempt at a [`BypassQueue`]. It has no use for slots, and ignores them.
#[derive(Debug)]
pub struct BypassInHand<'a, const B: u32> {
    lock: &'a BypassQueue<B>,
    place: Cell<BypassPlace>,
}

impl<'a, const B: u32> BypassInHand<'a, B> {
    /// Not through the doorway yet; or, for whoever is in the critical section, past the gate.
    #[must_use]
    pub const fn new(lock: &'a BypassQueue<B>) -> Self {
        Self::at(lock, BypassPlace::Gone)
    }

    /// The attempt that has come so far, for whoever keeps such places elsewhere.
    #[must_use]
    pub const fn at(lock: &'a BypassQueue<B>, place: BypassPlace) -> Self {
        Self { lock, place: Cell::new(place) }
    }

    /// How far it has come.
    #[must_use]
    pub fn place(&self) -> BypassPlace {
        self.place.get()
    }
}

// SAFETY: whoever is in has set `HELD`, which only an exchange does that finds it clear.
unsafe impl<const B: u32> Algorithm for BypassInHand<'_, B> {
    const FIRST_COME_FIRST_SERVED: bool = false;
    const HANDS_ON_LAST: bool = true;

    fn capacity(&self) -> usize {
        u32::MAX as usize
    }

    fn enter(&self, _: Slot, intent: Intent, _: &impl Wake) -> Result<(), DoorwayClosed> {
        if self.lock.try_pass() {
            self.place.set(BypassPlace::Gone);
            return Ok(());
        }
        let mine = match intent {
            Intent::Stay => self.lock.queue.take(),
            Intent::MayWithdraw => self.lock.queue.take_near()?,
        };
        self.place.set(BypassPlace::InLine(mine));
        // Release: whoever takes it back sees the ticket, and that it was wrong to.
        self.lock.gate.fetch_or(LINE, Release);
        Ok(())
    }

    fn poll(&self, _: Slot, wake: &impl Wake) -> Turn {
        if let BypassPlace::InLine(mine) = self.place.get() {
            match self.lock.queue.poll(mine, wake) {
                // Even the next one waits for a head that has others before it.
                Turn::Blocked(by) => return Turn::Blocked(Blocked { next: false, ..by }),
                Turn::Mine => self.place.set(BypassPlace::Head(mine)),
            }
        }
        if let BypassPlace::Head(mine) = self.place.get() {
            if !self.lock.go_in(mine, wake) {
                return Turn::Blocked(Blocked { on: None, next: true, channel: GATE, seen: 0 });
            }
            self.place.set(BypassPlace::Gone);
        }
        Turn::Mine
    }

    #[inline]
    fn is_blocked(&self, _: Slot, _: Blocked) -> bool {
        match self.place.get() {
            BypassPlace::Gone => false,
            BypassPlace::InLine(mine) => self.lock.queue.is_blocked(mine),
            BypassPlace::Head(_) => self.lock.is_held(),
        }
    }

    fn standing(&self, _: Slot) -> Standing {
        Standing::Line(0)
    }

    #[inline]
    fn leave(&self, _: Slot, wake: &impl Wake) {
        self.lock.leave(wake);
    }

    fn withdraw(&self, _: Slot, wake: &impl Wake) -> Withdrawal {
        let outcome = match self.place.get() {
            BypassPlace::Gone => return Withdrawal::Mine,
            BypassPlace::InLine(mine) => self.lock.queue.withdraw(mine, wake),
            BypassPlace::Head(_) => Withdrawal::Mine,
        };
        // The head's turn is at the queue, not in the critical section.
        if outcome == Withdrawal::Mine {
            self.lock.queue.serve_next(wake);
        }
        if outcome == Withdrawal::TooLate { outcome } else { Withdrawal::Done }
    }

    #[inline]
    fn try_enter(&self, _: Slot, wake: &impl Wake) -> bool {
        self.lock.try_pass() || self.lock.try_lead(wake)
    }
}

impl<const B: u32> Withdraw for BypassInHand<'_, B> {}
