//! Lamport's fast mutex.

use crate::algorithm::{
    Algorithm, Blocked, DoorwayClosed, Intent, Place, Slot, Standing, Turn, Wake, Withdrawal,
};
use crate::atomic::{Register32, Relaxed, Release, SeqCst, array, const_fn, fence};

/// Nobody, in `x` and `y`.
const NOBODY: u32 = 0;

const DOWN: u32 = 0;
const RAISED: u32 = 1;

/// What a participant is about. Written by itself only.
mod phase {
    /// Not competing, or waiting for `y` to be nobody.
    pub(super) const OUTSIDE: u32 = 0;
    /// Met somebody else in the doorway; waits until all flags are down.
    pub(super) const CONTENDING: u32 = 1;
    pub(super) const INSIDE: u32 = 2;
}

/// All waiters share a channel: any departure may be what any of them waits for.
const CHANNEL: u32 = 0;

/// Lamport's fast mutex with room for `N` participants: see [`FastOn`].
pub type Fast<const N: usize> = FastOn<[FastSlot; N]>;

/// Lamport's fast mutex: alone, a participant needs five stores and two loads however many slots
/// there are.
///
/// - **Source**: Leslie Lamport, "A Fast Mutual Exclusion Algorithm", ACM Transactions on
///   Computer Systems 5(1), 1987 (Algorithm 2).
/// - **Order**: none. It is free of deadlock; a participant may be passed any number of times, and
///   starve.
/// - **Needs** loads and stores of 32 bits, nothing else.
/// - **Space**: two words a slot (one of them private), and two more.
/// - **Withdrawing** is possible while a participant waits outside. One that has met another in the
///   doorway may already be the winner that all others wait for, and which of the two it is can
///   take a whole critical section to tell: it is then [too late](Withdrawal::TooLate). So there is
///   no `try_lock` and no timeout.
///
/// # A fence between every two accesses
///
/// Two fences are enough for two participants. For three no model checker at hand settles the form
/// with plain stores: `x` and `y` are written by all, and what the paper's argument uses is that
/// everybody sees those writes in one order. So here a `SeqCst` fence stands between any two
/// accesses to different registers whose values count (a look that only says that it is not time
/// yet decides nothing), which leaves sequentially consistent executions only, and for these the
/// paper's proof holds as it stands.
///
/// The argument: suppose that program order and the order of accesses to each register (who reads
/// from whom, who overwrites whom) went in a circle. A step of program order that stays on one
/// register agrees with that register's order, by coherence; any other has a fence in it. With no
/// fence in the circle, one register's order would be circular, which coherence forbids. Else the
/// circle runs from fence to fence, each time through accesses to one register, and just such
/// circles are what C++20 forbids to `SeqCst` fences, after Lahav, Vafeiadis, Kang, Hur and Dreyer,
/// "Repairing Sequential Consistency in C/C++11", PLDI 2017.
///
/// That each critical section happens before the next follows from the fences too, which release
/// what was before a store and acquire what was before a store that was read. All this costs three
/// fences more than the two that models with two participants need.
///
/// Freedom from deadlock holds for participants that wait for their turn. One that steps out of the
/// line again and again raises its flag each time, and can hold up those who wait to see all flags
/// down.
#[derive(Debug)]
#[repr(C)]
pub struct FastOn<S: ?Sized> {
    x: Register32,
    y: Register32,
    slots: S,
}

/// One participant's flag, and what it is about; alone on their cache lines.
#[derive(Debug)]
#[repr(C, align(128))]
pub struct FastSlot {
    flag: Register32,
    phase: Register32,
}

impl FastSlot {
    const_fn! {
        const fn new() -> Self {
            Self { flag: Register32::new(DOWN), phase: Register32::new(phase::OUTSIDE) }
        }
    }
}

impl<const N: usize> Fast<N> {
    const_fn! {
        /// A mutex that nobody contends for.
        #[must_use]
        pub const fn new() -> Self {
            Self {
                x: Register32::new(NOBODY),
                y: Register32::new(NOBODY),
                slots: array![FastSlot::new(); N],
            }
        }
    }
}

impl<const N: usize> Default for Fast<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: AsRef<[FastSlot]> + ?Sized> FastOn<S> {
    fn slot(&self, slot: Slot) -> &FastSlot {
        &self.slots.as_ref()[slot.index()]
    }

