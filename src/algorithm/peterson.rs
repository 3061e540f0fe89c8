//! Peterson's lock for two, and the step that its generalisations repeat.

use core::fmt::Debug;
use core::marker::PhantomData;

use crate::algorithm::{
    Algorithm, Blocked, DoorwayClosed, Intent, Place, Recover, Slot, Standing, Turn, Wake, Withdraw,
};
#[cfg(all(target_has_atomic = "32", not(bakery_lock_no_rmw)))]
use crate::atomic::AcqRel;
use crate::atomic::{
    Acquire, AtomicU32, Register32, Relaxed, Release, SeqCst, array, const_fn, fence,
};

mod sealed {
    pub trait Sealed {}
}

/// How a participant gives way after raising its flag: the one step that needs more than acquire
/// and release. It comes in two forms, [`Fenced`] and [`Swapped`].
pub trait GiveWay: sealed::Sealed + Copy + Debug + Send + Sync + 'static {
    /// Gives way: after a flag was raised, before the others' are read. [`Fenced`] leaves it out if
    /// `alone` says so behind its first fence. Whether it wrote.
    #[doc(hidden)]
    fn give_way(turn: &AtomicU32, value: u32, alone: impl FnOnce() -> bool) -> bool;

    /// Wakes those who may sleep over that.
    #[doc(hidden)]
    fn wake(wake: &impl Wake, channel: u32);
}

/// A store between two fences, for targets that have nothing else.
///
/// 1. *Between the flag and the turn.* Cut: my turn is seen before my flag; the other finds my flag
///    down and goes in, and I find that it wrote its turn last and go in; or both of us find the
///    other's flag down.
/// 2. *Between the turn and the first look at the other.* Cut: I find your flag down before my turn
///    can be seen, and go in; you raise your flag and write your turn, then mine overwrites it, so
///    you go in too.
///
/// Whoever finds all other flags down behind the first fence goes without the rest: those who come
/// later find this one's flag raised, and give way.
#[derive(Clone, Copy, Debug)]
pub struct Fenced;

impl sealed::Sealed for Fenced {}

impl GiveWay for Fenced {
    #[inline]
    fn give_way(turn: &AtomicU32, value: u32, alone: impl FnOnce() -> bool) -> bool {
        // Orders the flag before the turn, and before the look at the others' flags: 1 above.
        fence(SeqCst);
        if alone() {
            return false;
        }
        turn.store(value, Relaxed);
        // Orders the turn before the look at the others' flags: 2 above.
        fence(SeqCst);
        true
    }

    #[inline]
    fn wake(wake: &impl Wake, channel: u32) {
        wake.wake(channel);
    }
}

/// One swap and no fence.
///
/// Whoever swaps second acquires what the first released, its flag included; two stores would not
/// tell which was second.
#[cfg(all(target_has_atomic = "32", not(bakery_lock_no_rmw)))]
#[derive(Clone, Copy, Debug)]
pub struct Swapped;

#[cfg(all(target_has_atomic = "32", not(bakery_lock_no_rmw)))]
impl sealed::Sealed for Swapped {}

#[cfg(all(target_has_atomic = "32", not(bakery_lock_no_rmw)))]
impl GiveWay for Swapped {
    #[inline]
    fn give_way(turn: &AtomicU32, value: u32, _: impl FnOnce() -> bool) -> bool {
        // Release hands this participant's flag to the next swap, Acquire takes over that of the
        // one before. (And AcqRel keeps it an update for the compiler too, which may make a weaker
        // swap whose value is not used a store.)
        turn.swap(value, AcqRel);
        true
    }

    #[inline]
    fn wake(wake: &impl Wake, channel: u32) {
        wake.fence_after_rmw();
        wake.wake(channel);
    }
}

/// A flag that is down.
const DOWN: u32 = 0;

/// One meeting of two sides, 0 and 1: the whole of Peterson's lock, and a node of the
/// [tournament](crate::algorithm::Tournament).
///
/// A raised flag says who raised it, so that whoever waits knows for whom.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Meeting {
    flags: [Register32; 2],
    /// The side that goes first if both are here: the one that was last given way to.
    turn: AtomicU32,
}

