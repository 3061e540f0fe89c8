//! The ticket lock with slots.

use crate::algorithm::mark::Mark;
use crate::algorithm::{
    Algorithm, Blocked, DoorwayClosed, Intent, Place, Recover, Reset, Slot, Standing, Turn, Wake,
    Withdraw, Withdrawal,
};
use crate::atomic::{Acquire, AtomicU64, Register64, Relaxed, Release, array, const_fn};

/// The tickets, for those who write theirs down. The one that is served is known by its lower half,
/// so at most 2³¹ - 1 may wait at once.
#[derive(Debug)]
#[repr(C)]
struct Queue {
    next: AtomicU64,
    /// The ticket that is served, by its lower half (high half), and the marks of those withdrawn,
    /// by ticket modulo `NEAR` (low half). One word, so that a ticket is marked only while it is
    /// not served: one that is served and marked is nobody's, and anybody may pass over it.
    served: AtomicU64,
}

/// A ticket that is fewer than so many behind the one served can be withdrawn; and the same for tickets
/// in full.
const NEAR: u32 = 32;
const WINDOW: u64 = NEAR as u64;

const SERVE_NEXT: u64 = 1 << 32;

/// Where others change the same word at the same moment, so often it is tried again.
const ATTEMPTS: usize = 16;

/// So far ahead is behind.
const PASSED: u32 = 0x8000_0000;

const fn ticket(served: u64) -> u32 {
    (served >> 32) as u32
}

const fn low(ticket: u64) -> u32 {
    (ticket & 0xffff_ffff) as u32
}

const fn mark(ticket: u32) -> u64 {
    1 << (ticket % NEAR)
}

/// The ticket after the one served, and no mark where there may be that one's.
const fn passed(served: u64) -> u64 {
    (served & !mark(ticket(served))).wrapping_add(SERVE_NEXT)
}

/// All of the ticket that is served, if the next one to be taken is about this.
fn in_full(served: u64, next: u64) -> u64 {
    let from_next = ticket(served).wrapping_sub(low(next)).cast_signed();
    next.wrapping_add_signed(from_next.into())
}

impl Queue {
    const_fn! {
        const fn starting_at(first: u32) -> Self {
            Self {
                next: AtomicU64::new(first as u64),
                served: AtomicU64::new((first as u64) << 32),
            }
        }
    }

    /// The next ticket, and what was served when it was that already.
    #[inline]
    fn look(&self) -> (u64, u64) {
        // Acquire: `served` is looked at later, or it could be that of 2³² tickets ago; and so is
        // whatever those who took the tickets before have let be seen.
        let next = self.next.load(Acquire);
        // Acquire: if the next ticket is served, the last critical section has to be seen.
        (next, self.served.load(Acquire))
    }

    /// Takes a ticket; `choosing` is what has to be seen by whoever sees it taken.
    #[inline]
    fn take(&self, intent: Intent, choosing: impl Fn()) -> Result<u64, DoorwayClosed> {
        if intent == Intent::Stay {
            choosing();
            // Release: see `choosing`. So it is below, twice.
            return Ok(self.next.fetch_add(1, Release));
        }
        // Others may take tickets at the same moment; after a few attempts the doorway counts as
        // closed.
        for _ in 0..ATTEMPTS {
            let (mine, served) = self.look();
            match low(mine).wrapping_sub(ticket(served)) {
                0..NEAR => choosing(),
                PASSED.. => continue,
                _ => break,
            }
            let taken = mine.wrapping_add(1);
            if self.next.compare_exchange_weak(mine, taken, Release, Relaxed).is_ok() {
                return Ok(mine);
            }
        }
        Err(DoorwayClosed)
    }

    /// Takes a ticket if it would be served at once.
    #[inline]
    fn try_take(&self, choosing: impl Fn()) -> Option<u64> {
        let (mine, served) = self.look();
        if ticket(served) != low(mine) {
            return None;
        }
        choosing();
        let taken = mine.wrapping_add(1);
        self.next.compare_exchange(mine, taken, Release, Relaxed).ok()
    }

    #[inline]
    fn poll(&self, mine: u32) -> Turn {
        // Acquire: the last critical section has to be seen.
        let served = ticket(self.served.load(Acquire));
        if served == mine {
            return Turn::Mine;
        }
        Turn::Blocked(Blocked {
            on: None,
            place: Place::after(mine.wrapping_sub(served).into()),
            channel: mine,
            seen: served.into(),
        })
    }

