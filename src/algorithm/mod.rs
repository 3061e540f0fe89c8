//! The algorithms: small state machines over their own registers.
//!
//! One file per algorithm. None of them waits, allocates, or knows what a thread or a process is: a
//! participant's attempt is [`enter`](Algorithm::enter) once, then [`poll`](Algorithm::poll) until
//! it is its turn, then [`leave`](Algorithm::leave). How the time between two polls is passed is
//! the business of [`wait`](crate::wait).
//!
//! | algorithm | needs | order | bypass | space (words) | work when alone |
//! |---|---|---|---|---|---|
//! | [`Bakery`] | load, store (64 bits) | first come first served | 0 | N + 1 | O(joined), 1 fence |
//! | [`BlackWhite`] | load, store | first come first served | 0 | N + 2 | O(joined), 1 fence |
//! | [`Fast`] | load, store | none | unbounded | 2N + 2 | O(1), 5 fences |
//! | [`Peterson`] | load, store; or one swap | first come first served | 0 | 3 | O(1), 1 fence or swap |
//! | [`Filter`] | load, store; or swaps | none | unbounded | 2N | O(N²), 2(N-1) fences; or N-1 swaps |
//! | [`Tournament`] | load, store; or swaps | none | unbounded | 4N | O(log N), ⌈log₂ N⌉ fences or swaps |
//! | [`Ticket`] | fetch-and-add (64 bits) | first come first served | 0 | N + 2 | O(1), 2 fetch-and-adds |
//! | [`TicketQueue`], without slots | fetch-and-add (64 bits) | first come first served | 0 | 3 | O(1), 1 fetch-and-add |
//! | [`Bypass`] | compare-and-exchange; in line as [`Ticket`] | of those in line, first come first served | B, a parameter | N + 5 | O(1), 2 read-modify-writes |
//! | [`BypassQueue`], without slots | compare-and-exchange; in line as above | of those in line, first come first served | B, a parameter | 6 | O(1), 2 read-modify-writes |
//!
//! *Bypass*: how often a participant that has completed its doorway may be passed by others that came
//! to theirs later. (Where that is 0, any one other goes in before it at most once: if it was there
//! already.) A slot's words stand on 128 bytes of their own.
//!
//! Every algorithm's registers are `repr(C)`, hold no pointer, and are in their initial state when
//! all bytes are zero, so the same code serves a static, the heap, and memory that several
//! processes map.
//!
//! Why each of them needs its fences and orderings: see [memory order](crate::memory_order).

use core::fmt;

#[cfg(any(target_has_atomic = "64", target_pointer_width = "64"))]
mod bakery;
mod black_white;
#[cfg(all(target_has_atomic = "64", not(bakery_lock_no_rmw)))]
mod bypass;
#[cfg(all(target_has_atomic = "64", not(bakery_lock_no_rmw)))]
mod bypass_queue;
mod fast;
mod filter;
#[cfg(all(target_has_atomic = "64", not(bakery_lock_no_rmw)))]
pub(crate) mod gate;
pub(crate) mod mark;
pub(crate) mod peterson;
mod recovery;
#[cfg(all(target_has_atomic = "64", not(bakery_lock_no_rmw)))]
mod room;
#[cfg(all(target_has_atomic = "64", not(bakery_lock_no_rmw)))]
mod ticket;
#[cfg(all(target_has_atomic = "64", not(bakery_lock_no_rmw)))]
mod ticket_queue;
mod tournament;

#[cfg(any(target_has_atomic = "64", target_pointer_width = "64"))]
pub use bakery::{Bakery, BakeryOn, BakerySlot};
pub use black_white::{BlackWhite, BlackWhiteOn, BlackWhiteSlot};
#[cfg(all(target_has_atomic = "64", not(bakery_lock_no_rmw)))]
pub use bypass::{Bypass, BypassOn};
#[cfg(all(target_has_atomic = "64", not(bakery_lock_no_rmw)))]
pub use bypass_queue::{BypassInHand, BypassPlace, BypassQueue};
pub use fast::{Fast, FastOn, FastSlot};
pub use filter::{Filter, FilterOn, FilterSlot};
#[cfg(all(target_has_atomic = "32", not(bakery_lock_no_rmw)))]
pub use peterson::Swapped;
pub use peterson::{Fenced, GiveWay, Peterson};
pub use recovery::{Recover, Reset, Standing};
#[cfg(all(target_has_atomic = "64", not(bakery_lock_no_rmw)))]
pub use room::{NoRoom, Room};
#[cfg(all(target_has_atomic = "64", not(bakery_lock_no_rmw)))]
pub use ticket::{Ticket, TicketOn, TicketSlot};
#[cfg(all(target_has_atomic = "64", not(bakery_lock_no_rmw)))]
pub use ticket_queue::{TicketInHand, TicketQueue};
pub use tournament::{Tournament, TournamentOn, TournamentSlot};

/// A participant's place among the registers, from 0 to one less than the capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(u32);

