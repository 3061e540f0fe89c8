//! A tree of Peterson's locks for two.

use core::marker::PhantomData;

use crate::algorithm::peterson::{Fenced, GiveWay, Meeting};
use crate::algorithm::{
    Algorithm, Blocked, DoorwayClosed, Intent, Place, Recover, Slot, Standing, Turn, Wake, Withdraw,
};
use crate::atomic::{Register32, Relaxed, array, const_fn};

/// A tournament with room for `N` participants: see [`TournamentOn`].
pub type Tournament<const N: usize, W = Fenced> = TournamentOn<[TournamentSlot; N], W>;

/// A knock-out tournament: a binary tree whose nodes are Peterson locks for two. Whoever wins at
/// the root is in.
///
/// - **Source**: Gary L. Peterson and Michael J. Fischer, "Economical Solutions for the Critical
///   Section Problem in a Distributed System", STOC 1977; with Peterson's lock of 1981 at its
///   nodes.
/// - **Order**: none across the tree; every participant gets in, but until it takes its next step
///   others may pass it any number of times. Each meeting by itself is first come first served.
/// - **Needs** loads and stores and one fence a level, two where the other side is taken
///   ([`Fenced`]), or one swap a level ([`Swapped`](crate::algorithm::Swapped)).
/// - **Space**: four words a slot. ⌈log₂ N⌉ levels.
/// - **Withdrawing** is leaving as far as one has come.
///
/// The tree is a heap: the root is node 1, the parent of node `k` is `k / 2`, and slot `i` starts
/// at leaf `N + i`. Its path up the tree is `N + i` shifted right, and the bit shifted out is the
/// side on which it meets its opponent.
///
/// # Leaving from the root to the leaf
///
/// The winner of a node plays for both of its children's subtrees on one side of the node above. If
/// a leaving participant freed the lower node first, the next winner there could raise the flag
/// above, and the leaver would then take that flag down.
#[derive(Debug)]
#[repr(C)]
pub struct TournamentOn<S: ?Sized, W = Fenced> {
    form: PhantomData<W>,
    slots: S,
}

/// A slot's height in the tree, and the node whose number is the slot's (node 0 is unused).
#[derive(Debug)]
#[repr(C, align(128))]
pub struct TournamentSlot {
    node: Meeting,
    /// How many levels up the slot's participant meets its opponent now; 0 when it is not
    /// competing. Written by that participant only.
    height: Register32,
}

impl TournamentSlot {
    const_fn! {
        const fn new() -> Self {
            Self { node: Meeting::new(), height: Register32::new(0) }
        }
    }
}

impl<const N: usize, W: GiveWay> Tournament<N, W> {
    const_fn! {
        /// A tournament that nobody has entered.
        ///
        /// `N` is at least 2, or this does not compile.
        #[must_use]
        pub const fn new() -> Self {
            const { assert!(N >= 2, "a lock for at least two") };
            Self { form: PhantomData, slots: array![TournamentSlot::new(); N] }
        }
    }
}

impl<const N: usize, W: GiveWay> Default for Tournament<N, W> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: AsRef<[TournamentSlot]> + ?Sized, W: GiveWay> TournamentOn<S, W> {
    /// The node where `me` meets its opponent at a height, and on which side.
    #[inline]
    fn seat(&self, me: Slot, height: u32) -> (usize, usize) {
        let below = (self.capacity() + me.index()) >> (height - 1);
        (below / 2, below % 2)
    }

    #[inline]
    fn climb(&self, me: Slot, height: u32, wake: &impl Wake) {
        let slots = self.slots.as_ref();
        slots[me.index()].height.store(height, Relaxed);
        let (node, side) = self.seat(me, height);
        slots[node].node.enter::<W>(side, me, wake, channel(node));
    }

    /// A register is what it is: a height from outside is brought back to the tree.
    #[inline]
    fn height(&self, me: Slot) -> u32 {
        let leaf = self.capacity() + me.index();
        self.slots.as_ref()[me.index()].height.load(Relaxed).clamp(1, leaf.ilog2())
    }

    #[inline]
    fn ahead_of(&self, me: Slot, height: u32) -> (usize, Option<Slot>) {
        let (node, side) = self.seat(me, height);
        (node, self.slots.as_ref()[node].node.ahead_of(side))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a node is at most a slot's number")]
const fn channel(node: usize) -> u32 {
    node as u32
}

// SAFETY: each node lets one of its two sides pass (`Meeting`), and a side is entered only by
// whoever has won the node below and has not left it; checked by the models in loom-tests.
unsafe impl<S: AsRef<[TournamentSlot]> + ?Sized, W: GiveWay> Algorithm for TournamentOn<S, W> {
    const FIRST_COME_FIRST_SERVED: bool = false;
    /// The nodes below the root are left after it.
    const HANDS_ON_LAST: bool = false;

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
        let mut height = self.height(me);
        loop {
            match self.ahead_of(me, height) {
                (node, Some(other)) => {
                    // A name from outside is nobody's.
                    let on = Some(other).filter(|slot| slot.index() < self.capacity());
                    let channel = channel(node);
                    return Turn::Blocked(Blocked { on, place: Place::Next, channel, seen: 0 });
                }
                (1, None) => return Turn::Mine,
                (_, None) => {
                    height += 1;
                    self.climb(me, height, wake);
                }
            }
        }
    }

    #[inline]
    fn is_blocked(&self, me: Slot, _: Blocked) -> bool {
        self.ahead_of(me, self.height(me)).1.is_some()
    }

    #[inline]
    fn standing(&self, of: Slot) -> Standing {
        if self.slots.as_ref()[of.index()].height.load(Relaxed) == 0 {
            return Standing::Outside;
        }
        // Of those who meet, whoever is held back goes last.
        let height = self.height(of);
        let place = 2 * (u64::from(u32::BITS) - u64::from(height));
        Standing::Line(place + u64::from(self.ahead_of(of, height).1.is_some()))
    }

    #[inline]
    fn leave(&self, me: Slot, wake: &impl Wake) {
        let path = 1..=self.height(me);
        for height in path.clone().rev() {
            let (node, side) = self.seat(me, height);
            self.slots.as_ref()[node].node.leave(side);
        }
        self.slots.as_ref()[me.index()].height.store(0, Relaxed);
        wake.fence();
        for height in path.rev() {
            wake.wake(channel(self.seat(me, height).0));
        }
    }
}

// SAFETY: `withdraw` never answers `TooLate`.
unsafe impl<S: AsRef<[TournamentSlot]> + ?Sized, W: GiveWay> Withdraw for TournamentOn<S, W> {}

impl<S: AsRef<[TournamentSlot]> + ?Sized, W: GiveWay> Recover for TournamentOn<S, W> {}
