//! Finding a slot, and waiting for one where all are taken.
//!
//! Those who wait have tickets, and each holds a byte of its own in the kernel while it waits; so who
//! is ahead can be asked, and nobody has to clear away those who die. Only the first in line looks for a
//! free slot, at each of its looks, and after the dead, in at most a twentieth of its time; and it listens
//! to the bells of those who have the slots. The others sleep ten times as long, and ask once, in one
//! system call, whether they are first now. All leave more and more time between two looks. Whoever gives a
//! slot back, or leaves the line, wakes one.

use std::cell::{Cell, RefCell};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use crate::algorithm::Slot;
use crate::atomic::{AtomicU32, SeqCst, crash_point, fence};
use crate::shared::Error;
use crate::shared::dead::look_after::{Look, Outcome, look_after, reap};
use crate::shared::life::bell::Bell;
use crate::shared::life::claim::{Bytes, Joined, claim};
use crate::shared::life::identity::{Identity, Process};
use crate::shared::life::ofd::{self, Place};
use crate::shared::segment::Segment;
use crate::shared::waiting::listen::{self, SOON};
use crate::shared::waiting::watch::{PATIENCE, SegmentWaker, Until};
use crate::wait::{Futex, Lot, Several, Shared, Wait};

/// From so many joined slots on, whoever would be the first above a power of two first looks whether
/// any of those below is a dead one's: the mark never falls, and scans go up to it.
const MANY: u32 = 16;

/// How much longer than the first in line the others sleep.
const OTHERS: u32 = 10;

/// Of how much time one part may go into looking after the dead.
const SPARING: u32 = 20;

/// While somebody else clears a slot away.
const MOMENT: Duration = Duration::from_millis(1);

/// One that wants a slot: an open description of its own, on which nothing is locked yet.
pub(crate) struct Newcomer<'a> {
    pub(crate) segment: &'a Segment,
    pub(crate) file: &'a OwnedFd,
    pub(crate) this: &'a Process,
    /// How often the first in line looks.
    pub(crate) every: Duration,
}

