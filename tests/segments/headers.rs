//! Headers: each byte means something, and none is believed.

use std::fs::{self, File};
use std::ops::Range;

use bakery_lock::shared::{Error, Kind, Mutex, Options};
use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, TestRunner};
use zerocopy::{FromBytes, IntoBytes};

use crate::child::Child;
use crate::forgery::{Forgery, HEADER, REGISTERS, bakery_length, reseal};
use crate::outcome::Opened;

/// What an error is for, of those that a header can cause.
fn fault(error: &Error) -> &'static str {
    match error {
        Error::NotASegment { .. } => "magic",
        Error::WrongVersion { .. } => "format",
        Error::WrongByteOrder { .. } => "byte order",
        Error::Damaged { .. } => "damage",
        Error::WrongType { .. } => "type",
        Error::WrongKind { .. } => "kind",
        Error::WrongSlots { .. } => "slots",
        Error::WrongLength { .. } => "length",
        _ => "something else",
    }
}

/// The fields, what is said when one of them is damaged, and when it holds something else under a
/// right checksum.
const FIELDS: [(&str, Range<usize>, &str, &[&str]); 14] = [
    ("magic", 0..8, "magic", &["magic"]),
    ("format", 8..12, "format", &["format"]),
    ("byte order", 12..16, "byte order", &["byte order"]),
    ("length", 16..24, "damage", &["damage"]),
    ("kind", 24..28, "damage", &["damage", "kind"]),
    ("slots", 28..32, "damage", &["damage"]),
    ("size", 32..40, "damage", &["type"]),
    ("align", 40..48, "damage", &["type"]),
    ("hash", 48..56, "damage", &["type"]),
    ("boot id", 56..72, "damage", &["nothing"]),
    ("flags", 72..76, "damage", &["damage", "nothing"]),
    ("reserved", 76..80, "damage", &["damage"]),
    ("name", 80..192, "damage", &["nothing"]),
    ("checksum", 192..200, "damage", &[]),
];

#[test]
fn a_flipped_byte_is_found_out() {
    let forgery = Forgery::new(Kind::Bakery, 8);
    assert!(forgery.attach(&forgery.genuine).is_ok());
    for (field, range, damaged, changed) in FIELDS {
        for offset in range {
            for flip in [0x01, 0x02, 0x10, 0x80, 0xff] {
                let outcome = forgery.attach(&forgery.with(|bytes| bytes[offset] ^= flip));
                assert_eq!(
                    outcome.as_ref().map_err(fault).err(),
                    Some(damaged),
                    "{field} {offset} {flip}: {outcome:?}"
                );
                if changed.is_empty() {
                    continue;
                }
                let outcome = forgery.attach(&forgery.resealed(|bytes| bytes[offset] ^= flip));
                let fault = outcome.as_ref().map_or_else(fault, |_| "nothing");
                assert!(changed.contains(&fault), "{field} {offset} {flip}: {outcome:?}");
            }
        }
    }
}

/// What the errors about a header say: which segment, and what was found.
#[test]
fn what_is_wrong_is_said() {
    let forgery = Forgery::new(Kind::Bakery, 8);
    let length = forgery.genuine.len() as u64;
    let name = forgery.name();
    let put = |at: usize, bytes: &[u8]| {
        forgery.resealed(|all| all[at..at + bytes.len()].copy_from_slice(bytes))
    };
    let cases = [
        (put(0, b"BAKERYLL"), "is not a bakery-lock segment".to_owned()),
        (put(0, &[0; HEADER - 8]), "is not a bakery-lock segment".to_owned()),
        (
            forgery.resealed(|all| all[8..12].copy_from_slice(&9_u32.to_ne_bytes())),
            "has format 9, this program knows format 7".to_owned(),
        ),
        (
            forgery.resealed(|all| all[12..16].reverse()),
            "was made on a machine with another byte order".to_owned(),
        ),
        (forgery.with(|all| all[HEADER - 1] ^= 1), "its header is damaged".to_owned()),
        (
            put(48, b"another!"),
            "holds \"u64\" (8 bytes, aligned to 8), not \"u64\" (8 bytes".to_owned(),
        ),
        (
            put(32, &9_u64.to_ne_bytes()),
            "holds \"u64\" (9 bytes, aligned to 8), not \"u64\" (8 bytes".to_owned(),
        ),
        (
            forgery.with(|all| all.push(0)),
            format!("is {} bytes long instead of {length}", length + 1),
        ),
        (
            forgery.with(|all| all.truncate(HEADER - 1)),
            "is 199 bytes long instead of 200".to_owned(),
        ),
    ];
    for (bytes, expected) in cases {
        let error = forgery.attach(&bytes).unwrap_err().to_string();
        assert!(error.starts_with(name) && error.contains(&expected), "{error}, not {expected}");
    }
}

