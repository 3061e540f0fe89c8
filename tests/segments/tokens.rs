//! Fencing tokens: those of a name never go back.

use std::fs;
use std::path::Path;
use std::thread;

use bakery_lock::shared::{Error, Kind, Mutex, Options, Origin};

use crate::forgery::{in_memory, on_a_disk};
use crate::removal::remove;

/// Goes in so often, with one more each time. The last token.
fn goes_in(mutex: &Mutex<u64>, times: u64) -> u64 {
    let mut me = mutex.join().unwrap();
    let first = me.lock().unwrap().token();
    for number in 1..times {
        assert_eq!(me.lock().unwrap().token(), first + number);
    }
    first + times - 1
}

/// A name whose segment goes in some way and is made anew: the next one's tokens are greater.
fn grow_over(parent: &Path, mut goes: impl FnMut(&Path)) {
    let directory = tempfile::tempdir_in(parent).unwrap();
    let path = directory.path().join("segment");
    let mut last = 0;
    for kind in Kind::ALL.into_iter().cycle().take(50) {
        let mutex: Mutex<u64> = Options::new().kind(kind).slots(2).open_at(&path, 0).unwrap();
        assert_eq!(mutex.origin(), Origin::Made);
        let token = goes_in(&mutex, 100);
        assert!(token - 99 > last, "{token} after {last}");
        assert!(i64::try_from(token).is_ok(), "{token} is for signed numbers too");
        assert_eq!(mutex.status().unwrap().acquisitions, 100);
        last = token;
        drop(mutex);
        goes(&path);
    }
}

#[test]
fn tokens_of_a_name_grow_over_removals() {
    for parent in [Some(in_memory()), on_a_disk()].into_iter().flatten() {
        grow_over(parent, remove);
    }
}

#[test]
fn tokens_of_a_name_grow_when_its_file_is_taken_away() {
    grow_over(in_memory(), |path| fs::remove_file(path).unwrap());
    grow_over(in_memory(), |path| {
        fs::remove_dir_all(path.parent().unwrap()).unwrap();
        fs::create_dir(path.parent().unwrap()).unwrap();
    });
}

/// As fast as can be: a new segment each time, one token of each.
#[test]
fn tokens_of_segments_that_are_made_at_the_same_moment_grow_too() {
    let directory = tempfile::tempdir_in(in_memory()).unwrap();
    let path = directory.path().join("segment");
    let mut last = 0;
    for _ in 0..2000 {
        let mutex: Mutex<u64> = Options::new().slots(2).open_at(&path, 0).unwrap();
        let token = mutex.join().unwrap().lock().unwrap().token();
        assert!(token > last, "{token} after {last}");
        last = token;
        drop(mutex);
        match Options::remove_at(&path) {
            Ok(()) => {}
            // Processes that are just being started have it for a moment.
            Err(Error::InUse { .. }) => thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
}
