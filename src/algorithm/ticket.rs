//! The ticket lock with slots.

use crate::algorithm::mark::Mark;
use crate::algorithm::{
    Algorithm, Blocked, DoorwayClosed, Intent, Place, Recover, Reset, Slot, Standing, Turn, Wake,
    Withdraw, Withdrawal,
};
use crate::atomic::{AcqRel, Acquire, AtomicU64, MARKS, Relaxed, Release, array, const_fn};

/// The tickets, for those who write theirs down. The one that is served is known by its lower half,
/// so at most 2³¹ - 1 may wait at once.
#[derive(Debug)]
#[repr(C)]
struct Queue {
    next: AtomicU64,
    /// The ticket that is served, by its lower half (high half), and marks (low half): the mark of a
    /// ticket, by ticket modulo [`MARKS`], says that it or another with the same mark may be given up. One
    /// word: of a ticket's mark and its turn, whoever comes second sees both.
    served: AtomicU64,
}

const SERVE_NEXT: u64 = 1 << 32;

const fn half(served: u64) -> u32 {
    (served >> 32) as u32
}

const fn low(ticket: u64) -> u32 {
    (ticket & 0xffff_ffff) as u32
}

const fn mark(half: u32) -> u64 {
    1 << (half % MARKS)
}

const fn is_marked(served: u64) -> bool {
    served & mark(half(served)) != 0
}