impl Meeting {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self { flags: array![Register32::new(DOWN); 2], turn: AtomicU32::new(0) }
        }
    }

    #[inline]
    pub(crate) fn enter<W: GiveWay>(&self, side: usize, me: Slot, wake: &impl Wake, channel: u32) {
        self.flags[side].store(me.number() + 1, Relaxed);
        if W::give_way(&self.turn, other(side), || self.opposite(side) == DOWN) {
            W::wake(wake, channel);
        }
    }

    /// The other side's flag.
    #[inline]
    fn opposite(&self, side: usize) -> u32 {
        // Acquire: whoever goes in because it is down sees the last critical section.
        self.flags[1 - side].load(Acquire)
    }

    /// The participant on the other side, if it goes first.
    #[inline]
    pub(crate) fn ahead_of(&self, side: usize) -> Option<Slot> {
        let flag = self.opposite(side);
        (flag != DOWN && self.turn.load(Acquire) == other(side)).then(|| Slot::new(flag - 1))
    }

    #[inline]
    fn standing(&self, side: usize) -> Standing {
        if self.flags[side].load(Relaxed) == DOWN {
            return Standing::Outside;
        }
        Standing::Line(u64::from(self.turn.load(Relaxed) == other(side)))
    }

    #[inline]
    pub(crate) fn leave(&self, side: usize) {
        self.flags[side].store(DOWN, Release);
    }
}

/// The other side, as it stands in `turn`.
const fn other(side: usize) -> u32 {
    if side == 0 { 1 } else { 0 }
}

/// Peterson's lock for two.
///
/// - **Source**: Gary L. Peterson, "Myths About the Mutual Exclusion Problem", Information
///   Processing Letters 12(3), 1981.
/// - **Order**: first come first served. A participant that has completed its doorway (raised its
///   flag, and given way unless it was alone) is passed at most once, by one that was inside or in
///   its own doorway by then; when both keep coming they alternate.
/// - **Needs** loads and stores and one fence, two where the other is there ([`Fenced`]), or one swap
///   and no fence ([`Swapped`]).
/// - **Space**: three words.
/// - **Withdrawing** is leaving.
#[derive(Debug)]
#[repr(C)]
pub struct Peterson<W = Fenced> {
    meeting: Meeting,
    form: PhantomData<W>,
}

impl<W: GiveWay> Peterson<W> {
    const_fn! {
        /// A lock that nobody contends for.
        #[must_use]
        pub const fn new() -> Self {
            Self { meeting: Meeting::new(), form: PhantomData }
        }
    }
}

impl<W: GiveWay> Default for Peterson<W> {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: the argument is Peterson's; that the orderings carry it over to this memory model is what
// `GiveWay` is for, and is checked by the models in loom-tests.
unsafe impl<W: GiveWay> Algorithm for Peterson<W> {
    const FIRST_COME_FIRST_SERVED: bool = true;
    const HANDS_ON_LAST: bool = true;

    #[inline]
    fn capacity(&self) -> usize {
        2
    }

    #[inline]
    fn enter(&self, me: Slot, _: Intent, wake: &impl Wake) -> Result<(), DoorwayClosed> {
        self.meeting.enter::<W>(me.index(), me, wake, me.number());
        Ok(())
    }

    #[inline]
    fn poll(&self, me: Slot, _: &impl Wake) -> Turn {
        if self.meeting.ahead_of(me.index()).is_none() {
            return Turn::Mine;
        }
        let other = Slot::new(other(me.index()));
        Turn::Blocked(Blocked {
            on: Some(other),
            place: Place::Next,
            channel: other.number(),
            seen: 0,
        })
    }

    #[inline]
    fn is_blocked(&self, me: Slot, _: Blocked) -> bool {
        self.meeting.ahead_of(me.index()).is_some()
    }

    #[inline]
    fn standing(&self, of: Slot) -> Standing {
        self.meeting.standing(of.index())
    }

    #[inline]
    fn leave(&self, me: Slot, wake: &impl Wake) {
        self.meeting.leave(me.index());
        wake.fence();
        wake.wake(me.number());
    }
}

// SAFETY: `withdraw` never answers `TooLate`.
unsafe impl<W: GiveWay> Withdraw for Peterson<W> {}

impl<W: GiveWay> Recover for Peterson<W> {}
