//! Lamport's bakery.

use crate::algorithm::mark::Mark;
use crate::algorithm::{
    Algorithm, Blocked, DoorwayClosed, Intent, Place, Recover, Slot, Standing, Turn, Wake, Withdraw,
};
use crate::atomic::{Acquire, Register64, Relaxed, Release, SeqCst, array, const_fn, fence};

/// A slot's number while its participant is not competing.
const IDLE: u64 = 0;
/// A slot's number while its participant is in the doorway.
const CHOOSING: u64 = 1;
/// The number of one that met nobody in the doorway, and so is in. Every number taken is greater.
const ALONE: u64 = 2;

/// Lamport's bakery with room for `N` participants: see [`BakeryOn`].
pub type Bakery<const N: usize> = BakeryOn<[BakerySlot; N]>;

/// Lamport's bakery: take a number greater than every number in sight, then wait until it is the
/// smallest.
///
/// - **Source**: Leslie Lamport, "A New Solution of Dijkstra's Concurrent Programming Problem",
///   Communications of the ACM 17(8), 1974; in the one-word form of "A New Approach to Proving
///   the Correctness of Multiprocess Programs", ACM TOPLAS 1(1), 1979, where *choosing* is a
///   value of the number.
/// - **Alone**: whoever meets nobody else in its doorway is in, with one fence and one look at the
///   others.
/// - **Order**: first come first served. A participant that has completed its doorway goes before
///   every participant that has yet to begin its own; ties within overlapping doorways are broken
///   by slot.
/// - **Needs** loads and stores of 64 bits, nothing else.
/// - **Space**: one word for each slot and one for the mark. A scan looks at the slots that have
///   ever been joined.
/// - **Numbers** grow while the bakery is never empty. 64 bits are out of reach (centuries at a
///   billion a second); should a corrupted register hold the greatest number all the same, the
///   doorway closes instead of wrapping.
/// - **Withdrawing** is leaving.
///
/// # The fences
///
/// Something is stored and then others are read, twice: CHOOSING then the scan for the greatest, the
/// number then the entering scan. Without a fence either read may be served before the store is
/// visible.
///
/// 1. *In the doorway, after CHOOSING.* Cut: I read your old, idle slot while you read my idle slot;
///    then both of us are alone, or my number may be smaller than yours and both are in.
/// 2. *At the doorway's end, after the number.* Cut: I enter on a scan that shows you idle, before
///    you can see my number; you see me choosing, take the same number, wait until mine can be seen,
///    and your slot comes first.
///
/// Whoever is alone goes without the second: those who come later have seen it choosing at least, so
/// that they take numbers, and wait for it. One fence is as few as there can be for a lock of loads
/// and stores: Hagit Attiya et al., "Laws of Order", POPL 2011.
///
/// The number itself needs no Release: the first fence makes whatever follows it carry this
/// participant's last critical section, and whoever goes in after reading the number has read it
/// with Acquire.
#[derive(Debug)]
#[repr(C)]
pub struct BakeryOn<S: ?Sized> {
    mark: Mark,
    slots: S,
}

/// One participant's register, alone on its cache lines (128 bytes on every target: a pair of lines
/// on x86-64, which fetches them in pairs).
#[derive(Debug)]
#[repr(C, align(128))]
pub struct BakerySlot {
    number: Register64,
}

impl BakerySlot {
    const_fn! {
        const fn new() -> Self {
            Self { number: Register64::new(IDLE) }
        }
    }
}

impl<const N: usize> Bakery<N> {
    const_fn! {
        /// A bakery that nobody has joined.
        #[must_use]
        pub const fn new() -> Self {
            Self { mark: Mark::new(), slots: array![BakerySlot::new(); N] }
        }
    }
}

impl<const N: usize> Default for Bakery<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: AsRef<[BakerySlot]> + ?Sized> BakeryOn<S> {
    fn number(&self, slot: Slot) -> &Register64 {
        &self.slots.as_ref()[slot.index()].number
    }