    /// Sleepers are woken for their own turn only, but whoever spins may look as often as anybody
    /// leaves.
    #[inline]
    fn is_blocked(&self, mine: u32) -> bool {
        ticket(self.served.load(Relaxed)) != mine
    }

    /// Serves the next ticket that was not withdrawn.
    #[inline]
    fn serve_next(&self, wake: &impl Wake) {
        // Release: hands the critical section on.
        let served = self.served.fetch_add(SERVE_NEXT, Release).wrapping_add(SERVE_NEXT);
        let served = self.skip(served);
        wake.fence_after_rmw();
        wake.wake(ticket(served));
        wake.wake_early(|| Some(ticket(served).wrapping_add(1)));
    }

    /// Passes over tickets that are served and marked, as anybody may, and others may be about to.
    #[inline]
    fn skip(&self, mut served: u64) -> u64 {
        while served & mark(ticket(served)) != 0 {
            let without = passed(served);
            // Relaxed: it continues the release sequence of the update that served this ticket.
            let skipped = self.served.compare_exchange(served, without, Relaxed, Relaxed);
            served = skipped.map_or_else(|now| now, |_| without);
        }
        served
    }

    /// Each failed exchange is another's mark, of which there are as many as tickets in the window,
    /// or brings this ticket's turn nearer.
    fn withdraw(&self, mine: u32) -> Withdrawal {
        loop {
            // Acquire: if it is this ticket's turn, the last critical section has to be seen.
            let served = self.served.load(Acquire);
            match mine.wrapping_sub(ticket(served)) {
                0 => return Withdrawal::Mine,
                1..NEAR => {}
                // Somebody has overwritten it, and nothing is left to take back.
                PASSED.. => return Withdrawal::Done,
                _ => return Withdrawal::TooLate,
            }
            let marked = served | mark(mine);
            if self.served.compare_exchange_weak(served, marked, Relaxed, Relaxed).is_ok() {
                return Withdrawal::Done;
            }
        }
    }

    /// Takes a dead participant's ticket out of the line, if one can now. Whether it is out.
    ///
    /// `next` is the next ticket to be taken, or was when this one had been.
    fn take_out(&self, dead: u64, next: u64) -> bool {
        for _ in 0..ATTEMPTS {
            let served = self.served.load(Relaxed);
            let ahead = dead.wrapping_sub(in_full(served, next));
            let without = match ahead {
                0 => passed(served),
                1..WINDOW => served | mark(low(dead)),
                _ => return ahead.cast_signed() < 0,
            };
            // Release: hands on the critical section of one who died in it.
            if self.served.compare_exchange(served, without, Release, Relaxed).is_ok() {
                return true;
            }
        }
        false
    }

    /// Does what a leaver may have died before: passes over what was withdrawn, and wakes whose
    /// turn it is. The ticket served.
    #[cold]
    fn help(&self, wake: &impl Wake) -> u32 {
        let served = self.skip(self.served.load(Relaxed));
        wake.fence();
        wake.wake(ticket(served));
        ticket(served)
    }
}

/// A ticket lock with room for `N` participants: see [`TicketOn`].
pub type Ticket<const N: usize> = TicketOn<[TicketSlot; N]>;

/// A ticket lock whose participants have slots, in which each writes down its ticket: who waits for
/// whom can be read from the registers alone, and participants may die at any step.
///
/// - **Source**: David P. Reed and Rajendra K. Kanodia, "Synchronization with Eventcounts and
///   Sequencers", Communications of the ACM 22(2), 1979; John M. Mellor-Crummey and Michael L.
///   Scott, "Algorithms for Scalable Synchronization on Shared-Memory Multiprocessors", ACM TOCS
///   9(1), 1991.
/// - **Order**: first come first served, by the order of the fetch-and-adds.
/// - **Needs** one fetch-and-add to enter, one to leave, 64 bits wide; compare-and-exchange for
///   whoever tries, may withdraw, or passes over what was withdrawn.
/// - **Space**: three words, and one for each slot; those that have been joined are looked at when
///   somebody has died. Tickets have 64 bits and do not come to an end.
/// - **Withdrawing** is as with a [`TicketQueue`](crate::algorithm::TicketQueue), but for the number
///   of marks: [`WINDOW`](Self::WINDOW).
///
/// # Deaths
///
/// A slot says that its participant is choosing before it takes a ticket; holds the ticket until
/// the queue has passed it, or has a mark of it; and only then says that it is outside. So a ticket
/// of which nobody can be thought to be the holder is that of one who died before it had written it
/// down. See [memory order](crate::memory_order).
///
/// A dead participant's ticket is passed over or marked. One that died [`WINDOW`](Self::WINDOW)
/// tickets or more before its turn can be reset only [later](Reset::Later), when those ahead of it
/// have gone; and one that died choosing only when nobody else is choosing who is alive.
#[derive(Debug)]
#[repr(C)]
pub struct TicketOn<S: ?Sized> {
    queue: Queue,
    mark: Mark,
    slots: S,
}

