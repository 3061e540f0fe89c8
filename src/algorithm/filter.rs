//! The filter lock, Peterson's for any number of participants.

use core::marker::PhantomData;

use crate::algorithm::peterson::{Fenced, GiveWay};
use crate::algorithm::{
    Algorithm, Blocked, DoorwayClosed, Intent, Place, Recover, Slot, Standing, Turn, Wake, Withdraw,
};
use crate::atomic::{Acquire, AtomicU32, Register32, Relaxed, Release, array, const_fn};

/// A filter lock with room for `N` participants: see [`FilterOn`].
pub type Filter<const N: usize, W = Fenced> = FilterOn<[FilterSlot; N], W>;

/// The filter lock: `N - 1` levels, each of which holds back at least one of those who try to pass
/// it.
///
/// - **Source**: Gary L. Peterson, "Myths About the Mutual Exclusion Problem", Information
///   Processing Letters 12(3), 1981: the generalisation to n participants, which textbooks call
///   the filter lock.
/// - **Order**: none. Every participant gets in, but it may be passed **any number of times**: one
///   that has entered a level is let on when another enters that level behind it, and until it has
///   taken that step, others may overtake it again and again.
/// - **Needs** loads and stores and two fences a level ([`Fenced`]), or one swap a level
///   ([`Swapped`](crate::algorithm::Swapped)).
/// - **Space**: two words a slot. All `N - 1` levels are walked even when nobody else is there, and
///   each looks at every slot: of all the locks here the slowest, and of interest as the link
///   between Peterson's two and the others.
/// - **Withdrawing** is leaving.
#[derive(Debug)]
#[repr(C)]
pub struct FilterOn<S: ?Sized, W = Fenced> {
    form: PhantomData<W>,
    slots: S,
}

/// A slot's level, and the victim of the level whose number is the slot's (level 0 is outside).
#[derive(Debug)]
#[repr(C, align(128))]
pub struct FilterSlot {
    level: Register32,
    /// Who entered this level last, and is held back while anybody else is on it or above.
    victim: AtomicU32,
}

impl FilterSlot {
    const_fn! {
        const fn new() -> Self {
            Self { level: Register32::new(0), victim: AtomicU32::new(0) }
        }
    }
}

impl<const N: usize, W: GiveWay> Filter<N, W> {
    const_fn! {
        /// A filter that nobody has entered.
        ///
        /// `N` is at least 2, or this does not compile.
        #[must_use]
        pub const fn new() -> Self {
            const { assert!(N >= 2, "a lock for at least two") };
            Self { form: PhantomData, slots: array![FilterSlot::new(); N] }
        }
    }
}

impl<const N: usize, W: GiveWay> Default for Filter<N, W> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: AsRef<[FilterSlot]> + ?Sized, W: GiveWay> FilterOn<S, W> {
    #[expect(clippy::cast_possible_truncation, reason = "slots are numbered in 32 bits")]
    fn last_level(&self) -> u32 {
        self.capacity() as u32 - 1
    }

    /// A register is what it is: a level from outside is brought back to the range.
    #[inline]
    fn level(&self, me: Slot) -> u32 {
        self.slots.as_ref()[me.index()].level.load(Relaxed).clamp(1, self.last_level())
    }

    #[inline]
    fn climb(&self, me: Slot, level: u32, wake: &impl Wake) {
        let slots = self.slots.as_ref();
        // Release: whoever is let on because this slot is below it takes over this participant's
        // last critical section.
        slots[me.index()].level.store(level, Release);
        // Never alone: that would be another look at every slot, on every level.
        W::give_way(&slots[level as usize].victim, me.number(), || false);
        // Lets on whoever was this level's victim. Nobody waits for a slot to rise, only for it to
        // leave.
        W::wake(wake, level);
    }

    /// Somebody on this level or above it, if that holds `me` back.
    #[inline]
    fn ahead_of(&self, me: Slot, level: u32) -> Option<Slot> {
        let slots = self.slots.as_ref();
        let mut others = (0..).map(Slot::new).zip(slots).filter(|(slot, _)| *slot != me);
        let (ahead, _) = others.find(|(_, slot)| slot.level.load(Acquire) >= level)?;
        (slots[level as usize].victim.load(Acquire) == me.number()).then_some(ahead)
    }
}

// SAFETY: of those who enter a level, the last one is held back while another is there, so at most
// N - k participants pass level k; checked by the models in loom-tests.
unsafe impl<S: AsRef<[FilterSlot]> + ?Sized, W: GiveWay> Algorithm for FilterOn<S, W> {
    const FIRST_COME_FIRST_SERVED: bool = false;
    const HANDS_ON_LAST: bool = true;

    #[inline]
    fn capacity(&self) -> usize {
        self.slots.as_ref().len()
    }

    #[inline]
    fn enter(&self, me: Slot, _: Intent, wake: &impl Wake) -> Result<(), DoorwayClosed> {
        self.climb(me, 1, wake);
        Ok(())
    }

    /// Climbs as far as it can.
    #[inline]
    fn poll(&self, me: Slot, wake: &impl Wake) -> Turn {
        let mut level = self.level(me);
        loop {
            if let Some(ahead) = self.ahead_of(me, level) {
                return Turn::Blocked(Blocked {
                    on: Some(ahead),
                    place: Place::Next,
                    channel: level,
                    seen: level.into(),
                });
            }
            if level == self.last_level() {
                return Turn::Mine;
            }
            level += 1;
            self.climb(me, level, wake);
        }
    }

    #[inline]
    fn is_blocked(&self, me: Slot, _: Blocked) -> bool {
        self.ahead_of(me, self.level(me)).is_some()
    }

    #[inline]
    fn standing(&self, of: Slot) -> Standing {
        if self.slots.as_ref()[of.index()].level.load(Relaxed) == 0 {
            return Standing::Outside;
        }
        // Of those on one level, whoever is held back there goes last.
        let level = self.level(of);
        let place = 2 * u64::from(self.last_level() - level);
        Standing::Line(place + u64::from(self.ahead_of(of, level).is_some()))
    }

    #[inline]
    fn leave(&self, me: Slot, wake: &impl Wake) {
        let top = self.level(me);
        self.slots.as_ref()[me.index()].level.store(0, Release);
        wake.fence();
        for level in 1..=top {
            wake.wake(level);
        }
    }
}

// SAFETY: `withdraw` never answers `TooLate`.
unsafe impl<S: AsRef<[FilterSlot]> + ?Sized, W: GiveWay> Withdraw for FilterOn<S, W> {}

impl<S: AsRef<[FilterSlot]> + ?Sized, W: GiveWay> Recover for FilterOn<S, W> {}
