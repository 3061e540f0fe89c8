//! The black-white bakery.

use crate::algorithm::mark::Mark;
use crate::algorithm::{
    Algorithm, Blocked, DoorwayClosed, Intent, Place, Recover, Slot, Standing, Turn, Wake,
    Withdraw, Withdrawal,
};
use crate::atomic::{Acquire, Register32, Relaxed, Release, SeqCst, array, const_fn, fence};

/// What a slot's register holds: idle, choosing, alone, or a number of one colour.
///
/// Packed in one word, so that one store publishes it and no load sees half of it: 0 is idle, 1 is
/// choosing, 2 is alone, and a ticket is `2 * number + 2 + colour` with a number of at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Word(u32);

impl Word {
    const IDLE: Self = Self(0);
    const CHOOSING: Self = Self(1);
    /// Met nobody in the doorway, and so is in.
    const ALONE: Self = Self(2);

    fn ticket(number: u32, colour: u32) -> Option<Self> {
        (number + 1).checked_mul(2).map(|doubled| Self(doubled | colour))
    }

    fn number(self) -> u32 {
        (self.0 >> 1).saturating_sub(1)
    }

    fn colour(self) -> u32 {
        self.0 & 1
    }

    fn number_in(self, colour: u32) -> u32 {
        if self.colour() == colour { self.number() } else { 0 }
    }
}

/// The black-white bakery with room for `N` participants: see [`BlackWhiteOn`].
pub type BlackWhite<const N: usize> = BlackWhiteOn<[BlackWhiteSlot; N]>;

/// Taubenfeld's black-white bakery: a bakery whose numbers are bounded, since tickets come in two
/// colours and a shared colour, turned by departures, says which of them are the old ones. The
/// old ones go first.
///
/// - **Source**: Gadi Taubenfeld, "The Black-White Bakery Algorithm and Related Bounded-Space,
///   Adaptive, Local-Spinning and FIFO Algorithms", DISC 2004.
/// - **Alone**: whoever meets nobody else in its doorway is in, with one fence and one look at the
///   others, as in the bakery; it has no colour, and turns none.
/// - **Order**: first come first served, as in the [bakery](crate::algorithm::BakeryOn).
/// - **Needs** loads and stores of 32 bits, nothing else.
/// - **Space**: one word for each slot, one for the colour, one for the mark.
/// - **Numbers** are at most N as long as nobody withdraws. Each attempt withdrawn while others
///   wait (a failed try, a timeout) may raise the greatest by one, until the line has moved on; a
///   number that would not fit (2³¹ - 1) closes the doorway until it has.
/// - **Withdrawing** clears the slot and leaves the colour alone.
///
/// # Orderings
///
/// The fences are the [bakery](crate::algorithm::BakeryOn)'s. The colour is read with Acquire
/// in the doorway and written with Release on leaving: who sees the new colour must see the tickets
/// of its last time gone, or it counts a stale one and the bound on the numbers is lost (exclusion
/// is not).
#[derive(Debug)]
#[repr(C)]
pub struct BlackWhiteOn<S: ?Sized> {
    mark: Mark,
    /// The colour of the tickets now handed out. Only a participant in the critical section writes
    /// it.
    colour: Register32,
    slots: S,
}

/// One participant's register, alone on its cache lines.
#[derive(Debug)]
#[repr(C, align(128))]
pub struct BlackWhiteSlot {
    word: Register32,
}

impl BlackWhiteSlot {
    const_fn! {
        const fn new() -> Self {
            Self { word: Register32::new(Word::IDLE.0) }
        }
    }
}

impl<const N: usize> BlackWhite<N> {
    const_fn! {
        /// A bakery that nobody has joined.
        #[must_use]
        pub const fn new() -> Self {
            Self {
                mark: Mark::new(),
                colour: Register32::new(0),
                slots: array![BlackWhiteSlot::new(); N],
            }
        }
    }
}

impl<const N: usize> Default for BlackWhite<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: AsRef<[BlackWhiteSlot]> + ?Sized> BlackWhiteOn<S> {
    fn word(&self, slot: Slot) -> &Register32 {
        &self.slots.as_ref()[slot.index()].word
    }

    /// The slots that have been joined, with what each of them holds.
    #[inline]
    fn joined(&self) -> impl Iterator<Item = (Slot, Word)> {
        let slots = (0..).map(Slot::new).zip(self.mark.joined(self.slots.as_ref()));
        // Acquire: as in the bakery.
        slots.map(|(slot, of)| (slot, Word(of.word.load(Acquire))))
    }

    /// Whether a slot holds something that a participant, past its doorway, has to wait for.
    #[inline]
    fn goes_first(&self, other: (Word, Slot), mine: (Word, Slot)) -> bool {
        let (word, slot) = other;
        if slot == mine.1 || word == Word::IDLE {
            false
        } else if word == Word::CHOOSING || word == Word::ALONE {
            true
        } else if word.colour() == mine.0.colour() {
            (word.number(), slot) < (mine.0.number(), mine.1)
        } else {
            self.colour.load(Relaxed) & 1 == mine.0.colour()
        }
    }

    /// Whose turn it is, unless somebody in the doorway comes before.
    fn next(&self) -> Option<Slot> {
        let colour = self.colour.load(Relaxed) & 1;
        let tickets = self.joined().filter(|(_, word)| word.0 > Word::ALONE.0);
        // Of two colours, the one that the shared colour is not goes first.
        let order = |&(slot, word): &(Slot, Word)| (word.colour() == colour, word.number(), slot);
        tickets.min_by_key(order).map(|(slot, _)| slot)
    }