/// All of the ticket that is served, if the next one to be taken is about this.
fn in_full(served: u64, next: u64) -> u64 {
    let from_next = half(served).wrapping_sub(low(next)).cast_signed();
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

    /// Takes a ticket if it would be served at once; `choosing` is what has to be seen by whoever
    /// sees it taken.
    #[inline]
    fn try_take(&self, choosing: impl Fn()) -> Option<u64> {
        let (mine, served) = self.look();
        if half(served) != low(mine) {
            return None;
        }
        choosing();
        let taken = mine.wrapping_add(1);
        // Release: see `choosing`.
        self.next.compare_exchange(mine, taken, Release, Relaxed).ok()
    }

    #[inline]
    fn poll(&self, mine: u32) -> Turn {
        // Acquire: the last critical section has to be seen.
        let served = half(self.served.load(Acquire));
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

    /// Whether it is this ticket's turn: whoever goes in then sees the last critical section.
    #[inline]
    fn serves(&self, mine: u32) -> bool {
        // Acquire: as it says.
        half(self.served.load(Acquire)) == mine
    }

    /// Serves the one after a ticket that is nobody's, unless that is done. What is served then.
    fn pass(&self, ticket: u64) -> u64 {
        let mut served = self.served.load(Relaxed);
        while half(served) == low(ticket) {
            let next = served.wrapping_add(SERVE_NEXT);
            // Release: hands on the critical section of one who died in it. That of others is handed
            // on in any case: this continues the release sequence of their departure.
            match self.served.compare_exchange(served, next, Release, Relaxed) {
                Ok(_) => return next,
                Err(now) => served = now,
            }
        }
        served
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
/// - **Order**: first come first served, by the order of the fetch-and-adds. A place that is given up
///   stays the slot's until its turn has come: the next attempt in that slot takes it up again, and
///   goes before those only that came behind it. So whoever tries again and again with little time
///   gets in when those have left that came before its first attempt.
/// - **Needs** one fetch-and-add to enter, one to leave, 64 bits wide; compare-and-exchange for
///   whoever tries, comes again after it gave up, or passes over what was given up.
/// - **Space**: three words, and one for each slot. Tickets have 62 bits and do not come to an end.
/// - **Withdrawing** takes one store and one read-modify-write, however long the line is. The ticket is
///   passed over when it would be served, for which all slots that have been joined are looked at.
///
/// # Deaths
///
/// A slot says that its participant is choosing before it takes a ticket; and then holds the ticket,
/// given up or not, until the queue has passed it. So a ticket of which nobody can be thought to be
/// the holder is that of one who died before it had written it down. See
/// [memory order](crate::memory_order).
///
/// A dead participant's ticket is passed over or given up. The ticket of one that died choosing is
/// passed over when it is served, and its slot can be reset only [then](Reset::Later), and only when
/// nobody else is choosing who is alive.
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
    /// Written by the participant, or whoever resets it; but a ticket that is given up may be passed
    /// over by anybody.
    place: AtomicU64,
}

/// What a slot holds: one of these, or a ticket.
const OUTSIDE: u64 = 0;
/// May have taken a ticket that is not written down.
const CHOOSING: u64 = 1;
/// The same, and dead.
const ORPHANED: u64 = 2;
/// Ticket 0.
const FIRST: u64 = 3;
/// With a ticket: it is given up, and can be taken up again until its turn has come.
const GIVEN_UP: u64 = 1 << 63;
/// With that: its turn has come, and it is passed over now, or has been.
const PASSED: u64 = 1 << 62;

/// The ticket in a slot, given up or not.
const fn ticket(place: u64) -> u64 {
    (place & !(GIVEN_UP | PASSED)).wrapping_sub(FIRST)
}

/// Whether it is given up.
const fn is_given_up(place: u64) -> bool {
    place & GIVEN_UP != 0
}

/// Whether it is, and can be taken up again.
const fn is_kept(place: u64) -> bool {
    place & (GIVEN_UP | PASSED) == GIVEN_UP
}

impl TicketSlot {
    const_fn! {
        const fn new() -> Self {
            Self { place: AtomicU64::new(OUTSIDE) }
        }
    }

    /// The ticket of one who is in line.
    fn ticket(&self) -> u64 {
        ticket(self.place.load(Relaxed))
    }

    #[inline]
    fn choose(&self) {
        self.place.store(CHOOSING, Relaxed);
    }

    /// Writes a ticket down, or that there is none.
    #[inline]
    fn settle(&self, ticket: Option<u64>) {
        let place = ticket.map_or(OUTSIDE, |ticket| ticket.wrapping_add(FIRST));
        // Release: who sees that the last ticket is not here any more sees it passed.
        self.place.store(place, Release);
    }

    /// Gives a ticket up.
    fn give_up(&self, ticket: u64) {
        // Release: whoever passes over it hands on the critical section of one who died in it.
        self.place.store(ticket.wrapping_add(FIRST) | GIVEN_UP, Release);
    }

    /// Takes up what was given up, unless it is passed over. Whether it is in line again.
    fn take_up(&self) -> bool {
        let place = self.place.load(Relaxed);
        let held = place & !GIVEN_UP;
        if is_kept(place) && self.place.compare_exchange(place, held, Relaxed, Relaxed).is_ok() {
            return true;
        }
        // Acquire: who sees that it is passed over sees it served.
        _ = self.place.load(Acquire);
        false
    }

    /// Makes what was given up nobody's. Whether it is; if not, it has been taken up.
    fn forfeit(&self, place: u64) -> bool {
        let passed = place | PASSED;
        // Release: see `take_up`.
        let exchanged = self.place.compare_exchange(place, passed, Release, Relaxed);
        exchanged.map_or_else(|now| now == passed, |_| true)
    }
}

/// What the slots say of the line.
#[derive(Default)]
struct Survey<'a> {
    /// Where the first ticket is given up.
    given_up: Option<(&'a TicketSlot, u64)>,
    /// The marks of all others that are given up.
    marks: u64,
    /// Who holds the first ticket.
    holder: Option<Slot>,
    choosing: Option<Slot>,
    /// How many tickets in the line are written down, given up or not.
    written: u64,
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

impl<S: AsRef<[TicketSlot]> + ?Sized> TicketOn<S> {
    #[inline]
    fn slot(&self, me: Slot) -> &TicketSlot {
        &self.slots.as_ref()[me.index()]
    }

    /// The ticket of one who is in line, in full.
    pub(crate) fn ticket(&self, me: Slot) -> u64 {
        self.slot(me).ticket()
    }

    /// Whether whoever comes next in this slot takes up the place in line that was given up in it.
    #[allow(dead_code, reason = "only a segment's slots are for others after a death")]
    pub(crate) fn keeps_a_place(&self, slot: Slot) -> bool {
        is_kept(self.slot(slot).place.load(Relaxed))
    }

    /// Whether the ticket of one who is in line is served.
    pub(crate) fn is_served(&self, me: Slot) -> bool {
        half(self.queue.served.load(Relaxed)) == low(self.ticket(me))
    }

    /// The first ticket that nobody has taken yet.
    pub(crate) fn end(&self) -> u64 {
        self.queue.next.load(Relaxed)
    }

    /// Looks at all slots that have been joined: `first` is the first ticket of a line that is so long. To
    /// be called behind a look at the next ticket: then all who took one before are among them.
    fn survey(&self, first: u64, line: u64) -> Survey<'_> {
        let mut survey = Survey::default();
        for (slot, of) in (0..).map(Slot::new).zip(self.mark.joined(self.slots.as_ref())) {
            // Acquire: see `give_up`; and whether a ticket that was here before is passed is looked at
            // later.
            let place = of.place.load(Acquire);
            match place {
                OUTSIDE | ORPHANED => continue,
                CHOOSING => {
                    survey.choosing = Some(slot);
                    continue;
                }
                _ => {}
            }
            let ahead = ticket(place).wrapping_sub(first);
            survey.written += u64::from(ahead < line);
            match ahead {
                0 if is_given_up(place) => survey.given_up = Some((of, place)),
                0 => survey.holder = Some(slot),
                _ if is_kept(place) => survey.marks |= mark(low(ticket(place))),
                _ => {}
            }
        }
        survey
    }

    /// Passes over the ticket that is served, in full, if that was found to be given up. What is
    /// served then; `None` if it is somebody's.
    fn pass(&self, served: u64, survey: &Survey<'_>) -> Option<u64> {
        let (slot, place) = survey.given_up?;
        slot.forfeit(place).then(|| self.queue.pass(served))
    }

    /// Passes over marked tickets that are served and given up, as anybody may, and others may be
    /// about to. What is served then.
    #[cold]
    #[inline(never)]
    fn pass_over(&self, mut served: u64) -> u64 {
        while is_marked(served) {
            let taken_away = mark(half(served));
            // In this order, and with Acquire: see `Queue::look`.
            let next = self.queue.next.load(Acquire);
            // Before the look at the slots: who gives up later leaves a mark, which stays. Acquire:
            // what was given up before is seen there.
            served = self.queue.served.fetch_and(!taken_away, Acquire) & !taken_away;
            let first = in_full(served, next);
            let survey = self.survey(first, 1);
            if survey.marks & taken_away != 0 {
                // Relaxed: whose mark it was has released it.
                served = self.queue.served.fetch_or(taken_away, Relaxed) | taken_away;
            }
            match self.pass(first, &survey) {
                Some(now) => served = now,
                None if half(served) == low(first) => break,
                // Whoever served this one may not have seen the mark that was away meanwhile.
                None => {}
            }
        }
        served
    }

    /// Does what another may have died before: marks what is given up; passes over what is served, if
    /// that is given up, or if nobody will write it down any more; and wakes whose turn it is. Who
    /// holds the ticket served, or may do so; and whether all of the line is written down.
    #[cold]
    fn help(&self, wake: &impl Wake) -> (Option<Slot>, bool) {
        // As many as there can be, whatever the registers say.
        let mut orphans = 0..self.capacity();
        let (first, ahead, is_written) = loop {
            // First, so that the slots are those of all who took a ticket before: each is at least
            // seen to be choosing.
            let (next, mut served) = self.queue.look();
            let first = in_full(served, next);
            let line = next.saturating_sub(first);
            let survey = self.survey(first, line);
            if survey.marks != 0 {
                // In any case: a mark that was seen may be gone. Release: see `pass_over`.
                served = self.queue.served.fetch_or(survey.marks, Release);
            }
            if self.pass(first, &survey).is_none() {
                let ahead = survey.holder.or(survey.choosing);
                let is_orphan = line > 0 && ahead.is_none() && survey.given_up.is_none();
                if is_orphan && orphans.next().is_some() {
                    self.queue.pass(first);
                } else if half(served) == low(first) {
                    break (first, ahead, survey.choosing.is_none() && survey.written >= line);
                }
                // Another may be served by now, to one who saw no mark.
            }
        };
        wake.fence();
        wake.wake(low(first));
        (ahead, is_written)
    }

    /// Whether one that gave up is in line again, at the place that it had.
    #[cold]
    fn come_again(&self, slot: &TicketSlot, wake: &impl Wake) -> bool {
        let is_in_line = slot.take_up();
        if !is_in_line {
            // Who passes over it may have died, and nobody else can know when this slot says no more.
            self.help(wake);
        }
        is_in_line
    }
}

// SAFETY: as for `TicketInHand`; a ticket is passed over only when its slot says, for good, that it
// is nobody's. Each slot is written by its own participant only, or by whoever resets it, but for
// that.
unsafe impl<S: AsRef<[TicketSlot]> + ?Sized> Algorithm for TicketOn<S> {
    const FIRST_COME_FIRST_SERVED: bool = true;
    /// It passes over what was given up.
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
    fn enter(&self, me: Slot, _: Intent, wake: &impl Wake) -> Result<(), DoorwayClosed> {
        let slot = self.slot(me);
        if slot.place.load(Relaxed) == OUTSIDE || !self.come_again(slot, wake) {
            slot.choose();
            // Release: see `choose`.
            slot.settle(Some(self.queue.next.fetch_add(1, Release)));
        }
        Ok(())
    }

    #[inline]
    fn poll(&self, me: Slot, _: &impl Wake) -> Turn {
        self.queue.poll(low(self.ticket(me)))
    }

    /// Sleepers are woken for their own turn only, but whoever spins may look as often as anybody
    /// leaves.
    #[inline]
    fn is_blocked(&self, me: Slot, _: Blocked) -> bool {
        !self.is_served(me)
    }

    #[inline]
    fn standing(&self, of: Slot) -> Standing {
        match self.slot(of).place.load(Relaxed) {
            OUTSIDE | GIVEN_UP.. => Standing::Outside,
            CHOOSING | ORPHANED => Standing::Doorway,
            place => Standing::Line(ticket(place)),
        }
    }

    #[inline]
    fn leave(&self, me: Slot, wake: &impl Wake) {
        // Release: hands the critical section on.
        let mut served = self.queue.served.fetch_add(SERVE_NEXT, Release).wrapping_add(SERVE_NEXT);
        if is_marked(served) {
            served = self.pass_over(served);
        }
        wake.fence_after_rmw();
        wake.wake(half(served));
        wake.wake_early(|| Some(half(served).wrapping_add(1)));
        self.slot(me).settle(None);
    }

    fn withdraw(&self, me: Slot, _: &impl Wake) -> Withdrawal {
        let slot = self.slot(me);
        let mine = slot.ticket();
        if self.queue.serves(low(mine)) {
            return Withdrawal::Mine;
        }
        slot.give_up(mine);
        // Release: see `pass_over`. Acquire: if the turn has come, the last critical section has to be
        // seen.
        let served = self.queue.served.fetch_or(mark(low(mine)), AcqRel);
        // Whoever served it before the mark was there may not have seen it.
        let came_first = half(served) == low(mine) && slot.take_up();
        if came_first { Withdrawal::Mine } else { Withdrawal::Done }
    }

    #[inline]
    fn try_enter(&self, me: Slot, wake: &impl Wake) -> bool {
        let slot = self.slot(me);
        let place = slot.place.load(Relaxed);
        if place != OUTSIDE {
            // Its own place is before all others that it could get.
            if is_kept(place) && !self.queue.serves(low(ticket(place))) {
                return false;
            }
            if self.come_again(slot, wake) {
                return true;
            }
        }
        let ticket = self.queue.try_take(|| slot.choose());
        slot.settle(ticket);
        ticket.is_some()
    }
}

// SAFETY: whoever withdraws gives its ticket up, or finds that its turn has come.
unsafe impl<S: AsRef<[TicketSlot]> + ?Sized> Withdraw for TicketOn<S> {}

impl<S: AsRef<[TicketSlot]> + ?Sized> Recover for TicketOn<S> {
    /// Names the holder of the ticket served; if nobody is known to be, one who may be, and is
    /// choosing. Passes over what is nobody's, too.
    fn ahead_of(&self, me: Slot, wake: &impl Wake) -> Option<Slot> {
        self.help(wake).0.filter(|ahead| *ahead != me)
    }

    /// Names those that gave up, too, as far as the first that has not: they may come again. One that gives
    /// up says nothing to whoever is behind, so whoever has it do that has to.
    fn right_before(&self, me: Slot, _: &impl Wake, name: &mut impl FnMut(Slot)) {
        /// More that gave up are not named.
        const MOST: u64 = 8;

        let mine = self.ticket(me);
        for before in 1..=MOST {
            let ticket_before = mine.wrapping_sub(before);
            let slots = (0..).map(Slot::new).zip(self.mark.joined(self.slots.as_ref()));
            let mut places = slots.map(|(slot, of)| (slot, of.place.load(Relaxed)));
            match places.find(|&(_, place)| place >= FIRST && ticket(place) == ticket_before) {
                Some((slot, place)) if is_given_up(place) => name(slot),
                Some((slot, _)) => return name(slot),
                // It is passed; or taken by one who has not written it down yet.
                None => return,
            }
        }
    }

    /// The slot keeps the dead one's place, as that of any other who gave up.
    fn reset(&self, dead: Slot, wake: &impl Wake) -> Reset {
        let slot = self.slot(dead);
        let place = slot.place.load(Relaxed);
        if place == OUTSIDE {
            return Reset::Done;
        }
        let (next, served) = self.queue.look();
        // Of a ticket that has been passed, the owner died on the way out.
        let is_passed = ticket(place).wrapping_sub(in_full(served, next)).cast_signed() < 0;
        match place {
            // So that two who died choosing do not wait for each other. Release: as `settle`.
            CHOOSING | ORPHANED => slot.place.store(ORPHANED, Release),
            GIVEN_UP.. => {}
            _ if is_passed => {}
            place => slot.give_up(ticket(place)),
        }
        // Before the slot is given up: whoever resets it again, if this one dies, helps again.
        let (_, is_written) = self.help(wake);
        match place {
            CHOOSING | ORPHANED if !is_written => return Reset::Later,
            CHOOSING | ORPHANED => slot.settle(None),
            ..GIVEN_UP if is_passed => slot.settle(None),
            _ => {}
        }
        Reset::Done
    }
}
