//! Where what lies in a segment. Computed from its kind, its slots and its data, never read from it.
//!
//! | part | aligned to | bytes |
//! |---|---|---|
//! | [header](super::header) | 128 | 200 |
//! | the algorithm's registers | 128 | 128 a slot, and up to 256 |
//! | [participants](super::identity) | 128 | 64 a slot |
//! | sleeping places | 128 | 4 a slot |
//! | the data | 128 | its size |

use crate::shared::Kind;
use crate::shared::header::{self, DataType};
use crate::shared::identity::Identity;
use crate::shared::registers;
use crate::wait::Channel;

/// Every part begins at a multiple of this, whatever the machine: a page is one, and two cache lines fit.
pub(super) const ALIGN: usize = 128;

/// The offsets of a segment's parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) registers: usize,
    pub(super) participants: usize,
    pub(super) channels: usize,
    pub(super) data: usize,
    pub(super) length: usize,
}

impl Layout {
    /// `None` if it does not fit into memory.
    pub(super) fn new(kind: Kind, slots: u32, data: &DataType) -> Option<Self> {
        let count = slots as usize;
        let registers = header::LENGTH.next_multiple_of(ALIGN);
        let participants = after(registers, registers::size(kind, count)?)?;
        let channels = after(participants, count.checked_mul(size_of::<Identity>())?)?;
        let data_at = after(channels, count.checked_mul(size_of::<Channel>())?)?;
        let length = data_at.checked_add(data.size)?;
        isize::try_from(length).ok()?;
        Some(Self { registers, participants, channels, data: data_at, length })
    }
}

fn after(start: usize, size: usize) -> Option<usize> {
    start.checked_add(size)?.checked_next_multiple_of(ALIGN)
}