    /// The slots that have been joined, with what each of them holds.
    #[inline]
    fn joined(&self) -> impl Iterator<Item = (Slot, u64)> {
        let slots = (0..).map(Slot::new).zip(self.mark.joined(self.slots.as_ref()));
        // Acquire: whoever goes in because a slot is idle, or behind, sees its last critical section.
        slots.map(|(slot, of)| (slot, of.number.load(Acquire)))
    }

    /// Whose turn it is, unless somebody in the doorway comes before.
    fn next(&self) -> Option<Slot> {
        let numbers = self.joined().map(|(slot, number)| (number, slot));
        numbers.filter(|&(number, _)| number > CHOOSING).min().map(|(_, slot)| slot)
    }
}

// SAFETY: the argument is Lamport's; that the orderings carry it over to this memory model is what
// the two fences are for, and is checked by the models in loom-tests.
unsafe impl<S: AsRef<[BakerySlot]> + ?Sized> Algorithm for BakeryOn<S> {
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
        let mine = self.number(me);
        mine.store(CHOOSING, Relaxed);
        // Orders CHOOSING before the scan: see fence 1 above.
        fence(SeqCst);
        // Each number is read once: read twice, the comparison and the maximum could see two
        // different ones.
        let others = self.joined().filter(|&(slot, _)| slot != me);
        let greatest = others.map(|(_, number)| number).fold(IDLE, u64::max);
        if greatest == IDLE {
            // Nobody waits for this: it keeps out whom CHOOSING keeps out.
            mine.store(ALONE, Relaxed);
            return Ok(());
        }
        let Some(number) = greatest.max(ALONE).checked_add(1) else {
            mine.store(IDLE, Release);
            wake.fence();
            wake.wake(me.number());
            return Err(DoorwayClosed);
        };
        mine.store(number, Relaxed);
        // Orders the number before every scan of `poll`, and before the look for sleepers: see
        // fence 2 above.
        fence(SeqCst);
        wake.wake(me.number());
        Ok(())
    }

    /// Whoever is alone is in; else one scan that finds everybody idle or behind lets in. A blocked
    /// participant waits for the one right before it, so that a departure wakes one; while anybody
    /// is in the doorway, for that one.
    #[inline]
    fn poll(&self, me: Slot, _: &impl Wake) -> Turn {
        let mine = (self.number(me).load(Relaxed), me);
        if mine.0 == ALONE {
            return Turn::Mine;
        }
        let mut ahead = 0_u64;
        let mut before = None;
        for (slot, number) in self.joined() {
            if number == IDLE || (number, slot) >= mine {
                continue;
            }
            ahead += 1;
            if number == CHOOSING {
                before = Some((number, slot));
                break;
            }
            before = before.max(Some((number, slot)));
        }
        match before {
            None => Turn::Mine,
            Some((number, slot)) => Turn::Blocked(Blocked {
                on: Some(slot),
                place: Place::after(ahead),
                channel: slot.number(),
                seen: number,
            }),
        }
    }

    #[inline]
    fn is_blocked(&self, _: Slot, by: Blocked) -> bool {
        by.on.is_some_and(|slot| self.number(slot).load(Relaxed) == by.seen)
    }

    #[inline]
    fn standing(&self, of: Slot) -> Standing {
        match self.number(of).load(Relaxed) {
            IDLE => Standing::Outside,
            CHOOSING => Standing::Doorway,
            number => Standing::Line(number),
        }
    }

    #[inline]
    fn leave(&self, me: Slot, wake: &impl Wake) {
        self.number(me).store(IDLE, Release);
        wake.fence();
        wake.wake(me.number());
        // Those who wait for the next one sleep on its channel.
        wake.wake_early(|| self.next().map(Slot::number));
    }
}

// SAFETY: `withdraw` never answers `TooLate`.
unsafe impl<S: AsRef<[BakerySlot]> + ?Sized> Withdraw for BakeryOn<S> {}

impl<S: AsRef<[BakerySlot]> + ?Sized> Recover for BakeryOn<S> {}
