//! The first bytes of a segment: what it is, said once, when it is made.
//!
//! All numbers are in the byte order of the machine; a segment is memory, and memory does not
//! travel.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 8 | `BAKERYLK` |
//! | 8 | 4 | format, [`FORMAT`] |
//! | 12 | 4 | byte order mark, `0x01020304` |
//! | 16 | 8 | length of the segment |
//! | 24 | 4 | algorithm, [`Kind::code`] |
//! | 28 | 4 | slots |
//! | 32 | 8 | size of the data |
//! | 40 | 8 | alignment of the data |
//! | 48 | 8 | hash of the data's name |
//! | 56 | 16 | boot id of the machine's run in which it was last made ready; zeros where files do not outlive one |
//! | 72 | 4 | 1 if a death inside does not poison the data |
//! | 76 | 4 | 0 |
//! | 80 | 112 | the data's name, cut off or filled up with zeros |
//! | 192 | 8 | checksum of the bytes before |
//!
//! Behind it, at 256, stands the [journal](crate::shared::segment::journal), which begins with the last
//! token that was given out. The magic, the format, the byte order mark and the boot id stand where they
//! do since format 5, the last token since format 6, and all of them stay there: what a restart has made
//! void is told by them, whatever its format, and tokens go on from the last.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::shared::segment::layout::{self, DataType, Layout};
use crate::shared::segment::registers::ALIGN;
use crate::shared::{Error, Kind};

pub(crate) const MAGIC: [u8; 8] = *b"BAKERYLK";
/// To be raised with each change to the layout of a segment, or to what its registers mean.
pub(crate) const FORMAT: u32 = 7;
/// The first format that has the boot id where it is now.
const FIRST_WITH_BOOT_ID: u32 = 5;
/// The first format that has the last token where it is now.
const FIRST_WITH_TOKEN: u32 = 6;
const BYTE_ORDER: u32 = 0x0102_0304;
/// In the flags: a death inside does not poison the data.
const NO_POISONING: u32 = 1;
/// How many bytes of the data's name are kept.
const NAME: usize = 112;

/// A segment's header.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(crate) struct Header {
    magic: [u8; 8],
    format: u32,
    byte_order: u32,
    length: u64,
    kind: u32,
    slots: u32,
    data_size: u64,
    data_align: u64,
    data_hash: u64,
    boot_id: [u8; 16],
    flags: u32,
    reserved: u32,
    data_name: [u8; NAME],
    checksum: u64,
}

const _: () = assert!(size_of::<Header>() == layout::HEADER);

/// A segment's shape, read from a header that holds together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) kind: Kind,
    pub(crate) slots: u32,
    /// Whether a death inside poisons the data.
    pub(crate) poisoning: bool,
    pub(crate) layout: Layout,
}

impl Header {
    pub(crate) fn new(shape: &Shape, data: &DataType, boot_id: [u8; 16]) -> Self {
        let mut data_name = [0; NAME];
        let kept = data.name.len().min(data_name.len());
        data_name[..kept].copy_from_slice(&data.name.as_bytes()[..kept]);
        let mut header = Self {
            magic: MAGIC,
            format: FORMAT,
            byte_order: BYTE_ORDER,
            length: shape.layout.length as u64,
            kind: shape.kind.code(),
            slots: shape.slots,
            data_size: data.size as u64,
            data_align: data.align as u64,
            data_hash: hash(data.name.as_bytes()),
            boot_id,
            flags: if shape.poisoning { 0 } else { NO_POISONING },
            reserved: 0,
            data_name,
            checksum: 0,
        };
        header.checksum = header.sum();
        header
    }
    fn sum(&self) -> u64 {
        let bytes = self.as_bytes();
        hash(&bytes[..bytes.len() - size_of::<u64>()])
    }

