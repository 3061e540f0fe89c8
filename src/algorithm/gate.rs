//! A gate before a line of tickets: whoever runs may go through, past those in line, so many times.

use crate::algorithm::Slot;
use crate::atomic::{Acquire, AtomicU32, Register32, Register64, Relaxed, Release, const_fn};

/// The gate's registers. The head of the line competes for it with those who come, of whom at most
/// `B` pass anybody in line.
///
/// Those in line when the last round is over are the next round. Half of `B` is shared out among the
/// heads of a round, one after the other; so nobody is passed more often than that in the round that
/// it comes into, nor in its own. When a head's share is used up, the gate is closed to all others.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Gate<const B: u32> {
    /// Whose it is, `LINE`, and how much of its half of `B` is gone, or kept for the heads to come.
    state: AtomicU32,
    /// How often the next head may be passed. This and `round` are the head's to read and write.
    share: Register32,
    /// The first ticket that is not of this round.
    round: Register64,
}

/// Whose the gate is, by slot and from 1 on; nobody's if 0.
const HOLDER: u32 = 0x1fff;
/// So many slots can be told apart.
pub(crate) const SLOTS: usize = HOLDER as usize;
/// Somebody may be in line: passages count.
const LINE: u32 = HOLDER + 1;
/// One passage.
const PASSAGE: u32 = 2 * LINE;

/// Where the head of the line sleeps.
pub(crate) const CHANNEL: u32 = u32::MAX;

/// How a slot is written as the holder's.
const fn holder(slot: Slot) -> u32 {
    slot.number() + 1
}

impl<const B: u32> Gate<B> {
    const HALF: u32 = B / 2;

    /// All of a half is gone.
    const CLOSED: u32 = Self::HALF * PASSAGE;

    const_fn! {
        /// It is open, and nobody is in line.
        pub(crate) const fn new() -> Self {
            // Twice as many: see `close`.
            const { assert!(B / 2 <= u32::MAX / PASSAGE / 2, "more than can be counted") };
            Self { state: AtomicU32::new(0), share: Register32::new(0), round: Register64::new(0) }
        }
    }

    /// Whose it is, if it is anybody's.
    #[inline]
    pub(crate) fn holder(&self) -> Option<Slot> {
        (self.state.load(Relaxed) & HOLDER).checked_sub(1).map(Slot::new)
    }

    /// Goes in, past those in line, if the gate is open. Whether it is in.
    pub(crate) fn try_pass(&self, who: Slot) -> bool {
        // A look first: whoever comes in vain hinders nobody.
        let state = self.state.load(Relaxed);
        let passed = if state & LINE == 0 { state } else { state.wrapping_add(PASSAGE) };
        // Acquire: the last critical section has to be seen.
        state & HOLDER == 0
            && passed <= Self::CLOSED | LINE
            && self.state.compare_exchange(state, passed | holder(who), Acquire, Relaxed).is_ok()
    }

    /// The same, if nobody is in line either.
    #[inline]
    pub(crate) fn try_pass_nobody(&self, who: Slot) -> bool {
        // Acquire: as above.
        self.state.compare_exchange(0, holder(who), Acquire, Relaxed).is_ok()
    }

    /// Says that there is a line, to whoever has a ticket.
    #[inline]
    pub(crate) fn announce(&self) {
        // Release: whoever takes it back sees the ticket, and that it was wrong to.
        self.state.fetch_or(LINE, Release);
    }

    /// Goes in as the head of the line, whose ticket is `mine`; `end` is the first ticket that nobody
    /// has taken yet. Whether it is in: then the line is to be left to the next.
    pub(crate) fn try_lead(&self, who: Slot, mine: u64, end: impl Fn() -> u64) -> bool {
        // Acquire: whoever has said that it is in line is of the round that begins here.
        let state = self.state.load(Acquire);
        if state & HOLDER != 0 {
            return false;
        }
        let behind = mine.wrapping_add(1);
        let last = end();
        let waiting = last.wrapping_sub(behind);
        let mut round = self.round.load(Relaxed);
        // No more than there is, whoever may have overwritten it.
        let mut share = self.share.load(Relaxed).min(Self::HALF);
        if behind.wrapping_sub(round).cast_signed() >= 0 {
            round = last;
            // If nobody is here yet, whoever comes next has all of it.
            share = u32::try_from(waiting).map_or(0, |waiting| Self::HALF / waiting.max(1));
        }
        let line = if waiting == 0 { 0 } else { LINE };
        let held = holder(who) | line | ((Self::HALF - share) * PASSAGE);
        // Acquire: the last critical section has to be seen; and if somebody has said that there is
        // a line, its ticket, too.
        if self.state.compare_exchange(state, held, Acquire, Relaxed).is_err() {
            return false;
        }
        self.share.store(share, Relaxed);
        // Release: if this one dies, its round is not seen without its share.
        self.round.store(round, Release);
        if waiting == 0 && end() != behind {
            // It came meanwhile, and said so before it was taken back.
            self.state.fetch_or(LINE, Relaxed);
        }
        true
    }

    /// Closes the gate to all but the head of the line, if there is one. To be called inside.
    pub(crate) fn close(&self) {
        if self.state.load(Relaxed) & LINE != 0 {
            // Only the head can be next now, and sets anew what is gone.
            self.state.fetch_add(Self::CLOSED, Relaxed);
        }
    }

    /// Opens it.
    #[inline]
    pub(crate) fn leave(&self, who: Slot) {
        // Release: hands the critical section on.
        self.state.fetch_sub(holder(who), Release);
    }

    /// Opens it on behalf of one who is dead, if it is that one's.
    pub(crate) fn reset(&self, dead: Slot) {
        if self.holder() == Some(dead) {
            // It may have taken that back, and not looked again.
            self.announce();
            self.leave(dead);
        }
    }
}