/// A header that agrees with its file, and describes no lock.
#[test]
fn impossible_shapes_are_found_out() {
    let (small, large) = (Forgery::new(Kind::Bakery, 2), Forgery::new(Kind::Bakery, 4096));
    assert_eq!([2, 4096].map(bakery_length), [&small, &large].map(|made| made.genuine.len()));
    for (forgery, slots) in
        [(&small, 0), (&small, 1), (&large, 4097), (&large, 5000), (&large, u32::MAX)]
    {
        let bytes = forgery.resealed(|bytes| {
            if slots < 1 << 20 {
                // So that nothing but the number is wrong.
                bytes.resize(bakery_length(slots), 0);
            }
            let length = bytes.len() as u64;
            bytes[16..24].copy_from_slice(&length.to_ne_bytes());
            bytes[28..32].copy_from_slice(&slots.to_ne_bytes());
        });
        assert_refused!(forgery.attach(&bytes), Error::Damaged { .. }, "{slots} slots");
        let any = Options::new().attach_at(&forgery.path);
        assert_refused!(any, Error::Damaged { .. }, "{slots} slots, of any number");
    }
}

/// What nobody's type is like, in a header and a file that agree as far as they can.
#[test]
fn impossible_types_are_found_out_by_whoever_takes_any() {
    let forgery = Forgery::new(Kind::Bakery, 2);
    let before = forgery.genuine.len() as u64 - 8;
    let status = |size: u64, align: u64, length: u64| {
        let bytes = forgery.resealed(|all| {
            for (at, field) in [(16, length), (32, size), (40, align)] {
                all[at..at + 8].copy_from_slice(&field.to_ne_bytes());
            }
        });
        fs::write(&forgery.path, bytes).unwrap();
        // As long as it says, if files can be.
        let file = File::options().write(true).open(&forgery.path).unwrap();
        let _ = file.set_len(length.max(HEADER as u64));
        Options::status_at(&forgery.path)
    };
    for (size, align) in [(8, 8), (0, 128), (24, 1), (1 << 20, 64), (1 << 36, 64)] {
        let possible = status(size, align, before + size);
        // There may not be room for the largest.
        let is_right = matches!(&possible, Ok(_) | Err(Error::Io { doing: "map the segment", .. }));
        assert!(is_right, "{size} {align}: {possible:?}");
    }
    for (size, length) in [(8, before), (8, before + 16), (1 << 20, before + 8), (0, before + 8)] {
        let outcome = status(size, 8, length);
        assert!(matches!(&outcome, Err(Error::Damaged { .. })), "{size} {length}: {outcome:?}");
    }
    let (most, half) = (u64::MAX, 1 << 63);
    for (size, align) in [
        (8, 0),
        (8, 3),
        (8, 256),
        (half, half),
        (0, half),
        (8, 16),
        (9, 8),
        (most, 1),
        (most - 127, 128),
        (half, 128),
        (half - 128, 128),
        (half - before, 1),
        (most - before + 1, 1),
        (0, most),
    ] {
        for length in [before.wrapping_add(size), before + 8, before, most] {
            let outcome = status(size, align, length);
            let is_told = matches!(&outcome, Err(Error::Damaged { .. }));
            assert!(is_told, "{size} {align} {length}: {outcome:?}");
        }
    }
}

#[test]
fn a_cut_or_extended_file_has_the_wrong_length() {
    // Not on a disk, where an empty file may be what a loss of power has left.
    let forgery = Forgery::new_in("/dev/shm", Kind::Ticket, 8);
    let whole = forgery.genuine.len();
    for length in [
        0,
        1,
        8,
        HEADER - 1,
        HEADER,
        HEADER + 1,
        REGISTERS,
        whole / 2,
        whole - 1,
        whole + 1,
        whole + 128,
        2 * whole,
    ] {
        let outcome = forgery.attach(&forgery.with(|bytes| bytes.resize(length, 0)));
        if length < 8 {
            assert_refused!(outcome, Error::NotASegment { .. }, "{length} bytes");
            continue;
        }
        let wanted = if length < HEADER { HEADER } else { whole } as u64;
        assert_refused!(
            outcome,
            Error::WrongLength { expected, found, .. } if [*expected, *found] == [wanted, length as u64],
            "{length} bytes"
        );
    }
}

