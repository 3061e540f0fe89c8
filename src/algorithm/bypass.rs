//! The lock that may be passed so many times, with slots: a gate, and tickets that are written down
//! by those who wait.

use crate::algorithm::gate::{self, Gate};
use crate::algorithm::{
    Algorithm, Blocked, DoorwayClosed, Intent, Place, Recover, Reset, Slot, Standing, TicketOn,
    TicketSlot, Turn, Wake, Withdraw, Withdrawal,
};
use crate::atomic::const_fn;

/// A gate before a ticket lock, with room for `N` participants, 8,191 at most: see [`BypassOn`].
pub type Bypass<const N: usize, const B: u32> = BypassOn<[TicketSlot; N], B>;

/// A gate, and a [ticket lock with slots](TicketOn) for those who found it shut. The head of the line
/// competes for the gate with those who come, of whom at most `B` pass anybody who waits.
///
/// - **Source**: after Dave Dice and Alex Kogan, "Fissile Locks", NETYS 2020; here the bound is
///   on how often anybody in line is passed, asleep or not.
/// - **Order**: bounded bypass, as with a [`BypassQueue`](crate::algorithm::BypassQueue). `B` is at
///   most 262,143; more does not compile.
/// - **Needs** compare-and-exchange of 32 bits to enter and fetch-and-add to leave; in line, what
///   [`TicketOn`] needs.
/// - **Space**: that of [`TicketOn`], and 128 bytes.
/// - **Withdrawing** is as with [`TicketOn`], but for the head of the line, who leaves it to the next:
///   see below.
///
/// # Deadlines
///
/// A place that is given up behind the head stays the slot's until its turn has come, and moves forward.
/// The head's does not: the next in line is the head then, since somebody has to wait for the gate, and
/// the slot's next attempt stands at the end of the line. So an attempt with a deadline is sure to get in if it is the head for as long as half of `B`
/// others take to pass (for each head that died on its way in, so many more), and whoever is inside then
/// to leave: the gate is closed to all others. With less time it may have to begin anew each time, and
/// never get in.
///
/// # Deaths
///
/// The gate says whose it is. One that dies on its way from the line through the gate may have begun
/// a round that the others know nothing of; so for each such death, those in line may be passed half
/// of `B` more often.
#[derive(Debug)]
#[repr(C)]
pub struct BypassOn<S: ?Sized, const B: u32> {
    gate: Gate<B>,
    line: TicketOn<S>,
}

impl<const N: usize, const B: u32> Bypass<N, B> {
    const_fn! {
        /// The gate is open, and nobody is in line.
        #[must_use]
        pub const fn new() -> Self {
            const { assert!(N <= gate::SLOTS, "more slots than the gate can tell apart") };
            Self { gate: Gate::new(), line: TicketOn::new() }
        }
    }
}

impl<const N: usize, const B: u32> Default for Bypass<N, B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: AsRef<[TicketSlot]> + ?Sized, const B: u32> BypassOn<S, B> {
    /// Whether anybody is inside.
    pub fn is_held(&self) -> bool {
        self.gate.holder().is_some()
    }

    /// Who is through the gate, if it is a slot of this lock.
    fn holder(&self) -> Option<Slot> {
        self.gate.holder().filter(|slot| slot.index() < self.capacity())
    }

    /// See [`TicketOn::keeps_a_place`].
    #[allow(dead_code, reason = "only a segment's slots are for others after a death")]
    pub(crate) fn keeps_a_place(&self, slot: Slot) -> bool {
        self.line.keeps_a_place(slot)
    }

    fn has_gate(&self, slot: Slot) -> bool {
        self.gate.holder() == Some(slot)
    }

    /// The slot, which exists: the gate does not look.
    #[inline]
    fn known(&self, slot: Slot) -> Slot {
        assert!(slot.index() < self.capacity(), "slot {} does not exist", slot.index());
        slot
    }

    /// Leaves the line to the next.
    fn step_aside(&self, me: Slot, wake: &impl Wake) {
        self.line.leave(me, &OnTime(wake));
    }

    /// Goes in as the head of the line, which is left to the next. Whether it is in.
    fn go_in(&self, me: Slot, wake: &impl Wake) -> bool {
        let is_in = self.gate.try_lead(me, self.line.ticket(me), || self.line.end());
        if is_in {
            self.step_aside(me, wake);
        }
        is_in
    }

