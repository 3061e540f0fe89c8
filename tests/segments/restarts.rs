//! Segments that have outlived a restart of the machine.

use std::fs;
use std::os::unix::fs::MetadataExt;

use bakery_lock::shared::{Error, Kind, Mutex, Options};

use crate::forgery::{Forgery, write, write_anew};
use crate::outcome::Opened;

const BOOT_ID: usize = 56;

/// The bytes of a segment that another run of the machine has made.
fn stale(forgery: &Forgery) -> Vec<u8> {
    forgery.resealed(|bytes| bytes[BOOT_ID..BOOT_ID + 16].copy_from_slice(b"the run before!!"))
}

#[test]
fn one_from_before_is_made_anew_by_whoever_has_a_value_for_it() {
    type Make = fn(&Options, &Forgery) -> Opened;
    const MAKES: [Make; 2] = [
        |options, forgery| options.open_at(&forgery.path, 8),
        |options, forgery| options.create_at(&forgery.path, 8),
    ];
    for make in MAKES {
        let forgery = Forgery::new(Kind::Bakery, 8);
        write_anew(&forgery.path, &stale(&forgery));
        let attached = Options::new().attach_at(&forgery.path);
        assert_refused!(attached, Error::Stale { segment } if segment == forgery.name(), "attach");
        // It need not have been like the new one.
        let mutex = make(&Options::new().kind(Kind::Ticket).slots(3), &forgery).unwrap();
        assert_eq!((mutex.kind(), mutex.slots()), (Kind::Ticket, 3));
        *mutex.join().unwrap().lock().unwrap() += 1;
        let same: Mutex<u64> = Options::new().open_at(&forgery.path, 0).unwrap();
        assert_eq!(*same.join().unwrap().lock().unwrap(), 9);
        let directory = forgery.path.parent().unwrap();
        assert_eq!(fs::read_dir(directory).unwrap().count(), 1);
    }
}

#[test]
fn one_from_before_may_have_held_another_type() {
    let forgery = Forgery::new(Kind::Bakery, 8);
    write_anew(&forgery.path, &stale(&forgery));
    let mutex: Opened<[u8; 3]> = Options::new().open_at(&forgery.path, *b"new");
    assert_eq!(*mutex.unwrap().join().unwrap().lock().unwrap(), *b"new");
}

/// Its users cannot be of this run of the machine; but if there are some, it is left to them.
#[test]
fn one_from_before_that_somebody_uses_is_left_alone() {
    let forgery = Forgery::new(Kind::Bakery, 8);
    let user: Mutex<u64> = Options::new().attach_at(&forgery.path).unwrap();
    write(&forgery.path, 0, &stale(&forgery));
    let number = || fs::metadata(&forgery.path).unwrap().ino();
    let before = number();
    for _ in 0..3 {
        let options = Options::new();
        assert_refused!(options.open_at(&forgery.path, 8), Error::Stale { .. }, "open");
        assert_refused!(options.create_at(&forgery.path, 8), Error::Stale { .. }, "create");
        assert_refused!(options.attach_at(&forgery.path), Error::Stale { .. }, "attach");
    }
    assert_eq!(number(), before);
    assert_eq!(*user.join().unwrap().lock().unwrap(), 7);
}

/// Only what holds together can be known to be from before.
#[test]
fn one_that_is_damaged_is_not_made_anew() {
    let forgery = Forgery::new(Kind::Bakery, 8);
    let bytes = forgery.with(|bytes| bytes[BOOT_ID] ^= 1);
    assert_refused!(forgery.attach(&bytes), Error::Damaged { .. }, "attach");
    assert_refused!(Options::new().open_at(&forgery.path, 8), Error::Damaged { .. }, "open");
    assert_refused!(Options::new().create_at(&forgery.path, 8), Error::Exists { .. }, "create");
    assert_eq!(fs::read(&forgery.path).unwrap(), bytes);
}
