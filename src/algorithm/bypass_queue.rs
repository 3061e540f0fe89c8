//! A queue without slots that may be passed so many times: a gate, and tickets for those who wait.

use core::cell::Cell;

use crate::algorithm::gate::{self, Gate};
use crate::algorithm::{
    Algorithm, Blocked, DoorwayClosed, Intent, NoRoom, Place, Room, Slot, Standing, TicketQueue,
    Turn, Wake, Withdraw, Withdrawal,
};
use crate::atomic::const_fn;

/// A gate, and a [`TicketQueue`] of those who found it shut. The head of the queue competes for the
/// gate with those who come, of whom at most `B` pass anybody who waits.
///
/// - **Source**: after Dave Dice and Alex Kogan, "Fissile Locks", NETYS 2020; here the bound is
///   on how often anybody in line is passed, asleep or not.
/// - **Order**: bounded bypass. From the end of its doorway until it is in, a participant is passed
///   at most `B` times by others that came later, whether it runs, sleeps, or waits for a processor;
///   and those who wait go in in the order of their tickets. `B` is at most 262,143; more does not
///   compile.
/// - **How**: those in line when the last round is over are the next round. Half of `B` is shared out
///   among the heads of a round, one after the other; so nobody is passed more often than that in the
///   round that it comes into, nor in its own. When a head's share is used up, the gate is closed to
///   all others.
/// - **Needs** compare-and-exchange of 32 bits to enter and fetch-and-add to leave; in line, what a
///   [`TicketQueue`] needs.
/// - **Space**: 40 bytes for any number of participants, and what `R` takes.
/// - **Withdrawing**: as from a [`TicketQueue`], and the place is lost: whoever comes again stands at the
///   end. An attempt with a deadline is sure to get in if it is the head for as long as half of `B` others
///   take to pass, and whoever is inside then to leave; with less time it may never get in.
#[derive(Debug)]
#[repr(C)]
pub struct BypassQueue<const B: u32, R = NoRoom> {
    gate: Gate<B>,
    queue: TicketQueue<R>,
}

/// Attempts are not told apart at the gate.
const ANYBODY: Slot = Slot::new(0);

impl<const B: u32> BypassQueue<B> {
    const_fn! {
        /// The gate is open, and nobody is in line.
        #[must_use]
        pub const fn new() -> Self {
            Self::with_room(NoRoom)
        }
    }
}

impl<const B: u32, R> BypassQueue<B, R> {
    const_fn! {
        /// The same, with room for all that may be withdrawn.
        #[must_use]
        pub const fn with_room(room: R) -> Self {
            Self { gate: Gate::new(), queue: TicketQueue::with_room(0, room) }
        }
    }
}

impl<const B: u32, R: Room> BypassQueue<B, R> {
    /// Whether anybody is inside.
    pub fn is_held(&self) -> bool {
        self.gate.holder().is_some()
    }

    /// Goes in, past those in line, if the gate is open. Whether it is in.
    #[inline]
    pub fn try_pass(&self) -> bool {
        self.gate.try_pass_nobody(ANYBODY) || self.gate.try_pass(ANYBODY)
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
        let is_in = self.gate.try_lead(ANYBODY, mine, || self.queue.end());
        if is_in {
            self.queue.serve_next(wake);
        }
        is_in
    }

    /// Opens the gate to the head of the queue only, if there is a line. The caller is inside.
    pub fn leave_to_line(&self, wake: &impl Wake) {
        self.gate.close();
        self.leave(wake);
    }

    #[inline]
    fn leave(&self, wake: &impl Wake) {
        self.gate.leave(ANYBODY);
        wake.fence_after_rmw();
        wake.wake(gate::CHANNEL);
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

/// One participant's attempts at a [`BypassQueue`]. It has no use for slots, and ignores them.
#[derive(Debug)]
pub struct BypassInHand<'a, const B: u32, R = NoRoom> {
    lock: &'a BypassQueue<B, R>,
    place: Cell<BypassPlace>,
}

impl<'a, const B: u32, R> BypassInHand<'a, B, R> {
    /// Not through the doorway yet; or, for whoever is in the critical section, past the gate.
    #[must_use]
    pub const fn new(lock: &'a BypassQueue<B, R>) -> Self {
        Self::at(lock, BypassPlace::Gone)
    }

    /// The attempt that has come so far, for whoever keeps such places elsewhere.
    #[must_use]
    pub const fn at(lock: &'a BypassQueue<B, R>, place: BypassPlace) -> Self {
        Self { lock, place: Cell::new(place) }
    }

    /// How far it has come. Means nothing after a withdrawal.
    #[must_use]
    pub fn place(&self) -> BypassPlace {
        self.place.get()
    }
}

// SAFETY: whoever is in has the gate, which only an exchange takes that finds it free; each hand is
// one participant's.
unsafe impl<const B: u32, R: Room> Algorithm for BypassInHand<'_, B, R> {
    const FIRST_COME_FIRST_SERVED: bool = false;
    const HANDS_ON_LAST: bool = true;
    const HAS_GATE: bool = true;

    /// Each hand is one participant's.
    fn capacity(&self) -> usize {
        1
    }

    #[inline]
    fn try_pass(&self, _: Slot) -> bool {
        let is_in = self.lock.gate.try_pass(ANYBODY);
        if is_in {
            self.place.set(BypassPlace::Gone);
        }
        is_in
    }

    fn enter(&self, me: Slot, intent: Intent, _: &impl Wake) -> Result<(), DoorwayClosed> {
        if self.try_pass(me) {
            return Ok(());
        }
        let mine = self.lock.queue.take_for(intent)?;
        self.place.set(BypassPlace::InLine(mine));
        self.lock.gate.announce();
        Ok(())
    }

    fn poll(&self, _: Slot, wake: &impl Wake) -> Turn {
        if let BypassPlace::InLine(mine) = self.place.get() {
            match self.lock.queue.poll(mine, wake) {
                // Even the next one waits for a head that has others before it.
                Turn::Blocked(by) => return Turn::Blocked(Blocked { place: Place::Behind, ..by }),
                Turn::Mine => self.place.set(BypassPlace::Head(mine)),
            }
        }
        if let BypassPlace::Head(mine) = self.place.get() {
            if !self.lock.go_in(mine, wake) {
                return Turn::Blocked(Blocked::at_gate(None));
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

// SAFETY: only the queue answers `TooLate`, and not after such a doorway.
unsafe impl<const B: u32, R: Room> Withdraw for BypassInHand<'_, B, R> {}