/// One participant's ticket, alone on its cache lines.
#[derive(Debug)]
#[repr(C, align(128))]
pub struct TicketSlot {
    place: Register64,
}

/// What a slot holds: one of these, or a ticket.
const OUTSIDE: u64 = 0;
/// May have taken a ticket that is not written down.
const CHOOSING: u64 = 1;
/// The same, and dead.
const ORPHANED: u64 = 2;
/// Ticket 0.
const FIRST: u64 = 3;

const fn held(place: u64) -> u64 {
    place.wrapping_sub(FIRST)
}

impl TicketSlot {
    const_fn! {
        const fn new() -> Self {
            Self { place: Register64::new(OUTSIDE) }
        }
    }

    fn ticket(&self) -> u32 {
        low(held(self.place.load(Relaxed)))
    }

    #[inline]
    fn choose(&self) {
        self.place.store(CHOOSING, Relaxed);
    }

    /// Writes a ticket down, or that there is none.
    #[inline]
    fn settle(&self, ticket: Option<u64>) {
        let place = ticket.map_or(OUTSIDE, |ticket| ticket.wrapping_add(FIRST));
        // Release: who sees that the last ticket is not here any more sees it passed, or its mark.
        self.place.store(place, Release);
    }
}

impl<const N: usize> Ticket<N> {
    const_fn! {
        /// A queue that nobody stands in.
        #[must_use]
        pub const fn new() -> Self {
            Self::starting_at(0)
        }

        /// A queue that serves this ticket first: to watch the lower halves wrap, for instance.
        #[must_use]
        pub const fn starting_at(first: u32) -> Self {
            Self {
                queue: Queue::starting_at(first),
                mark: Mark::new(),
                slots: array![TicketSlot::new(); N],
            }
        }
    }
}

impl<const N: usize> Default for Ticket<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: ?Sized> TicketOn<S> {
    /// A ticket that is fewer than so many behind the one served can be withdrawn.
    pub const WINDOW: u32 = NEAR;
}

impl<S: AsRef<[TicketSlot]> + ?Sized> TicketOn<S> {
    #[inline]
    fn slot(&self, me: Slot) -> &TicketSlot {
        &self.slots.as_ref()[me.index()]
    }

    /// The ticket of one who is in line, in full.
    pub(crate) fn ticket(&self, me: Slot) -> u64 {
        held(self.slot(me).place.load(Relaxed))
    }

    /// The first ticket that nobody has taken yet.
    pub(crate) fn end(&self) -> u64 {
        self.queue.next.load(Relaxed)
    }

    /// The slots that have been joined. To be asked behind a look at the next ticket: then all who took
    /// one before are among them.
    fn joined(&self) -> &[TicketSlot] {
        self.mark.joined(self.slots.as_ref())
    }

    /// Takes every ticket out of the line that nobody will write down any more. Whether none is
    /// left, as far as those choosing let it be known.
    fn take_out_orphans(&self) -> bool {
        // First, so that the slots are those of all who took a ticket before: each is at least
        // seen to be choosing.
        let (next, served) = self.queue.look();
        let first = in_full(served, next);
        let line = next.saturating_sub(first);
        let (mut near, mut far) = (0_u64, 0);
        for slot in self.joined() {
            // Acquire: whether a ticket that was here before is passed, or marked, is looked at
            // later.
            match slot.place.load(Acquire) {
                CHOOSING => return false,
                OUTSIDE | ORPHANED => {}
                place => match held(place).wrapping_sub(first) {
                    ahead @ 0..WINDOW => near |= 1 << ahead,
                    ahead => far += u64::from(ahead < line),
                },
            }
        }
        let is_out = |ahead| {
            near & 1_u64 << ahead != 0 || self.queue.take_out(first.wrapping_add(ahead), next)
        };
        (0..line.min(WINDOW)).all(is_out) && line.saturating_sub(WINDOW) <= far
    }
}

