//! Ticket locks: David P. Reed and Rajendra K. Kanodia, "Synchronization with Eventcounts and
//! Sequencers", Communications of the ACM 22(2), 1979; John M. Mellor-Crummey and Michael L. Scott,
//! "Algorithms for Scalable Synchronization on Shared-Memory Multiprocessors", ACM TOCS 9(1), 1991.

use core::cell::Cell;

use crate::algorithm::{
    Algorithm, Blocked, DoorwayClosed, Intent, Recover, Slot, Standing, Turn, Wake, Withdraw,
    Withdrawal,
};
use crate::atomic::{Acquire, AtomicU32, AtomicU64, Register32, Relaxed, Release, array, const_fn};

/// A queue of tickets, without slots: whoever takes one keeps it in hand.
///
/// - **Order**: first come first served, by the order of the fetch-and-adds.
/// - **Needs** one fetch-and-add to enter, one to leave, 32 and 64 bits wide.
/// - **Space**: 16 bytes for any number of participants. Tickets wrap; they are only ever compared
///   for equality and by distance, so at most 2³² - 1 may wait at once.
/// - **Withdrawing** leaves a mark, and whoever would serve that ticket serves the next one
///   instead. There are [`WINDOW`](Self::WINDOW) such marks, so an attempt that may be withdrawn
///   takes a ticket only when fewer are ahead of it; otherwise the doorway is closed to it.
#[derive(Debug)]
#[repr(C)]
pub struct TicketQueue {
    next: AtomicU32,
    /// The ticket that is served (high half), and the marks of those withdrawn, by ticket modulo
    /// `WINDOW` (low half). One word, so that serving a ticket and finding out whether it was
    /// withdrawn is one step.
    served: AtomicU64,
}

const SERVE_NEXT: u64 = 1 << 32;

const fn ticket(served: u64) -> u32 {
    (served >> 32) as u32
}

const fn mark(ticket: u32) -> u64 {
    1 << (ticket % TicketQueue::WINDOW)
}

impl TicketQueue {
    /// How far behind the ticket served a ticket may be that can still be withdrawn.
    pub const WINDOW: u32 = 32;

    const_fn! {
        /// A queue that serves ticket 0 first.
        #[must_use]
        pub const fn new() -> Self {
            Self::starting_at(0)
        }

        /// A queue that serves this ticket first: to watch tickets wrap, for instance.
        #[must_use]
        pub const fn starting_at(first: u32) -> Self {
            Self { next: AtomicU32::new(first), served: AtomicU64::new((first as u64) << 32) }
        }
    }

    /// Whether anybody holds a ticket that is served or waits.
    pub fn is_busy(&self) -> bool {
        ticket(self.served.load(Relaxed)) != self.next.load(Relaxed)
    }

    #[inline]
    fn take(&self, intent: Intent) -> Result<u32, DoorwayClosed> {
        /// Others may take tickets at the same moment; after so many the doorway counts as closed.
        const ATTEMPTS: usize = 16;

        if intent == Intent::Stay {
            return Ok(self.next.fetch_add(1, Relaxed));
        }
        for _ in 0..ATTEMPTS {
            let served = ticket(self.served.load(Relaxed));
            let mine = self.next.load(Relaxed);
            if mine.wrapping_sub(served) >= Self::WINDOW {
                break;
            }
            let taken = mine.wrapping_add(1);
            if self.next.compare_exchange_weak(mine, taken, Relaxed, Relaxed).is_ok() {
                return Ok(mine);
            }
        }
        Err(DoorwayClosed)
    }

    /// Takes a ticket if it would be served at once.
    #[inline]
    fn try_take(&self) -> Option<u32> {
        // Acquire: if the next ticket is still this one, it is served, and the last critical
        // section has to be seen.
        let served = ticket(self.served.load(Acquire));
        let taken = served.wrapping_add(1);
        self.next.compare_exchange(served, taken, Relaxed, Relaxed).ok()
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
            next: mine.wrapping_sub(served) == 1,
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
        let mut served = self.served.fetch_add(SERVE_NEXT, Release).wrapping_add(SERVE_NEXT);
        while served & mark(ticket(served)) != 0 {
            served = self.skip(served);
        }
        wake.fence_after_rmw();
        wake.wake(ticket(served));
    }

    /// Passes over the ticket that is served, which was withdrawn. Nobody else takes its mark away.
    #[cold]
    fn skip(&self, served: u64) -> u64 {
        let step = SERVE_NEXT.wrapping_sub(mark(ticket(served)));
        // Relaxed: it continues the release sequence of the update that served this ticket.
        self.served.fetch_add(step, Relaxed).wrapping_add(step)
    }

    fn withdraw(&self, mine: u32) -> Withdrawal {
        match mine.wrapping_sub(ticket(self.served.load(Relaxed))) {
            0..Self::WINDOW => {}
            // Behind what is served: somebody has overwritten it, and nothing is left to take back.
            0x8000_0000.. => return Withdrawal::Done,
            _ => return Withdrawal::TooLate,
        }
        // Acquire: if it is this ticket's turn, the last critical section has to be seen.
        let served = self.served.fetch_or(mark(mine), Acquire);
        if ticket(served) != mine {
            return Withdrawal::Done;
        }
        // Whoever served this ticket did so before the mark was there.
        self.served.fetch_sub(mark(mine), Relaxed);
        Withdrawal::Mine
    }
}