impl Newcomer<'_> {
    /// A slot, whose byte is locked on this description. Waits for one until the deadline, if all are
    /// taken; and at least as long as there is one that is about to be free.
    pub(crate) fn find_room<W: Wait>(&self, deadline: &impl Until) -> Result<Slot, Error> {
        if self.is_next_to_come()? {
            if let Some(slot) = self.claim::<W>()? {
                return Ok(slot);
            }
            // Whoever does not wait takes no place in line.
            if deadline.left().is_none() && !self.reap::<W>()? {
                return Err(self.full());
            }
        }
        self.wait_for_room::<W>(deadline)
    }

    /// Whether nobody waits for a slot.
    fn is_next_to_come(&self) -> Result<bool, Error> {
        Ok(self.segment.room().has_never_been_full() || self.line()?.is_none())
    }

    fn line(&self) -> Result<Option<u32>, Error> {
        ofd::first_in_line(self.file, u32::MAX)
            .map_err(Error::io(self.segment.name(), "find out who waits for a slot"))
    }

    fn claim<W: Wait>(&self) -> Result<Option<Slot>, Error> {
        let cleared = Cell::new(0);
        claim(self.segment.identities(), self, self, self.this, |mark| {
            let is_time = mark >= MANY && mark.is_power_of_two() && cleared.replace(mark) != mark;
            Ok(!(is_time && self.reap::<W>()?))
        })
    }

    /// Clears away those of the dead whose bells have been rung. Whether there was one, as below.
    fn answer<W: Wait>(&self, ringing: &[Slot]) -> Result<bool, Error> {
        let look = Look { file: self.file.as_fd(), by: self.this };
        let mut found = false;
        for slot in ringing {
            let waker = SegmentWaker::<W>::new(self.segment.lot());
            let outcome = look_after(self.segment, look, *slot, &waker)?;
            found |= matches!(outcome, Outcome::Recovered | Outcome::Busy);
        }
        Ok(found)
    }

    /// Clears away the dead. Whether there was one, be it that somebody else does it.
    fn reap<W: Wait>(&self) -> Result<bool, Error> {
        let look = Look { file: self.file.as_fd(), by: self.this };
        reap(self.segment, look, None, &SegmentWaker::<W>::new(self.segment.lot()))
    }

    fn full(&self) -> Error {
        Error::Full { segment: self.segment.name().to_owned(), slots: self.segment.slots() }
    }

    /// Whether a slot was free a moment ago.
    fn sees_room(&self) -> bool {
        let mark = self.segment.joined();
        let joined = &self.segment.identities()[..mark as usize];
        mark < self.segment.slots() || joined.iter().any(Identity::is_free)
    }

    #[cold]
    fn wait_for_room<W: Wait>(&self, deadline: &impl Until) -> Result<Slot, Error> {
        let segment = self.segment;
        let failed = |doing| Error::io(segment.name(), doing);
        // Dropped last: when the place is given up.
        let _next = WakesNext { segment, file: self.file };
        let place = Place::take(self.file.as_fd(), segment.room().take_ticket())
            .map_err(failed("stand in line for a slot"))?;
        // Orders the ticket before the look for a free slot: with `make_room`, either that sees the
        // slot that was given back, or whoever gave it back sees that there is a line.
        fence(SeqCst);
        crash_point("in line for a slot");
        let since = Instant::now();
        let (mut room_since, mut reaps_at) = (None, since);
        // As the last look after the dead has found it.
        let mut is_about_to_be_free = false;
        let bells = Bells {
            segment,
            since,
            told: RefCell::default(),
            is_first: Cell::new(false),
            hears_all: Cell::new(false),
        };
        // Since one was rung: how long until the next look at its participant.
        let mut soon: Option<Duration> = None;
        loop {
            let ahead = place.ahead().map_err(failed("find out who waits for a slot"))?;
            // Whoever is ahead and does not move (a stopped one) holds nobody up for long.
            let is_patient = room_since.is_none_or(|since: Instant| since.elapsed() < PATIENCE);
            if ahead.is_none() || !is_patient {
                if let Some(slot) = self.claim::<W>()? {
                    return Ok(slot);
                }
                let began = Instant::now();
                let ringing = bells.ringing();
                if *bells.told.borrow() != ringing {
                    soon = Some(SOON);
                    bells.told.replace(ringing.clone());
                }
                if soon.is_some() && self.answer::<W>(&ringing)? {
                    is_about_to_be_free = true;
                } else if began >= reaps_at {
                    is_about_to_be_free = self.reap::<W>()?;
                    reaps_at = began + (began.elapsed() * SPARING).max(self.every);
                }
                if let (true, Some(slot)) = (is_about_to_be_free, self.claim::<W>()?) {
                    return Ok(slot);
                }
            }
            let sees_room = self.sees_room();
            // Else it has tried: what is free and not to be had is not given back yet.
            let is_anothers = sees_room && ahead.is_some() && is_patient;
            room_since = if sees_room { room_since.or_else(|| Some(Instant::now())) } else { None };
            let left = deadline.left();
            is_about_to_be_free &= since.elapsed() <= 2 * PATIENCE;
            if left.is_none() && !is_about_to_be_free && !is_anothers {
                return Err(self.full());
            }
            if let (true, Some(ahead)) = (sees_room, ahead) {
                // Woken by mistake, perhaps.
                wake(segment, ahead);
            }
            let least = if ahead.is_none() { self.every } else { self.every * OTHERS };
            let looks_in = if deadline.may_be_called_off() {
                least
            } else {
                // Those who stand behind are woken when one ahead leaves.
                let hears_all = ahead.is_some() || bells.hears_all.get();
                least.max(listen::leave_it_at(since.elapsed(), hears_all))
            };
            // Still there after so long: it has rung for nothing.
            soon = soon.filter(|soon| *soon < looks_in);
            let looks_in = soon.unwrap_or(looks_in);
            soon = soon.map(listen::longer);
            let is_soon = is_about_to_be_free || is_anothers;
            let at_most = if is_soon { looks_in.min(MOMENT) } else { looks_in };
            let is_first = ahead.is_none();
            let still = || match place.ahead() {
                Ok(ahead) => ahead.is_none() == is_first && (sees_room || !self.sees_room()),
                Err(_) => false,
            };
            let at_most = at_most.min(left.unwrap_or(MOMENT));
            bells.is_first.set(is_first);
            segment.lot().sleep_with(&bells, place.ticket(), still, at_most);
        }
    }
}