    /// One run from the paper's `start` to the critical section, or to the next thing to wait for.
    ///
    /// Each fence here and in `raised` orders the access before it against the one after it, for all
    /// participants alike: see the type's documentation.
    #[inline]
    fn start(&self, me: Slot, wake: &impl Wake) -> u32 {
        let my_name = me.number() + 1;
        let slot = self.slot(me);
        slot.flag.store(RAISED, Relaxed);
        fence(SeqCst);
        self.x.store(my_name, Relaxed);
        fence(SeqCst);
        let next = if self.y.load(Relaxed) == NOBODY {
            self.y.store(my_name, Relaxed);
            fence(SeqCst);
            if self.x.load(Relaxed) == my_name { phase::INSIDE } else { phase::CONTENDING }
        } else {
            phase::OUTSIDE
        };
        // Orders the last load before the flag, and before whatever is done inside.
        fence(SeqCst);
        if next != phase::INSIDE {
            slot.flag.store(DOWN, Relaxed);
            fence(SeqCst);
            wake.wake(CHANNEL);
        }
        next
    }

    /// Whether all flags are down; if not, whose is up.
    fn raised(&self) -> Option<Slot> {
        (0..).map(Slot::new).zip(self.slots.as_ref()).find_map(|(slot, registers)| {
            let flag = registers.flag.load(Relaxed);
            fence(SeqCst);
            (flag != DOWN).then_some(slot)
        })
    }

    /// Whom a participant outside waits for.
    fn owner(&self) -> Option<Slot> {
        let name = self.y.load(Relaxed);
        let slot = Slot::new(name.checked_sub(1)?);
        (slot.index() < self.capacity()).then_some(slot)
    }
}

// SAFETY: the argument is Lamport's, for sequentially consistent registers; the fences make them
// so.
unsafe impl<S: AsRef<[FastSlot]> + ?Sized> Algorithm for FastOn<S> {
    const FIRST_COME_FIRST_SERVED: bool = false;
    /// The flag is lowered last, and others wait for it.
    const HANDS_ON_LAST: bool = false;

    #[inline]
    fn capacity(&self) -> usize {
        self.slots.as_ref().len()
    }

    #[inline]
    fn enter(&self, me: Slot, _: Intent, wake: &impl Wake) -> Result<(), DoorwayClosed> {
        let next = self.start(me, wake);
        self.slot(me).phase.store(next, Relaxed);
        Ok(())
    }

    #[inline]
    fn poll(&self, me: Slot, wake: &impl Wake) -> Turn {
        let slot = self.slot(me);
        let mut now = slot.phase.load(Relaxed);
        if now == phase::OUTSIDE && self.y.load(Relaxed) == NOBODY {
            fence(SeqCst);
            now = self.start(me, wake);
        }
        let mut on = None;
        if now == phase::CONTENDING {
            on = self.raised();
            if on.is_none() {
                let winner = self.y.load(Relaxed);
                fence(SeqCst);
                now = if winner == me.number() + 1 { phase::INSIDE } else { phase::OUTSIDE };
            }
        }
        slot.phase.store(now, Relaxed);
        if now == phase::INSIDE {
            return Turn::Mine;
        }
        Turn::Blocked(Blocked {
            on: on.or_else(|| self.owner()),
            place: Place::Next,
            channel: CHANNEL,
            seen: now.into(),
        })
    }

    #[inline]
    fn is_blocked(&self, _: Slot, by: Blocked) -> bool {
        if by.seen == u64::from(phase::CONTENDING) {
            by.on.is_some_and(|slot| self.slot(slot).flag.load(Relaxed) != DOWN)
        } else {
            self.y.load(Relaxed) != NOBODY
        }
    }

    #[inline]
    fn standing(&self, of: Slot) -> Standing {
        let slot = self.slot(of);
        match slot.phase.load(Relaxed) {
            phase::INSIDE => Standing::Line(0),
            phase::CONTENDING => Standing::Line(1),
            _ if slot.flag.load(Relaxed) != DOWN => Standing::Doorway,
            // On its way out, or from the doorway to where it contends.
            _ if self.owner() == Some(of) => Standing::Line(1),
            _ => Standing::Outside,
        }
    }

    #[inline]
    fn leave(&self, me: Slot, wake: &impl Wake) {
        let slot = self.slot(me);
        slot.phase.store(phase::OUTSIDE, Relaxed);
        // Release: hands the critical section on.
        self.y.store(NOBODY, Release);
        fence(SeqCst);
        slot.flag.store(DOWN, Relaxed);
        wake.fence();
        wake.wake(CHANNEL);
    }

    #[inline]
    fn withdraw(&self, me: Slot, _: &impl Wake) -> Withdrawal {
        match self.slot(me).phase.load(Relaxed) {
            phase::INSIDE => Withdrawal::Mine,
            phase::CONTENDING => Withdrawal::TooLate,
            _ => Withdrawal::Done,
        }
    }
}
