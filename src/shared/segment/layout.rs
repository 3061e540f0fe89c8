//! Where what lies in a segment. Computed from its kind, its slots and its data, never read from
//! it.
//!
//! The file is as long as all of it, and has memory for the slots that have been joined: `FIRST`, and
//! then as many more as there were at once.
//!
//! | part | aligned to | bytes |
//! |---|---|---|
//! | [header](crate::shared::segment::header) | 128 | 200 |
//! | [journal](crate::shared::segment::journal), always at 256 | 128 | 128 |
//! | [bells](crate::shared::life::bell), always at 384 | 128 | 8 a slot |
//! | the algorithm's registers | 128 | 128 a slot, and up to 256 before them |
//! | [participants](crate::shared::life::identity) | 128 | 64 a slot |
//! | [records](crate::shared::segment::record) | 128 | 64 a slot |
//! | [room](crate::shared::segment::room) | 128 | 8 |
//! | [notice](crate::wait) of sleepers | 128 | 8 |
//! | sleeping places | 128 | 4 a slot |
//! | the data | 128 | its size |

use std::ops::Range;

use crate::shared::Kind;
use crate::shared::life::bell::{Bell, ROPES};
use crate::shared::life::identity::Identity;
use crate::shared::segment::journal::Journal;
use crate::shared::segment::record::Record;
use crate::shared::segment::registers::{self, ALIGN};
use crate::shared::segment::room::Room;
use crate::wait::{Channel, Notice};

/// For so many slots there is memory from the start, so that a full file system keeps few out.
const FIRST: u32 = 16;

/// How long a header is.
pub(crate) const HEADER: usize = 200;

/// Where the journal begins, in every format since 6.
pub(crate) const JOURNAL: usize = HEADER.next_multiple_of(ALIGN);

const _: () = assert!(JOURNAL == 256);

/// Where the bells begin, so that each is as far from its rope in every segment.
pub(crate) const BELLS: usize = JOURNAL + size_of::<Journal>();

const _: () = assert!(BELLS == 384 && BELLS.is_multiple_of(ALIGN));

const _: () = assert!(size_of::<Identity>() == 64 && align_of::<Identity>() == 64);
const _: () = assert!(size_of::<Record>() == 64 && align_of::<Record>() == 64);
const _: () = assert!(size_of::<Room>() == 8 && align_of::<Room>() == 4);
const _: () = assert!(size_of::<Notice>() == 8 && align_of::<Notice>() == 4);
const _: () = assert!(size_of::<Journal>() == 128 && align_of::<Journal>() == 128);

/// The type that a segment holds, as far as two programs can compare it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DataType {
    pub(crate) name: String,
    pub(crate) size: usize,
    pub(crate) align: usize,
}

impl DataType {
    pub(crate) fn of<T>(name: Option<&str>) -> Self {
        let name = name.unwrap_or_else(|| std::any::type_name::<T>()).to_owned();
        Self { name, size: size_of::<T>(), align: align_of::<T>() }
    }
}

/// The offsets of a segment's parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) registers: usize,
    pub(crate) participants: usize,
    pub(crate) records: usize,
    pub(crate) room: usize,
    pub(crate) notice: usize,
    pub(crate) channels: usize,
    pub(crate) data: usize,
    pub(crate) length: usize,
}

impl Layout {
    /// `None` if it does not fit into memory.
    pub(crate) fn new(kind: Kind, slots: u32, data: &DataType) -> Option<Self> {
        let count = slots as usize;
        let bells = count.checked_mul(size_of::<Bell>())?;
        if BELLS + bells > ROPES {
            return None;
        }
        let registers = after(BELLS, bells)?;
        let participants = after(registers, registers::size(kind, count)?)?;
        let records = after(participants, count.checked_mul(size_of::<Identity>())?)?;
        let room = after(records, count.checked_mul(size_of::<Record>())?)?;
        let notice = after(room, size_of::<Room>())?;
        let channels = after(notice, size_of::<Notice>())?;
        let data_at = after(channels, count.checked_mul(size_of::<Channel>())?)?;
        let length = data_at.checked_add(data.size)?;
        isize::try_from(length).ok()?;
        Some(Self {
            registers,
            participants,
            records,
            room,
            notice,
            channels,
            data: data_at,
            length,
        })
    }

    /// What has to be there from the start: all but what belongs to slots that have not been joined.
    pub(crate) fn at_the_start(&self, kind: Kind, slots: u32) -> [Range<usize>; 5] {
        let first = self.of_slots(kind, 0..slots.min(FIRST));
        let [bells, registers, participants, records] = first;
        let (registers, rest) = (self.registers..registers.end, self.room..self.length);
        [0..bells.end, registers, participants, records, rest]
    }

    /// What belongs to these slots, apart from the rest, and is touched by nobody before the first of
    /// them is joined: see [`Room`].
    pub(crate) fn of_slots(&self, kind: Kind, slots: Range<u32>) -> [Range<usize>; 4] {
        let (start, end) = (slots.start as usize, slots.end as usize);
        let part = |at: usize, each: usize| at + start * each..at + end * each;
        let registers = registers::of_slots(kind, start..end)
            .map_or(self.registers..self.participants, |range| {
                self.registers + range.start..self.registers + range.end
            });
        [
            part(BELLS, size_of::<Bell>()),
            registers,
            part(self.participants, size_of::<Identity>()),
            part(self.records, size_of::<Record>()),
        ]
    }
}

/// The length of the shortest segment that there can be.
pub(crate) fn shortest() -> u64 {
    let nothing = DataType { name: String::new(), size: 0, align: 1 };
    let lengths = Kind::ALL.iter().filter_map(|kind| Layout::new(*kind, kind.slots().0, &nothing));
    lengths.map(|layout| layout.length as u64).min().unwrap_or(u64::MAX)
}

fn after(start: usize, size: usize) -> Option<usize> {
    start.checked_add(size)?.checked_next_multiple_of(ALIGN)
}