impl Default for TicketQueue {
    fn default() -> Self {
        Self::new()
    }
}

/// One attempt at a [`TicketQueue`], with its ticket in hand. It has no use for slots, and ignores
/// them.
#[derive(Debug)]
pub struct TicketInHand<'a> {
    queue: &'a TicketQueue,
    mine: Cell<u32>,
}

impl<'a> TicketInHand<'a> {
    /// No ticket yet; or, for whoever is in the critical section, the ticket that is served.
    #[must_use]
    pub fn new(queue: &'a TicketQueue) -> Self {
        Self { queue, mine: Cell::new(0) }
    }
}

// SAFETY: exactly one ticket is served at a time, and no two attempts have the same one.
unsafe impl Algorithm for TicketInHand<'_> {
    const FIRST_COME_FIRST_SERVED: bool = true;

    fn capacity(&self) -> usize {
        u32::MAX as usize
    }

    #[inline]
    fn enter(&self, _: Slot, intent: Intent, _: &impl Wake) -> Result<(), DoorwayClosed> {
        self.mine.set(self.queue.take(intent)?);
        Ok(())
    }

    #[inline]
    fn poll(&self, _: Slot, _: &impl Wake) -> Turn {
        self.queue.poll(self.mine.get())
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
    }

    #[inline]
    fn withdraw(&self, _: Slot, _: &impl Wake) -> Withdrawal {
        self.queue.withdraw(self.mine.get())
    }

    #[inline]
    fn try_enter(&self, _: Slot, _: &impl Wake) -> bool {
        self.queue.try_take().is_some()
    }
}

impl Withdraw for TicketInHand<'_> {}

/// A ticket lock with room for `N` participants: see [`TicketOn`].
pub type Ticket<const N: usize> = TicketOn<[TicketSlot; N]>;

/// A [`TicketQueue`] whose participants have slots, in which each writes down its ticket: who waits
/// for what can be read from the registers alone.
#[derive(Debug)]
#[repr(C)]
pub struct TicketOn<S: ?Sized> {
    queue: TicketQueue,
    slots: S,
}

/// One participant's ticket, alone on its cache lines.
#[derive(Debug)]
#[repr(C, align(128))]
pub struct TicketSlot {
    ticket: Register32,
}

impl TicketSlot {
    const_fn! {
        const fn new() -> Self {
            Self { ticket: Register32::new(0) }
        }
    }
}

impl<const N: usize> Ticket<N> {
    const_fn! {
        /// A queue that nobody stands in.
        #[must_use]
        pub const fn new() -> Self {
            Self { queue: TicketQueue::new(), slots: array![TicketSlot::new(); N] }
        }
    }
}

impl<const N: usize> Default for Ticket<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: AsRef<[TicketSlot]> + ?Sized> TicketOn<S> {
    fn ticket(&self, me: Slot) -> &Register32 {
        &self.slots.as_ref()[me.index()].ticket
    }
}

// SAFETY: as for `TicketInHand`; each slot's ticket is written by its own participant only.
unsafe impl<S: AsRef<[TicketSlot]> + ?Sized> Algorithm for TicketOn<S> {
    const FIRST_COME_FIRST_SERVED: bool = true;

    #[inline]
    fn capacity(&self) -> usize {
        self.slots.as_ref().len()
    }

    #[inline]
    fn enter(&self, me: Slot, intent: Intent, _: &impl Wake) -> Result<(), DoorwayClosed> {
        self.ticket(me).store(self.queue.take(intent)?, Relaxed);
        Ok(())
    }

    #[inline]
    fn poll(&self, me: Slot, _: &impl Wake) -> Turn {
        self.queue.poll(self.ticket(me).load(Relaxed))
    }

    #[inline]
    fn is_blocked(&self, me: Slot, _: Blocked) -> bool {
        self.queue.is_blocked(self.ticket(me).load(Relaxed))
    }

    #[inline]
    fn standing(&self, _: Slot) -> Standing {
        Standing::Outside
    }

    #[inline]
    fn leave(&self, _: Slot, wake: &impl Wake) {
        self.queue.serve_next(wake);
    }

    #[inline]
    fn withdraw(&self, me: Slot, _: &impl Wake) -> Withdrawal {
        self.queue.withdraw(self.ticket(me).load(Relaxed))
    }

    #[inline]
    fn try_enter(&self, me: Slot, _: &impl Wake) -> bool {
        let ticket = self.queue.try_take();
        if let Some(ticket) = ticket {
            self.ticket(me).store(ticket, Relaxed);
        }
        ticket.is_some()
    }
}

impl<S: AsRef<[TicketSlot]> + ?Sized> Withdraw for TicketOn<S> {}

impl<S: AsRef<[TicketSlot]> + ?Sized> Recover for TicketOn<S> {}