    /// Checks a header against the length of its segment and against what the program expects.
    ///
    /// `wanted` is the type that the program takes the data for, if it does.
    ///
    /// To be called on a copy: what others may still write is worth nothing once checked.
    pub(crate) fn check(
        &self,
        segment: &str,
        length: u64,
        wanted: Option<&DataType>,
    ) -> Result<Shape, Error> {
        let segment = || segment.to_owned();
        if self.magic != MAGIC {
            return Err(Error::NotASegment { segment: segment() });
        }
        if self.byte_order != BYTE_ORDER {
            return Err(Error::WrongByteOrder { segment: segment() });
        }
        if self.format != FORMAT {
            let (found, known) = (self.format, FORMAT);
            return Err(Error::WrongVersion { segment: segment(), found, known });
        }
        let damaged = || Error::Damaged { segment: segment() };
        if self.checksum != self.sum() {
            return Err(damaged());
        }
        if let Some(wanted) = wanted.filter(|wanted| !self.holds(wanted)) {
            return Err(Error::WrongType {
                segment: segment(),
                found: describe(&self.data_name(), self.data_size, self.data_align),
                wanted: describe(&wanted.name, wanted.size as u64, wanted.align as u64),
            });
        }
        let data = self.data_type().ok_or_else(damaged)?;
        let kind = Kind::from_code(self.kind).ok_or_else(damaged)?;
        let (least, most) = kind.slots();
        if !(least..=most).contains(&self.slots) {
            return Err(damaged());
        }
        let layout = Layout::new(kind, self.slots, &data).ok_or_else(damaged)?;
        if layout.length as u64 != self.length {
            return Err(damaged());
        }
        if self.flags & !NO_POISONING != 0 || self.reserved != 0 {
            return Err(damaged());
        }
        if length != self.length {
            let (expected, found) = (self.length, length);
            return Err(Error::WrongLength { segment: segment(), expected, found });
        }
        Ok(Shape { kind, slots: self.slots, poisoning: self.flags & NO_POISONING == 0, layout })
    }

    /// The boot id, as far as it can be believed: not in a damaged header, nor in one of a format that
    /// may have something else there.
    pub(crate) fn boot_id(&self) -> Option<[u8; 16]> {
        let is_known = self.magic == MAGIC && self.byte_order == BYTE_ORDER;
        let is_whole = match self.format {
            FORMAT => self.checksum == self.sum(),
            format => format >= FIRST_WITH_BOOT_ID,
        };
        (is_known && is_whole).then_some(self.boot_id)
    }

    /// The same header for another run of the machine.
    pub(crate) fn in_run(mut self, boot_id: [u8; 16]) -> Self {
        self.boot_id = boot_id;
        self.checksum = self.sum();
        self
    }

    /// Whether the last token stands behind it.
    pub(crate) fn has_token(&self) -> bool {
        self.boot_id().is_some() && self.format >= FIRST_WITH_TOKEN
    }

    fn holds(&self, data: &DataType) -> bool {
        self.data_size == data.size as u64
            && self.data_align == data.align as u64
            && self.data_hash == hash(data.name.as_bytes())
    }

    /// What it says that it holds. `None`: nothing that a segment can hold.
    fn data_type(&self) -> Option<DataType> {
        let size = usize::try_from(self.data_size).ok()?;
        let align = usize::try_from(self.data_align).ok()?;
        let is_possible = align.is_power_of_two() && align <= ALIGN && size.is_multiple_of(align);
        is_possible.then(|| DataType { name: self.data_name(), size, align })
    }

    fn data_name(&self) -> String {
        let end = self.data_name.iter().position(|byte| *byte == 0);
        String::from_utf8_lossy(&self.data_name[..end.unwrap_or(self.data_name.len())]).into_owned()
    }
}

fn describe(name: &str, size: u64, align: u64) -> String {
    format!("{name:?} ({size} bytes, aligned to {align})")
}