impl Bytes for Newcomer<'_> {
    type Error = Error;

    fn try_lock(&self, slot: Slot) -> Result<bool, Error> {
        self.file.try_lock(slot).map_err(Error::io(self.segment.name(), "lock the slot's byte"))
    }

    fn unlock(&self, slot: Slot) {
        self.file.unlock(slot);
    }
}

impl Joined for Newcomer<'_> {
    type Error = Error;

    fn mark(&self) -> u32 {
        self.segment.joined()
    }

    fn raise(&self, over: Slot) -> Result<(), Error> {
        self.segment.allocate(over)?;
        crash_point("memory for a slot that nobody may touch yet");
        self.segment.room().raise(over.number() + 1);
        crash_point("a slot that may be touched, and is nobody's");
        Ok(())
    }
}

/// The bells of all who have joined, as far as one can listen to so many at a time.
struct Bells<'a> {
    segment: &'a Segment,
    since: Instant,
    /// Whether they are listened to: by the first in line.
    is_first: Cell<bool>,
    /// Those that had been rung when that was last looked at.
    told: RefCell<Vec<Slot>>,
    /// Whether all are going to be rung, and are heard, as far as is known from the last sleep.
    hears_all: Cell<bool>,
}

impl Bells<'_> {
    fn of_joined(&self) -> impl Iterator<Item = (Slot, &Bell)> {
        (0..self.segment.joined()).map(Slot::new).zip(self.segment.bells())
    }

    /// Whose have been rung.
    fn ringing(&self) -> Vec<Slot> {
        self.of_joined().filter(|(_, bell)| bell.listen().rings()).map(|(slot, _)| slot).collect()
    }
}

impl Futex for Bells<'_> {
    fn wait(&self, word: &AtomicU32, expected: u32, at_most: Duration) -> bool {
        if !self.is_first.get() {
            return Shared.wait(word, expected, at_most);
        }
        let mut words = Several::new(word, expected);
        let (mut ringing, mut hears_all) = (Vec::new(), Several::is_possible());
        for (slot, bell) in self.of_joined() {
            let sound = bell.listen();
            if sound.rings() {
                ringing.push(slot);
            }
            hears_all &= words.push(bell.word(), sound.0) && sound.is_hung();
        }
        self.hears_all.set(hears_all);
        *self.told.borrow() == ringing && words.wait(at_most)
    }

    fn wake_all(word: &AtomicU32) {
        Shared::wake_all(word);
    }

    fn has_waited(&self) -> Duration {
        self.since.elapsed()
    }
}

/// Leaves the line, when its place is given up, to the next.
struct WakesNext<'a> {
    segment: &'a Segment,
    file: &'a OwnedFd,
}

impl Drop for WakesNext<'_> {
    fn drop(&mut self) {
        wake_first(self.segment, self.file);
    }
}

/// Tells one that waits for a slot that there is one. To be called when a slot was given back.
pub(crate) fn tell_of_room(segment: &Segment, file: &OwnedFd) {
    // Orders the slot that is free before the look for a line: see `wait_for_room`.
    fence(SeqCst);
    if !segment.room().has_never_been_full() {
        wake_first(segment, file);
    }
}

/// Whoever is woken and is not the first wakes one ahead of it.
fn wake_first(segment: &Segment, file: &OwnedFd) {
    // Nobody is lost if the kernel does not tell: they look again.
    if let Ok(Some(first)) = ofd::first_in_line(file, u32::MAX) {
        wake(segment, first);
    }
}

fn wake(segment: &Segment, ticket: u32) {
    // Orders whatever there is to be seen before the look for sleepers.
    fence(SeqCst);
    segment.lot().wake(ticket);
}