impl Slot {
    /// The slot with this index. Whether a lock has such a slot is checked where it is used.
    #[must_use]
    pub const fn new(index: u32) -> Self {
        Self(index)
    }

    /// Its index, for arrays.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Its index as it stands in registers.
    pub(crate) const fn number(self) -> u32 {
        self.0
    }
}

/// What a poll found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is this participant's turn: it is in the critical section.
    Mine,
    /// Somebody else goes first.
    Blocked(Blocked),
}

/// Why a participant is blocked: plain data, to be shown to [`Algorithm::is_blocked`] until it is
/// so no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// The participant that has to move first, where the algorithm knows it.
    pub on: Option<Slot>,
    /// How far from being the next one in this participant is.
    pub place: Place,
    /// The channel that is woken when this ends (see [`Wake`]).
    pub channel: u32,
    /// The value that a register had, or whatever else the algorithm needs to look again.
    pub(crate) seen: u64,
}

impl Blocked {
    /// The head of a line at a gate that somebody else is through.
    #[cfg(all(target_has_atomic = "64", not(bakery_lock_no_rmw)))]
    pub(crate) fn at_gate(on: Option<Slot>) -> Self {
        Self { on, place: Place::Gate, channel: gate::CHANNEL, seen: 0 }
    }
}

/// How far from being the next one in a blocked participant is, for whoever decides how to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// Others go in before it.
    Behind,
    /// Others go in before it, but no more than eight.
    Near,
    /// It may be the next one in; also where the algorithm cannot tell.
    Next,
    /// It is the first in line, and others may pass it: the more often it looks, the more it hinders
    /// them.
    Gate,
}

impl Place {
    /// The place of one that so many go in before, the one inside among them.
    pub(crate) const fn after(ahead: u64) -> Self {
        match ahead {
            ..=1 => Self::Next,
            2..=8 => Self::Near,
            _ => Self::Behind,
        }
    }
}

/// Wakes those who sleep until somebody else has written.
///
/// Channels are small numbers that the algorithm gives out. A sleeper sleeps on the channel that
/// its [`Blocked`] names; two channels may share one sleeping place, since whoever is woken looks
/// again.
///
/// A write that somebody may sleep over is followed by a `SeqCst` fence and then by
/// [`wake`](Self::wake). Where the algorithm has such a fence anyway, that one serves; else
/// [`fence`](Self::fence) is it, and costs nothing where nobody sleeps.
pub trait Wake {
    /// Orders a write before the look for sleepers.
    fn fence(&self);

    /// The same, directly after a read-modify-write, which may be such a fence already.
    fn fence_after_rmw(&self) {
        self.fence();
    }

    /// Wakes those who sleep on a channel. A fence has come before.
    fn wake(&self, channel: u32);

    /// Wakes whoever has its turn after the next one, so that it is awake by then. The channel is
    /// looked for only if anybody may sleep. Nothing depends on it: whoever is woken for no reason
    /// goes to sleep again.
    #[inline]
    fn wake_early(&self, find: impl FnOnce() -> Option<u32>) {
        let _ = find;
    }

    /// Whether anybody may sleep at all: if not, the others do nothing.
    #[inline]
    fn is_needed(&self) -> bool {
        true
    }
}

/// For waiters that never sleep.
#[derive(Clone, Copy, Debug, Default)]
pub struct NobodySleeps;

impl Wake for NobodySleeps {
    #[inline]
    fn fence(&self) {}
    #[inline]
    fn wake(&self, _: u32) {}
    #[inline]
    fn is_needed(&self) -> bool {
        false
    }
}

/// Whether an attempt may still be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// The participant waits until it is its turn.
    Stay,
    /// The participant may call [`Algorithm::withdraw`]; with an algorithm that is [`Withdraw`] the
    /// answer is not [`Withdrawal::TooLate`] then. (After [`Stay`](Self::Stay) it may be.)
    MayWithdraw,
}

/// The doorway would not let an attempt in now; nothing was changed, and it may be tried again.
///
/// Numbers would overflow (only withdrawn attempts and corrupted registers get them there), or a
/// [`TicketQueue`] without [room](Room) has a line too long for attempts that may be withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DoorwayClosed;

impl fmt::Display for DoorwayClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the doorway is closed for now; try again when others have left")
    }
}

impl core::error::Error for DoorwayClosed {}

/// What came of taking an attempt back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withdrawal {
    /// The attempt is as if it had never been.
    Done,
    /// The turn came first: this participant is in the critical section and has to leave it.
    Mine,
    /// The attempt cannot be taken back at this point: poll, and try again. Never the answer to a
    /// [`Withdraw`] algorithm's participant that entered with [`Intent::MayWithdraw`].
    TooLate,
}