/// FNV-1a (Glenn Fowler, Landon Curt Noll and Kiem-Phong Vo, 1991), 64 bits: against accidents, not
/// against malice, and the same in every build of every program.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof};
    use proptest::proptest;
    use proptest::sample::select;
    use proptest::test_runner::Config;

    use super::*;

    const BOOT: [u8; 16] = *b"since this start";

    /// A shape and its header.
    fn make(kind: Kind, slots: u32, data: &DataType) -> (Shape, Header) {
        let (least, most) = kind.slots();
        let slots = least + slots % (most - least + 1);
        let layout = Layout::new(kind, slots, data).expect("it fits into memory");
        let shape = Shape { kind, slots, poisoning: slots.is_multiple_of(2), layout };
        (shape, Header::new(&shape, data, BOOT))
    }

    fn check(header: &Header, data: &DataType) -> Result<Shape, Error> {
        header.check("here", header.length, Some(data))
    }

    proptest! {
        #![proptest_config(Config {
            cases: if cfg!(miri) { 4 } else { 256 },
            failure_persistence: None,
            ..Config::default()
        })]

        #[test]
        fn a_header_says_what_it_was_made_from(
            kind in select(&Kind::ALL[..]),
            slots: u32,
            name in ".{0,150}",
            size in 0..1_usize << 40,
            align in 0..8_u32,
        ) {
            let align = 1_usize << align;
            let data = DataType { name, size: size.next_multiple_of(align), align };
            let (shape, header) = make(kind, slots, &data);
            prop_assert_eq!(check(&header, &data).unwrap(), shape);
            prop_assert_eq!(header.length, shape.layout.length as u64);

            let DataType { name, size, align } = data;
            for other in [
                DataType { name: format!("{name}."), size, align },
                DataType { name: name.clone(), size: size + 1, align },
                DataType { name: name.clone(), size, align: align + 1 },
            ] {
                let error = check(&header, &other).unwrap_err();
                let is_told = matches!(&error, Error::WrongType { found, wanted, .. }
                    if *wanted == describe(&other.name, other.size as u64, other.align as u64)
                    && found.ends_with(&format!("({size} bytes, aligned to {align})")));
                prop_assert!(is_told, "{}", error);
            }
        }

        /// It is refused, or means the same, whether the checksum is right or not.
        #[test]
        fn a_header_with_one_byte_changed_is_no_other(
            kind in select(&Kind::ALL[..]),
            slots: u32,
            at in 0..layout::HEADER,
            flip in 1..=u8::MAX,
            name in ".{0,150}",
        ) {
            let data = DataType { name, size: 24, align: 8 };
            let (shape, mut header) = make(kind, slots, &data);
            header.as_mut_bytes()[at] ^= flip;
            prop_assert!(check(&header, &data).is_err());
            // No format but this one has a checksum that is known.
            prop_assert!(header.boot_id().is_none() || (8..12).contains(&at));
            header.checksum = header.sum();
            // Kinds whose registers take as much room are told apart by their code alone, and a flag
            // by itself.
            let expected = Shape {
                kind: Kind::from_code(header.kind).unwrap_or(kind),
                poisoning: header.flags == 0,
                ..shape
            };
            prop_assert!(check(&header, &data).ok().is_none_or(|found| found == expected));
        }

        /// Whoever takes any type believes a header only so far as a segment can be like that.
        #[test]
        fn without_a_type_a_header_is_possible_or_refused(
            kind in select(&Kind::ALL[..]),
            slots: u32,
            size in prop_oneof![0..1000_u64, any::<u64>(), Just(isize::MAX as u64 & !127)],
            align in prop_oneof![(0..64_u32).prop_map(|bit| 1 << bit), any::<u64>(), Just(0)],
            length in prop_oneof![Just(None), any::<u64>().prop_map(Some)],
        ) {
            let data = DataType { name: "some".to_owned(), size: 24, align: 8 };
            let (shape, mut header) = make(kind, slots, &data);
            prop_assert_eq!(header.check("here", header.length, None).unwrap(), shape);

            (header.data_size, header.data_align) = (size, align);
            // The right one for that size, or another.
            let right = (shape.layout.data as u64).wrapping_add(size);
            header.length = length.unwrap_or(right);
            header.checksum = header.sum();
            let fits = align.is_power_of_two() && align <= ALIGN as u64 && size % align == 0;
            match header.check("here", header.length, None) {
                Ok(found) => {
                    prop_assert!(fits && header.length == right);
                    prop_assert!(isize::try_from(found.layout.length).is_ok());
                    prop_assert_eq!(found.layout.length as u64, right);
                    prop_assert_eq!(found.layout.data, shape.layout.data);
                }
                Err(error) => {
                    let is_right = fits && header.length == right && isize::try_from(right).is_ok();
                    prop_assert!(!is_right && matches!(error, Error::Damaged { .. }), "{}", error);
                }
            }
        }
    }
}
