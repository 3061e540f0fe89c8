//! What segments hold, of every shape.

use std::fs;
use std::thread;

use bakery_lock::shared::{Error, Kind, Mutex, Options, Origin};
use zerocopy::{FromBytes, IntoBytes};

#[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes)]
#[repr(C, align(128))]
struct Wide([u64; 16]);

#[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes)]
#[repr(C, align(128))]
struct Nothing;

/// A value that goes in is found by whoever attaches, at an address that suits it.
fn is_kept<T>(initial: T, other: T)
where
    T: FromBytes + IntoBytes + PartialEq + Copy + Send + std::fmt::Debug + 'static,
{
    let directory = tempfile::tempdir().unwrap();
    for kind in Kind::ALL {
        for slots in [2, 3, 31, 32, 33].into_iter().filter(|slots| *slots <= kind.slots().1) {
            let path = directory.path().join(format!("{kind}-{slots}"));
            let options = Options::new().kind(kind).slots(slots);
            let made: Mutex<T> = options.create_at(&path, initial).unwrap();
            let attached: Mutex<T> = options.attach_at(&path).unwrap();
            let (mut one, mut two) = (made.join().unwrap(), attached.join().unwrap());
            {
                let mut data = two.lock().unwrap();
                assert_eq!(*data, initial, "{kind}");
                assert!((&raw const *data).is_aligned());
                *data = other;
            }
            let data = one.lock().unwrap();
            assert_eq!(*data, other, "{kind}");
            assert!((&raw const *data).is_aligned());
        }
    }
}

#[test]
fn values_of_every_shape_are_kept_and_aligned() {
    is_kept(Wide([1; 16]), Wide([u64::MAX; 16]));
    is_kept([Wide([1; 16]); 3], [Wide([2; 16]); 3]);
    is_kept(7_u8, 8);
    is_kept(-1_i128, 1);
    is_kept([1_u8; 4097], [2; 4097]);
}

#[test]
fn a_lock_needs_nothing_to_protect() {
    is_kept((), ());
    is_kept(Nothing, Nothing);
    is_kept([0_u64; 0], []);
}

#[test]
fn the_registers_are_no_part_of_the_data() {
    const LENGTH: usize = 1000;

    for kind in Kind::ALL {
        let mutex: Mutex<[u8; LENGTH]> =
            Options::new().kind(kind).slots(2).anonymous([0xff; LENGTH]).unwrap();
        let (mut one, mut other) = (mutex.join().unwrap(), mutex.join().unwrap());
        for byte in [0, 0xff, 0x55] {
            one.lock().unwrap().fill(byte);
            assert!(other.lock().unwrap().iter().all(|found| *found == byte), "{kind}");
        }
    }
}

#[expect(clippy::large_stack_arrays, reason = "the initial value is passed by value")]
#[test]
fn several_mebibytes_fit() {
    const WORDS: usize = 1 << 19;

    let run = || {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("segment");
        let made: Mutex<[u64; WORDS]> = Options::new().create_at(&path, [3; WORDS]).unwrap();
        let attached: Mutex<[u64; WORDS]> = Options::new().attach_at(&path).unwrap();
        assert!(fs::metadata(&path).unwrap().len() > 8 * WORDS as u64);
        let mut one = made.join().unwrap();
        let mut data = one.lock().unwrap();
        assert!(data.iter().all(|word| *word == 3));
        data[0] = 1;
        data[WORDS - 1] = 2;
        drop(data);
        let mut two = attached.join().unwrap();
        let data = two.lock().unwrap();
        assert_eq!((data[0], data[1], data[WORDS - 1]), (1, 3, 2));
    };
    let roomy = thread::Builder::new().stack_size(128 << 20);
    roomy.spawn(run).unwrap().join().unwrap();
}

/// Whoever does not know the type locks all the same, and does not touch the value; what is made so is
/// like one that protects nothing.
#[test]
fn a_lock_can_be_opened_whatever_it_protects() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("lines");
    let lines: Mutex<u64> = Options::new().kind(Kind::Ticket).open_at(&path, 20).unwrap();
    let any = Options::new().open_any_at(&path).unwrap();
    assert_eq!((any.kind(), any.poisoning(), any.origin()), (Kind::Ticket, true, Origin::Found));
    let guard = any.lock().unwrap();
    assert!(lines.try_lock().unwrap().is_none());
    drop(guard);
    assert_eq!(*lines.lock().unwrap(), 20);
    // What else is asked for has to be so.
    let other = Options::new().kind(Kind::Bakery).open_any_at(&path);
    assert!(matches!(other, Err(Error::WrongKind { .. })), "{other:?}");

    let path = directory.path().join("nothing");
    let any = Options::new().open_any_at(&path).unwrap();
    assert_eq!((any.origin(), any.poisoning()), (Origin::Made, false));
    let nothing: Mutex<()> = Options::new().attach_at(&path).unwrap();
    let guard = nothing.lock().unwrap();
    assert!(any.try_lock().unwrap().is_none());
    drop(guard);
    assert!(matches!(Options::new().attach_at::<u64>(&path), Err(Error::WrongType { .. })));
}