/// A mutual exclusion algorithm for a fixed number of participants: its registers and its moves.
///
/// A participant calls [`join`](Self::join) before its first attempt in a slot, then repeats:
/// `enter`; `poll` until [`Turn::Mine`]; `leave`. Each move takes a bounded number of steps. A move
/// out of this order, or the moves of two participants on one slot at the same time, void every
/// guarantee but memory safety of the registers themselves; [`Lock`](crate::Lock) and the other
/// forms see to the order.
///
/// A [`Blocked`] comes from an algorithm of this crate only, so an implementation elsewhere has to wrap
/// one of these.
///
/// Driven by hand; the caller does the waiting:
///
/// ```
/// use bakery_lock::algorithm::{Algorithm, Bakery, Intent, NobodySleeps, Slot, Turn};
///
/// let bakery = Bakery::<2>::new();
/// let [one, two] = [Slot::new(0), Slot::new(1)];
/// for slot in [one, two] {
///     bakery.join(slot);
///     bakery.enter(slot, Intent::Stay, &NobodySleeps).unwrap();
/// }
/// assert_eq!(bakery.poll(one, &NobodySleeps), Turn::Mine);
/// assert!(matches!(bakery.poll(two, &NobodySleeps), Turn::Blocked(by) if by.on == Some(one)));
/// bakery.leave(one, &NobodySleeps);
/// assert_eq!(bakery.poll(two, &NobodySleeps), Turn::Mine);
/// ```
///
/// # Panics
///
/// The moves may panic if a slot is not below the capacity.
///
/// # Safety
///
/// An implementation guarantees that from a move by which a slot gets in to the next `leave` of that
/// slot, no other slot gets in; and that each critical section happens before the next. Such a move
/// is a `poll` or a `withdraw` that answers `Mine`, or a `try_pass` or a `try_enter` that answers
/// true. An `enter` that fails, and a `withdraw` that answers `Done`, leave the slot as it was before
/// the attempt. (Where a participant has its attempt [in hand](TicketInHand), each hand counts as a
/// slot.)
pub unsafe trait Algorithm {
    /// Whether participants go in in the order in which they completed their doorways.
    const FIRST_COME_FIRST_SERVED: bool;

    /// Whether leaving writes nothing that anybody may wait for once the lock has passed on. Then an
    /// owner need not look for sleepers when it leaves, if none has been seen from inside for long.
    const HANDS_ON_LAST: bool;

    /// Whether those who come may go in past those in line: see [`try_pass`](Self::try_pass).
    const HAS_GATE: bool = false;

    /// How many participants there is room for.
    fn capacity(&self) -> usize;

    /// Makes a slot visible to the others' scans. To be called before the first attempt in it; more
    /// often is harmless.
    #[inline]
    fn join(&self, me: Slot) {
        let _ = me;
    }

    /// Goes in without a doorway, past those in line, if that is possible now. Whether it is in.
    ///
    /// With an algorithm that [has a gate](Self::HAS_GATE), [`enter`](Self::enter) begins with this;
    /// whoever tries it some more times before may be spared the line.
    #[inline]
    fn try_pass(&self, me: Slot) -> bool {
        let _ = me;
        false
    }

    /// The doorway.
    ///
    /// # Errors
    ///
    /// [`DoorwayClosed`], and nothing has changed.
    fn enter(&self, me: Slot, intent: Intent, wake: &impl Wake) -> Result<(), DoorwayClosed>;

    /// Whether it is the turn of `me`, which is past the doorway. If not, [`Turn::Blocked`] says
    /// who is in the way.
    fn poll(&self, me: Slot, wake: &impl Wake) -> Turn;

    /// Whether the reason that a poll gave still stands. No more than a poll does, and with most
    /// algorithms one or two loads.
    fn is_blocked(&self, me: Slot, by: Blocked) -> bool;

    /// How a participant stands with the lock, for whoever looks on.
    fn standing(&self, of: Slot) -> Standing;

    /// Leaves the critical section.
    fn leave(&self, me: Slot, wake: &impl Wake);

    /// Takes back an attempt. With most algorithms that is leaving, which is what this does unless
    /// an algorithm has something else to do.
    #[inline]
    fn withdraw(&self, me: Slot, wake: &impl Wake) -> Withdrawal {
        self.leave(me, wake);
        Withdrawal::Done
    }

    /// Enters, looks once, and withdraws if somebody else goes first. Whether it is now the turn of
    /// `me`.
    ///
    /// Only for algorithms that are [`Withdraw`].
    #[inline]
    fn try_enter(&self, me: Slot, wake: &impl Wake) -> bool
    where
        Self: Withdraw,
    {
        self.enter(me, Intent::MayWithdraw, wake).is_ok()
            && (self.poll(me, wake) == Turn::Mine || self.withdraw(me, wake) == Withdrawal::Mine)
    }
}

/// Algorithms whose attempts can be withdrawn in a bounded number of steps at any time, so that
/// `try_lock` and timeouts exist: all but [`Fast`].
///
/// # Safety
///
/// After an [`enter`](Algorithm::enter) with [`Intent::MayWithdraw`] no
/// [`withdraw`](Algorithm::withdraw) answers [`Withdrawal::TooLate`].
pub unsafe trait Withdraw: Algorithm {}
