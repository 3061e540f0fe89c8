//! An algorithm's registers in a segment: the types of [`crate::algorithm`], laid over mapped
//! memory.

use std::ffi::c_void;
use std::ops::Range;
use std::ptr;

use crate::algorithm::{
    Algorithm, BakeryOn, BakerySlot, BlackWhiteOn, BlackWhiteSlot, BypassOn, FastOn, FastSlot,
    FilterOn, FilterSlot, Peterson, Recover, Reset, Slot, Standing, Swapped, TicketOn, TicketSlot,
    TournamentOn, TournamentSlot, Turn, Wake,
};
use crate::shared::Kind;
use crate::shared::kind::BYPASSES;

/// Every part of a segment begins at a multiple of this, whatever the machine: a page is one, and
/// two cache lines fit.
pub(crate) const ALIGN: usize = 128;

/// A segment's registers, as what they are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Registers<'a> {
    Bakery(&'a BakeryOn<[BakerySlot]>),
    BlackWhite(&'a BlackWhiteOn<[BlackWhiteSlot]>),
    Fast(&'a FastOn<[FastSlot]>),
    Peterson(&'a Peterson<Swapped>),
    Filter(&'a FilterOn<[FilterSlot], Swapped>),
    Tournament(&'a TournamentOn<[TournamentSlot], Swapped>),
    Ticket(&'a TicketOn<[TicketSlot]>),
    Bypass(&'a BypassOn<[TicketSlot], BYPASSES>),
}

/// Runs the same code for whichever algorithm it is.
macro_rules! with_algorithm {
    ($registers:expr, $algorithm:ident => $body:expr) => {
        match $registers {
            $crate::shared::segment::registers::Registers::Fast($algorithm) => $body,
            registers => $crate::shared::segment::registers::with_withdrawing!(registers, $algorithm => $body, else unreachable!("Fast is matched above")),
        }
    };
}

/// The same for the algorithms whose attempts can be withdrawn; something else for `Fast`.
macro_rules! with_withdrawing {
    ($registers:expr, $algorithm:ident => $body:expr, else $fast:expr) => {
        match $registers {
            $crate::shared::segment::registers::Registers::Bakery($algorithm) => $body,
            $crate::shared::segment::registers::Registers::BlackWhite($algorithm) => $body,
            $crate::shared::segment::registers::Registers::Peterson($algorithm) => $body,
            $crate::shared::segment::registers::Registers::Filter($algorithm) => $body,
            $crate::shared::segment::registers::Registers::Tournament($algorithm) => $body,
            $crate::shared::segment::registers::Registers::Ticket($algorithm) => $body,
            $crate::shared::segment::registers::Registers::Bypass($algorithm) => $body,
            $crate::shared::segment::registers::Registers::Fast(_) => $fast,
        }
    };
}

pub(crate) use {with_algorithm, with_withdrawing};

/// How many bytes an algorithm's registers take. `None` if they do not fit into memory.
pub(crate) fn size(kind: Kind, slots: usize) -> Option<usize> {
    /// `Whole` is the algorithm with no slots: what comes before them.
    fn sized<Whole, Each>(slots: usize) -> Option<usize> {
        const {
            assert!(
                align_of::<Whole>() <= ALIGN
                    && size_of::<Whole>().is_multiple_of(align_of::<Each>())
            );
        };
        size_of::<Whole>().checked_add(slots.checked_mul(size_of::<Each>())?)
    }
    match kind {
        Kind::Bakery => sized::<BakeryOn<[BakerySlot; 0]>, BakerySlot>(slots),
        Kind::BlackWhite => sized::<BlackWhiteOn<[BlackWhiteSlot; 0]>, BlackWhiteSlot>(slots),
        Kind::FastUnrecoverable => sized::<FastOn<[FastSlot; 0]>, FastSlot>(slots),
        Kind::Peterson => Some(size_of::<Peterson<Swapped>>()),
        Kind::Filter => sized::<FilterOn<[FilterSlot; 0], Swapped>, FilterSlot>(slots),
        Kind::Tournament => {
            sized::<TournamentOn<[TournamentSlot; 0], Swapped>, TournamentSlot>(slots)
        }
        Kind::Ticket => sized::<TicketOn<[TicketSlot; 0]>, TicketSlot>(slots),
        Kind::Bypass => sized::<BypassOn<[TicketSlot; 0], BYPASSES>, TicketSlot>(slots),
    }
}

/// Which of those bytes belong to these slots and to no others. `None` for algorithms in which others
/// look at a slot before it is joined.
pub(crate) fn of_slots(kind: Kind, slots: Range<usize>) -> Option<Range<usize>> {
    match kind {
        Kind::Bakery | Kind::BlackWhite | Kind::Ticket | Kind::Bypass => {
            Some(size(kind, slots.start)?..size(kind, slots.end)?)
        }
        Kind::FastUnrecoverable | Kind::Peterson | Kind::Filter | Kind::Tournament => None,
    }
}

impl Registers<'_> {
    /// # Safety
    ///
    /// `start` is aligned to [`ALIGN`] and points to [`size`] bytes, which live and are reached
    /// through atomics only for `'a`.
    pub(crate) unsafe fn new(start: *const c_void, kind: Kind, slots: usize) -> Self {
        /// The same address, with the number of slots in the pointer.
        macro_rules! on {
            ($variant:ident, $whole:ty, $slot:ty) => {{
                let slots = ptr::slice_from_raw_parts(start.cast::<$slot>(), slots);
                // SAFETY: the caller's promise; the registers are atomics only, for which every
                // value is valid, and their type ends in a slice as long as `size` reckoned with.
                let whole = unsafe { &*(slots as *const $whole) };
                debug_assert_eq!(Some(size_of_val(whole)), size(kind, slots.len()));
                Self::$variant(whole)
            }};
        }
        match kind {
            Kind::Bakery => on!(Bakery, BakeryOn<[BakerySlot]>, BakerySlot),
            Kind::BlackWhite => on!(BlackWhite, BlackWhiteOn<[BlackWhiteSlot]>, BlackWhiteSlot),
            Kind::FastUnrecoverable => on!(Fast, FastOn<[FastSlot]>, FastSlot),
            // SAFETY: as above, without slots.
            Kind::Peterson => Self::Peterson(unsafe { &*start.cast() }),
            Kind::Filter => on!(Filter, FilterOn<[FilterSlot], Swapped>, FilterSlot),
            Kind::Tournament => {
                on!(Tournament, TournamentOn<[TournamentSlot], Swapped>, TournamentSlot)
            }
            Kind::Ticket => on!(Ticket, TicketOn<[TicketSlot]>, TicketSlot),
            Kind::Bypass => on!(Bypass, BypassOn<[TicketSlot], BYPASSES>, TicketSlot),
        }
    }
}

impl Registers<'_> {
    /// Whom a blocked slot waits for, if it can be named and the name is a slot's.
    pub(crate) fn ahead_of(self, me: Slot, wake: &impl Wake) -> Option<Slot> {
        let on = with_withdrawing!(self, algorithm => algorithm.ahead_of(me, wake), else {
            let Self::Fast(algorithm) = self else { unreachable!("it is the only one left") };
            match algorithm.poll(me, wake) {
                Turn::Mine => None,
                Turn::Blocked(by) => by.on,
            }
        });
        on.filter(|on| on.index() < with_algorithm!(self, algorithm => algorithm.capacity()))
    }

    /// Of whose deaths a blocked slot has to hear: see [`Recover::right_before`].
    pub(crate) fn right_before(self, me: Slot, wake: &impl Wake, mut name: impl FnMut(Slot)) {
        let capacity = with_algorithm!(self, algorithm => algorithm.capacity());
        let mut name = |slot: Slot| {
            if slot.index() < capacity {
                name(slot);
            }
        };
        with_withdrawing!(self, algorithm => algorithm.right_before(me, wake, &mut name), else {
            self.ahead_of(me, wake).into_iter().for_each(name);
        });
    }

    /// Whether a slot that was reset keeps a place in line, which whoever joins next in it would have.
    pub(crate) fn keeps_a_place(self, slot: Slot) -> bool {
        match self {
            Self::Ticket(algorithm) => algorithm.keeps_a_place(slot),
            Self::Bypass(algorithm) => algorithm.keeps_a_place(slot),
            _ => false,
        }
    }

    /// Whether one that gives up leaves whoever is behind it asleep, since that goes on without it.
    pub(crate) fn gives_up_silently(self) -> bool {
        matches!(self, Self::Ticket(_) | Self::Bypass(_))
    }

    /// `None` for the algorithm that cannot.
    pub(crate) fn reset(self, dead: Slot, wake: &impl Wake) -> Option<Reset> {
        with_withdrawing!(self, algorithm => Some(algorithm.reset(dead, wake)), else None)
    }

    pub(crate) fn standing(self, of: Slot) -> Standing {
        with_algorithm!(self, algorithm => algorithm.standing(of))
    }
}
