//! The ticket lock without slots.

use core::cell::Cell;

use crate::algorithm::{
    Algorithm, Blocked, DoorwayClosed, Intent, NoRoom, Place, Room, Slot, Standing, Turn, Wake,
    Withdraw, Withdrawal,
};
use crate::atomic::{Acquire, AtomicU64, Register64, Relaxed, Release, const_fn};

/// A queue of tickets, without slots: whoever takes one keeps it in hand.
///
/// - **Source**: David P. Reed and Rajendra K. Kanodia, "Synchronization with Eventcounts and
///   Sequencers", Communications of the ACM 22(2), 1979; John M. Mellor-Crummey and Michael L.
///   Scott, "Algorithms for Scalable Synchronization on Shared-Memory Multiprocessors", ACM TOCS
///   9(1), 1991.
/// - **Order**: first come first served, by the order of the fetch-and-adds.
/// - **Needs** one fetch-and-add to enter and one store to leave, 64 bits wide; compare-and-exchange
///   for whoever tries, may withdraw, or passes over what was withdrawn.
/// - **Space**: 24 bytes for any number of participants, and what `R` takes. Tickets have 64 bits and do
///   not come to an end.
/// - **Withdrawing** leaves a mark, and the ticket is passed over when it would be served: by who
///   leaves, by who withdrew it, or by the next to look. The queue's own words have such marks for the
///   next few tickets; others are noted in `R`. Without [room](Room), the doorway is closed to an
///   attempt that may be withdrawn while too many are ahead of it.
#[derive(Debug)]
#[repr(C)]
pub struct TicketQueue<R = NoRoom> {
    next: AtomicU64,
    /// The ticket that is served. Written by whoever holds it; if it was withdrawn, by whoever takes
    /// its mark away.
    served: Register64,
    /// The marks of tickets withdrawn and not passed yet, by ticket modulo `WINDOW` (low bits), and
    /// how many marks have been taken away: a word that is the same has been so all the time. And
    /// whether tickets have ever been noted in `room`.
    withdrawn: AtomicU64,
    room: R,
}

/// Where others change the same word at the same moment, so often it is tried again.
const ATTEMPTS: usize = 16;

/// A ticket that is fewer than so many behind the one served has a mark.
const WINDOW: u64 = 16;

/// Some ticket was noted in the room.
const NOTED: u64 = 1 << WINDOW;

/// One more mark taken away: 47 bits of them do not come to an end.
const TAKEN_AWAY: u64 = 2 * NOTED;

const fn mark(ticket: u64) -> u64 {
    1 << (ticket % WINDOW)
}

const fn channel(ticket: u64) -> u32 {
    (ticket & 0xffff_ffff) as u32
}

impl TicketQueue {
    const_fn! {
        /// A queue that serves ticket 0 first.
        #[must_use]
        pub const fn new() -> Self {
            Self::starting_at(0)
        }

        /// A queue that serves this ticket first: to watch tickets wrap, for instance.
        #[must_use]
        pub const fn starting_at(first: u64) -> Self {
            Self::with_room(first, NoRoom)
        }
    }
}

impl<R> TicketQueue<R> {
    const_fn! {
        /// The same, with room for all that may be withdrawn.
        #[must_use]
        pub const fn with_room(first: u64, room: R) -> Self {
            Self {
                next: AtomicU64::new(first),
                served: Register64::new(first),
                withdrawn: AtomicU64::new(0),
                room,
            }
        }
    }
}

impl<R: Room> TicketQueue<R> {
    /// Whether anybody holds a ticket that is served or waits.
    pub fn is_busy(&self) -> bool {
        let (first, next) = (self.served.load(Relaxed), self.next.load(Relaxed));
        let withdrawn = self.withdrawn.load(Relaxed);
        let mut served = first;
        while next.wrapping_sub(served).cast_signed() > 0 {
            let is_marked = withdrawn & mark(served) != 0 && served.wrapping_sub(first) < WINDOW;
            let noted = || if withdrawn & NOTED != 0 { self.room.behind(served) } else { None };
            let behind = if is_marked { Some(served.wrapping_add(1)) } else { noted() };
            let Some(behind) = behind else { return true };
            served = behind;
        }
        false
    }

    /// Whether a ticket that is served, or a few before that, is nobody's.
    #[inline]
    fn is_withdrawn(&self, ticket: u64) -> bool {
        let withdrawn = self.withdrawn.load(Relaxed);
        withdrawn & (mark(ticket) | NOTED) != 0
            && (withdrawn & mark(ticket) != 0 || self.room.is_first(ticket))
    }