// SAFETY: as for `TicketInHand`; each slot is written by its own participant only, or by whoever
// resets it.
unsafe impl<S: AsRef<[TicketSlot]> + ?Sized> Algorithm for TicketOn<S> {
    const FIRST_COME_FIRST_SERVED: bool = true;
    /// It passes over what was withdrawn.
    const HANDS_ON_LAST: bool = false;

    #[inline]
    fn capacity(&self) -> usize {
        self.slots.as_ref().len()
    }

    #[inline]
    fn join(&self, me: Slot) {
        self.mark.raise(me);
    }

    #[inline]
    fn enter(&self, me: Slot, intent: Intent, _: &impl Wake) -> Result<(), DoorwayClosed> {
        let slot = self.slot(me);
        let ticket = self.queue.take(intent, || slot.choose());
        slot.settle(ticket.ok());
        ticket.map(drop)
    }

    #[inline]
    fn poll(&self, me: Slot, _: &impl Wake) -> Turn {
        self.queue.poll(self.slot(me).ticket())
    }

    #[inline]
    fn is_blocked(&self, me: Slot, _: Blocked) -> bool {
        self.queue.is_blocked(self.slot(me).ticket())
    }

    #[inline]
    fn standing(&self, of: Slot) -> Standing {
        match self.slot(of).place.load(Relaxed) {
            OUTSIDE => Standing::Outside,
            CHOOSING | ORPHANED => Standing::Doorway,
            place => Standing::Line(held(place)),
        }
    }

    #[inline]
    fn leave(&self, me: Slot, wake: &impl Wake) {
        self.queue.serve_next(wake);
        self.slot(me).settle(None);
    }

    #[inline]
    fn withdraw(&self, me: Slot, _: &impl Wake) -> Withdrawal {
        let slot = self.slot(me);
        let outcome = self.queue.withdraw(slot.ticket());
        if outcome == Withdrawal::Done {
            slot.settle(None);
        }
        outcome
    }

    #[inline]
    fn try_enter(&self, me: Slot, _: &impl Wake) -> bool {
        let slot = self.slot(me);
        let ticket = self.queue.try_take(|| slot.choose());
        slot.settle(ticket);
        ticket.is_some()
    }
}

// SAFETY: who may withdraw takes a ticket only in the window, where it stays until it is served.
unsafe impl<S: AsRef<[TicketSlot]> + ?Sized> Withdraw for TicketOn<S> {}

impl<S: AsRef<[TicketSlot]> + ?Sized> Recover for TicketOn<S> {
    /// Names the holder of the ticket served; if nobody is known to be, one who may be: whoever is
    /// choosing, and then whoever died choosing. Passes over what was withdrawn, too.
    fn ahead_of(&self, me: Slot, wake: &impl Wake) -> Option<Slot> {
        let served = self.queue.help(wake);
        let (mut choosing, mut orphaned) = (None, None);
        for (slot, of) in (0..).map(Slot::new).zip(self.joined()) {
            match of.place.load(Relaxed) {
                OUTSIDE => {}
                CHOOSING => choosing = Some(slot),
                ORPHANED => orphaned = Some(slot),
                place if low(held(place)) == served => return (slot != me).then_some(slot),
                _ => {}
            }
        }
        choosing.or(orphaned)
    }

    fn reset(&self, dead: Slot, wake: &impl Wake) -> Reset {
        let slot = self.slot(dead);
        let is_out = match slot.place.load(Relaxed) {
            OUTSIDE => return Reset::Done,
            CHOOSING | ORPHANED => {
                // So that two who died choosing do not wait for each other. Release: as `settle`.
                slot.place.store(ORPHANED, Release);
                self.take_out_orphans()
            }
            place => self.queue.take_out(held(place), self.queue.next.load(Relaxed)),
        };
        if !is_out {
            return Reset::Later;
        }
        // Before the slot is given up: whoever resets it again, if this one dies, helps again.
        self.queue.help(wake);
        slot.settle(None);
        Reset::Done
    }
}