/// A structure that looks like a `u64` from without.
#[derive(FromBytes, IntoBytes)]
#[repr(C)]
struct Impostor(u64);

#[test]
fn a_segment_of_another_kind_is_not_taken() {
    let forgery = Forgery::new(Kind::Ticket, 8);
    let path = &forgery.path;
    let named = || Options::new().data_name("u64");
    assert_refused!([[u8; 8]] named().attach_at(path), Error::WrongType { .. }, "another alignment");
    assert_refused!([[u64; 2]] named().attach_at(path), Error::WrongType { .. }, "another size");
    assert_refused!(
        [Impostor] Options::new().attach_at(path),
        Error::WrongType { found, wanted, .. } if found.starts_with("\"u64\"") && wanted.contains("Impostor"),
        "another name"
    );
    let agreed: Opened<Impostor> = named().attach_at(path);
    assert!(agreed.is_ok(), "{agreed:?}");
    for kind in Kind::ALL {
        let outcome = Options::new().kind(kind).attach_at(path);
        if kind == Kind::Ticket {
            assert!(outcome.is_ok_and(|mutex: Mutex<u64>| mutex.kind() == kind));
            continue;
        }
        assert_refused!(outcome, Error::WrongKind { found: Kind::Ticket, wanted, .. } if *wanted == kind, "{kind}");
    }
    for slots in [2, 7, 9, 4096, u32::MAX] {
        let outcome = Options::new().slots(slots).attach_at(path);
        assert_refused!(outcome, Error::WrongSlots { found: 8, wanted, .. } if *wanted == slots, "{slots} slots");
    }
    let any: Opened = Options::new().attach_at(path);
    assert!(any.is_ok_and(|mutex| (mutex.kind(), mutex.slots()) == (Kind::Ticket, 8)));
}

/// Names longer than the header keeps differ all the same, and may be in any script.
#[test]
fn long_type_names_are_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("segment");
    let name = |end: &str| format!("{}{end}", "ñ".repeat(100));
    let options = |end| Options::new().data_name(name(end));
    let made: Opened = options("a").create_at(&path, 1);
    assert!(made.is_ok());
    let same: Opened = options("a").attach_at(&path);
    assert!(same.is_ok(), "{same:?}");
    assert_refused!(options("b").attach_at(&path), Error::WrongType { .. }, "another end");
}

/// In a process of its own, which is killed should it hang.
#[test]
fn noise_is_refused() {
    Child::start("reads noise", &[]).finish();
}

/// Random files, with and without the beginning of a right one, and with and without a right
/// checksum.
pub fn reads_noise(_: &[&str]) {
    let forgery = Forgery::new(Kind::Bakery, 2);
    let whole = forgery.genuine.len();
    let config = Config { cases: 800, failure_persistence: None, ..Config::default() };
    let bytes = (vec(any::<u8>(), 0..2 * whole), 0..=HEADER, any::<bool>(), any::<bool>());
    let outcome = TestRunner::new(config).run(&bytes, |(mut bytes, right, sealed, full)| {
        if full {
            bytes.resize(whole, 0x55);
        }
        let right = right.min(bytes.len());
        bytes[..right].copy_from_slice(&forgery.genuine[..right]);
        if sealed && bytes.len() >= HEADER {
            reseal(&mut bytes);
        }
        // All that matters in a header lies before the boot id, which is from here, and the name.
        let is_whole = bytes.len() == whole;
        let is_right = is_whole && right == HEADER;
        let may_be_right = is_right || (is_whole && sealed && right >= 56);
        let outcome = forgery.attach(&bytes);
        assert!(outcome.is_err() || may_be_right, "{right} {sealed} {}", bytes.len());
        assert!(outcome.is_ok() || !is_right, "{outcome:?}");
        // Whoever takes any type finds what is right so, and perhaps more.
        let seen = Options::status_at(&forgery.path);
        assert!(seen.is_ok() || outcome.is_err(), "{seen:?}");
        if let Ok(mutex) = outcome {
            let _ = mutex.join().and_then(|mut me| me.try_lock().map(|guard| guard.is_some()));
        }
        Ok(())
    });
    outcome.unwrap();
}