    /// The first ticket that nobody has taken yet.
    #[inline]
    pub(crate) fn end(&self) -> u64 {
        self.next.load(Relaxed)
    }

    /// The doorway, for those who stay.
    #[inline]
    pub(crate) fn take(&self) -> u64 {
        self.next.fetch_add(1, Relaxed)
    }

    /// The same, whoever comes.
    pub(crate) fn take_for(&self, intent: Intent) -> Result<u64, DoorwayClosed> {
        if intent == Intent::Stay || R::IS_ROOM { Ok(self.take()) } else { self.take_near() }
    }

    /// The same for those who may withdraw and leave a mark only.
    fn take_near(&self) -> Result<u64, DoorwayClosed> {
        // Others may take tickets at the same moment; after a few attempts the doorway counts as
        // closed.
        for _ in 0..ATTEMPTS {
            let mine = self.next.load(Relaxed);
            let taken = mine.wrapping_add(1);
            if mine.wrapping_sub(self.served.load(Relaxed)).cast_signed() >= WINDOW.cast_signed() {
                break;
            }
            if self.next.compare_exchange_weak(mine, taken, Relaxed, Relaxed).is_ok() {
                return Ok(mine);
            }
        }
        Err(DoorwayClosed)
    }

    /// Takes a ticket if it is served at once.
    #[inline]
    pub(crate) fn try_take(&self, wake: &impl Wake) -> Option<u64> {
        // Acquire: the last critical section has to be seen.
        let mut served = self.served.load(Acquire);
        if self.is_withdrawn(served) {
            served = self.pass_over(wake);
        }
        let taken = served.wrapping_add(1);
        (self.next.load(Relaxed) == served
            && self.next.compare_exchange(served, taken, Relaxed, Relaxed).is_ok())
        .then_some(served)
    }

    /// Whether it is this ticket's turn: all of a poll, for whoever need not wait.
    #[inline]
    pub fn serves(&self, mine: u64) -> bool {
        // Acquire: the last critical section has to be seen.
        self.served.load(Acquire) == mine
    }

    #[inline]
    pub(crate) fn poll(&self, mine: u64, wake: &impl Wake) -> Turn {
        // Acquire: the last critical section has to be seen.
        let mut served = self.served.load(Acquire);
        if served != mine && self.is_withdrawn(served) {
            served = self.pass_over(wake);
        }
        if served == mine {
            return Turn::Mine;
        }
        Turn::Blocked(Blocked {
            on: None,
            place: Place::after(mine.wrapping_sub(served)),
            channel: channel(mine),
            seen: served,
        })
    }

    /// Sleepers are woken for their own turn only, but whoever spins may look as often as anybody
    /// leaves.
    #[inline]
    pub(crate) fn is_blocked(&self, mine: u64) -> bool {
        let served = self.served.load(Relaxed);
        served != mine && !self.is_withdrawn(served)
    }

    /// Serves the next ticket. If that was withdrawn, somebody who waits will see it, unless they
    /// sleep.
    #[inline]
    pub(crate) fn serve_next(&self, wake: &impl Wake) {
        let served = self.served.load(Relaxed).wrapping_add(1);
        // Release: hands the critical section on.
        self.served.store(served, Release);
        if !wake.is_needed() {
            return;
        }
        // Orders it before the look for a mark, too: see `withdraw`.
        wake.fence();
        if self.is_withdrawn(served) {
            self.pass_over(wake);
        } else {
            wake.wake(channel(served));
        }
    }

    /// Passes over tickets that are served and withdrawn, as anybody may, and others may be about to.
    /// The ticket served then, as far as nobody else changes the marks; whoever does looks as well.
    #[cold]
    fn pass_over(&self, wake: &impl Wake) -> u64 {
        let mut passed = false;
        loop {
            // Acquire: what is served is looked at later, and no earlier than by who set the marks.
            let withdrawn = self.withdrawn.load(Acquire);
            // Acquire: the last critical section has to be seen.
            let served = self.served.load(Acquire);
            let behind = if withdrawn & mark(served) != 0 {
                // If the marks are what they were, this one is that of the ticket served, and whoever
                // takes it away passes on.
                let without = (withdrawn & !mark(served)).wrapping_add(TAKEN_AWAY);
                let taken = self.withdrawn.compare_exchange(withdrawn, without, Relaxed, Relaxed);
                if taken.is_err() {
                    return served;
                }
                Some(served.wrapping_add(1))
            } else if withdrawn & NOTED != 0 {
                self.room.take(served)
            } else {
                None
            };
            let Some(behind) = behind else {
                if passed {
                    wake.wake(channel(served));
                }
                return served;
            };
            // Release: hands the last critical section on.
            self.served.store(behind, Release);
            // Orders it before the next look for a mark, and for sleepers: see `withdraw`.
            wake.fence();
            passed = true;
        }
    }