    /// Goes in as the head of a line without anybody in it: those who gave up may have left the gate
    /// closed. Whether it is in.
    #[inline(never)]
    fn try_lead(&self, me: Slot, wake: &impl Wake) -> bool {
        if self.is_held() || !self.line.try_enter(me, wake) {
            return false;
        }
        let is_in = self.go_in(me, wake);
        if !is_in {
            self.step_aside(me, wake);
        }
        is_in
    }
}

/// Wakes nobody early: the head of the line is far from being in.
struct OnTime<'a, W>(&'a W);

impl<W: Wake> Wake for OnTime<'_, W> {
    fn fence(&self) {
        self.0.fence();
    }
    fn wake(&self, channel: u32) {
        self.0.wake(channel);
    }
}

// SAFETY: whoever is in has the gate, which only an exchange takes that finds it free.
unsafe impl<S: AsRef<[TicketSlot]> + ?Sized, const B: u32> Algorithm for BypassOn<S, B> {
    const FIRST_COME_FIRST_SERVED: bool = false;
    const HANDS_ON_LAST: bool = true;
    const HAS_GATE: bool = true;

    #[inline]
    fn capacity(&self) -> usize {
        self.line.capacity()
    }

    #[inline]
    fn join(&self, me: Slot) {
        self.line.join(me);
    }

    #[inline]
    fn try_pass(&self, me: Slot) -> bool {
        self.gate.try_pass(self.known(me))
    }

    #[inline]
    fn enter(&self, me: Slot, intent: Intent, wake: &impl Wake) -> Result<(), DoorwayClosed> {
        if !self.try_pass(me) {
            self.line.enter(me, intent, wake)?;
            self.gate.announce();
        }
        Ok(())
    }

    #[inline]
    fn poll(&self, me: Slot, wake: &impl Wake) -> Turn {
        if self.has_gate(me) {
            return Turn::Mine;
        }
        match self.line.poll(me, wake) {
            // Even the next one waits for a head that has others before it.
            Turn::Blocked(by) => Turn::Blocked(Blocked { place: Place::Behind, ..by }),
            Turn::Mine if self.go_in(me, wake) => Turn::Mine,
            Turn::Mine => Turn::Blocked(Blocked::at_gate(self.holder())),
        }
    }

    #[inline]
    fn is_blocked(&self, me: Slot, by: Blocked) -> bool {
        match by.place {
            Place::Gate => self.is_held(),
            _ => self.line.is_blocked(me, by),
        }
    }

    fn standing(&self, of: Slot) -> Standing {
        if self.has_gate(of) { Standing::Line(0) } else { self.line.standing(of) }
    }

    #[inline]
    fn leave(&self, me: Slot, wake: &impl Wake) {
        self.gate.leave(self.known(me));
        wake.fence_after_rmw();
        wake.wake(gate::CHANNEL);
    }

    fn withdraw(&self, me: Slot, wake: &impl Wake) -> Withdrawal {
        if self.has_gate(me) {
            return Withdrawal::Mine;
        }
        match self.line.withdraw(me, wake) {
            // At the head of the line, not in the critical section.
            Withdrawal::Mine => {
                self.step_aside(me, wake);
                Withdrawal::Done
            }
            outcome => outcome,
        }
    }

    #[inline]
    fn try_enter(&self, me: Slot, wake: &impl Wake) -> bool {
        self.try_pass(me) || self.try_lead(me, wake)
    }
}

// SAFETY: only the line answers `TooLate`, and not after such a doorway.
unsafe impl<S: AsRef<[TicketSlot]> + ?Sized, const B: u32> Withdraw for BypassOn<S, B> {}

impl<S: AsRef<[TicketSlot]> + ?Sized, const B: u32> Recover for BypassOn<S, B> {
    /// Names whoever is inside; if nobody is, the head of the line. (One that is dead has others pass
    /// so often only.)
    fn ahead_of(&self, me: Slot, wake: &impl Wake) -> Option<Slot> {
        self.holder().or_else(|| self.line.ahead_of(me, wake))
    }

    fn right_before(&self, me: Slot, wake: &impl Wake, name: &mut impl FnMut(Slot)) {
        if !self.line.is_served(me) {
            self.line.right_before(me, wake, name);
        } else if let Some(holder) = self.holder() {
            name(holder);
        }
    }

    fn reset(&self, dead: Slot, wake: &impl Wake) -> Reset {
        self.gate.reset(self.known(dead));
        // In any case: whoever opened the gate may have died before it woke the head.
        wake.fence();
        wake.wake(gate::CHANNEL);
        self.line.reset(dead, wake)
    }
}