    /// The number of the ticket in a slot, 0 if it has none: for watching the bound.
    ///
    /// # Panics
    ///
    /// If there is no such slot.
    pub fn number(&self, slot: Slot) -> u32 {
        Word(self.word(slot).load(Relaxed)).number()
    }
}

// SAFETY: the argument is Taubenfeld's; that the orderings carry it over to this memory model is
// checked by the models in loom-tests.
unsafe impl<S: AsRef<[BlackWhiteSlot]> + ?Sized> Algorithm for BlackWhiteOn<S> {
    const FIRST_COME_FIRST_SERVED: bool = true;
    const HANDS_ON_LAST: bool = true;

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
        let mine = self.word(me);
        mine.store(Word::CHOOSING.0, Relaxed);
        // Orders CHOOSING before the scan, as in the bakery.
        fence(SeqCst);
        // Acquire: who sees the colour that a departure turned sees gone what that departure had
        // waited for, the tickets that had this colour the last time.
        let colour = self.colour.load(Acquire) & 1;
        // Each word is read once, so that colour and number are of one ticket.
        let others = self.joined().filter(|&(slot, word)| slot != me && word != Word::IDLE);
        let numbers = others.map(|(_, word)| word.number_in(colour));
        let Some(greatest) = numbers.max() else {
            mine.store(Word::ALONE.0, Relaxed);
            return Ok(());
        };
        let Some(ticket) = Word::ticket(greatest + 1, colour) else {
            mine.store(Word::IDLE.0, Release);
            wake.fence();
            wake.wake(me.number());
            return Err(DoorwayClosed);
        };
        mine.store(ticket.0, Relaxed);
        // Orders the ticket before every scan of `poll`, and before the look for sleepers, as in
        // the bakery.
        fence(SeqCst);
        wake.wake(me.number());
        Ok(())
    }

    #[inline]
    fn poll(&self, me: Slot, _: &impl Wake) -> Turn {
        let mine = Word(self.word(me).load(Relaxed));
        if mine == Word::ALONE {
            return Turn::Mine;
        }
        // The greatest of those ahead; of the two colours, mine is the later one.
        let mut ahead = 0_u64;
        let mut before = None;
        for (slot, word) in self.joined() {
            if !self.goes_first((word, slot), (mine, me)) {
                continue;
            }
            ahead += 1;
            let is_later = word != Word::ALONE && word.colour() == mine.colour();
            let place = Some((is_later, word.number(), slot, word));
            if word == Word::CHOOSING {
                before = place;
                break;
            }
            before = before.max(place);
        }
        match before {
            None => Turn::Mine,
            Some((_, _, slot, word)) => Turn::Blocked(Blocked {
                on: Some(slot),
                place: Place::after(ahead),
                channel: slot.number(),
                seen: word.0.into(),
            }),
        }
    }

    /// Whoever sleeps sleeps on the slot's channel, though the colour counts too. That is enough:
    /// as long as a ticket of the other colour is ahead, only departures of its own colour happen,
    /// which leave the shared colour as it is, and of those that are alone. And whoever judges a
    /// ticket by a colour that has turned before that ticket was complete is woken when it is.
    #[inline]
    fn is_blocked(&self, me: Slot, by: Blocked) -> bool {
        let mine = Word(self.word(me).load(Relaxed));
        by.on.is_some_and(|slot| {
            let word = Word(self.word(slot).load(Relaxed));
            u64::from(word.0) == by.seen && self.goes_first((word, slot), (mine, me))
        })
    }

    #[inline]
    fn standing(&self, of: Slot) -> Standing {
        let word = Word(self.word(of).load(Relaxed));
        if word == Word::IDLE {
            return Standing::Outside;
        } else if word == Word::CHOOSING {
            return Standing::Doorway;
        } else if word == Word::ALONE {
            return Standing::Line(0);
        }
        let is_new = word.colour() == self.colour.load(Relaxed) & 1;
        Standing::Line(u64::from(is_new) << 32 | u64::from(word.number()))
    }

    #[inline]
    fn leave(&self, me: Slot, wake: &impl Wake) {
        let mine = self.word(me);
        let word = Word(mine.load(Relaxed));
        if word != Word::ALONE {
            // Release: see the Acquire in the doorway.
            self.colour.store(1 - word.colour(), Release);
        }
        mine.store(Word::IDLE.0, Release);
        wake.fence();
        wake.wake(me.number());
        // Those who wait for the next one sleep on its channel.
        wake.wake_early(|| self.next().map(Slot::number));
    }

    #[inline]
    fn withdraw(&self, me: Slot, wake: &impl Wake) -> Withdrawal {
        // Release: on behalf of one who died inside, it hands the critical section on.
        self.word(me).store(Word::IDLE.0, Release);
        wake.fence();
        wake.wake(me.number());
        Withdrawal::Done
    }
}

// SAFETY: `withdraw` never answers `TooLate`.
unsafe impl<S: AsRef<[BlackWhiteSlot]> + ?Sized> Withdraw for BlackWhiteOn<S> {}

impl<S: AsRef<[BlackWhiteSlot]> + ?Sized> Recover for BlackWhiteOn<S> {}