    pub(crate) fn withdraw(&self, mine: u64, wake: &impl Wake) -> Withdrawal {
        // Acquire: if it is this ticket's turn, the last critical section has to be seen.
        let noted = match mine.wrapping_sub(self.served.load(Acquire)) {
            0 => return Withdrawal::Mine,
            1..WINDOW => mark(mine),
            _ if R::IS_ROOM => {
                self.room.note(mine);
                NOTED
            }
            _ => return Withdrawal::TooLate,
        };
        // Release: see `pass_over`.
        self.withdrawn.fetch_or(noted, Release);
        // Orders the mark, or the note, before the look at what is served; whoever serves a ticket
        // looks for both behind a fence, if anybody may sleep. Cut: neither sees the other, and those
        // behind sleep for ever.
        wake.fence();
        self.pass_over(wake);
        Withdrawal::Done
    }
}

impl Default for TicketQueue {
    fn default() -> Self {
        Self::new()
    }
}

/// One participant's attempts at a [`TicketQueue`], the ticket of the last one in hand. It has no use
/// for slots, and ignores them.
#[derive(Debug)]
pub struct TicketInHand<'a, R = NoRoom> {
    queue: &'a TicketQueue<R>,
    mine: Cell<u64>,
}

impl<'a, R> TicketInHand<'a, R> {
    /// No ticket yet; or, for whoever is in the critical section, the ticket that is served.
    #[must_use]
    pub fn new(queue: &'a TicketQueue<R>) -> Self {
        Self::holding(queue, 0)
    }

    /// The attempt that this ticket belongs to, for whoever keeps tickets elsewhere.
    #[must_use]
    pub const fn holding(queue: &'a TicketQueue<R>, ticket: u64) -> Self {
        Self { queue, mine: Cell::new(ticket) }
    }

    /// Its ticket, once it has been through the doorway. (Whoever [tries](Algorithm::try_enter) leaves
    /// none in hand.)
    #[must_use]
    pub fn ticket(&self) -> u64 {
        self.mine.get()
    }
}

// SAFETY: exactly one ticket is served at a time, and no two hands have the same one.
unsafe impl<R: Room> Algorithm for TicketInHand<'_, R> {
    const FIRST_COME_FIRST_SERVED: bool = true;
    const HANDS_ON_LAST: bool = true;

    /// Each hand is one participant's.
    fn capacity(&self) -> usize {
        1
    }

    #[inline]
    fn enter(&self, _: Slot, intent: Intent, _: &impl Wake) -> Result<(), DoorwayClosed> {
        self.mine.set(self.queue.take_for(intent)?);
        Ok(())
    }

    #[inline]
    fn poll(&self, _: Slot, wake: &impl Wake) -> Turn {
        self.queue.poll(self.mine.get(), wake)
    }

    #[inline]
    fn is_blocked(&self, _: Slot, _: Blocked) -> bool {
        self.queue.is_blocked(self.mine.get())
    }

    fn standing(&self, _: Slot) -> Standing {
        Standing::Line(0)
    }

    #[inline]
    fn leave(&self, _: Slot, wake: &impl Wake) {
        self.queue.serve_next(wake);
        wake.wake_early(|| Some(channel(self.queue.served.load(Relaxed).wrapping_add(1))));
    }

    #[inline]
    fn withdraw(&self, _: Slot, wake: &impl Wake) -> Withdrawal {
        self.queue.withdraw(self.mine.get(), wake)
    }

    #[inline]
    fn try_enter(&self, _: Slot, wake: &impl Wake) -> bool {
        self.queue.try_take(wake).is_some()
    }
}

// SAFETY: there is room; or who may withdraw takes a ticket only in the window, where it stays until it
// is served.
unsafe impl<R: Room> Withdraw for TicketInHand<'_, R> {}
