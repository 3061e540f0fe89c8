//! Processes that come for the same segment at the same moment.

use std::fs;
use std::path::Path;

use bakery_lock::shared::{Mutex, Options};
use zerocopy::{FromBytes, IntoBytes};

use crate::child::{Child, hear, say};
use crate::forgery::{reseal, write_anew};

const PROCESSES: u64 = 20;

#[derive(Clone, Copy, FromBytes, IntoBytes)]
#[repr(C)]
struct Guests {
    /// Who made the segment.
    host: u64,
    count: u64,
}

#[test]
fn of_many_that_open_a_new_name_one_makes_it() {
    all_open_at_once(20, |_| ());
}

#[test]
fn of_many_that_open_one_from_before_the_last_restart_one_makes_it_anew() {
    all_open_at_once(100, |path| {
        let mutex: Mutex<Guests> =
            Options::new().create_at(path, Guests { host: 0, count: 1 }).unwrap();
        drop(mutex);
        let mut bytes = fs::read(path).unwrap();
        bytes[56..72].copy_from_slice(b"the run before!!");
        reseal(&mut bytes);
        write_anew(path, &bytes);
    });
}

/// Of the processes that open a segment at the same moment, once something has been put there,
/// all find themselves in the one that one of them has made.
fn all_open_at_once(rounds: usize, prepare: impl Fn(&Path)) {
    let directory = tempfile::tempdir().unwrap();
    let mut children: Vec<_> =
        (1..=PROCESSES).map(|number| Child::start("opens", &[&number.to_string()])).collect();
    for child in &children {
        child.expect("here");
    }
    for round in 0..rounds {
        let path = directory.path().join(round.to_string());
        prepare(&path);
        for child in &mut children {
            child.tell(path.to_str().unwrap());
        }
        let hosts: Vec<_> = children.iter().map(Child::hear).collect();
        let mutex: Mutex<Guests> = Options::new().attach_at(&path).unwrap();
        let guests = *mutex.join().unwrap().lock().unwrap();
        assert_eq!(guests.count, PROCESSES);
        assert!((1..=PROCESSES).contains(&guests.host));
        assert!(hosts.iter().all(|host| *host == guests.host.to_string()), "{hosts:?}");
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), rounds);
    children.into_iter().for_each(Child::finish);
}

pub fn opens(arguments: &[&str]) {
    let host = arguments[0].parse().unwrap();
    say("here");
    while let Some(path) = hear() {
        let mutex: Mutex<Guests> = Options::new().open_at(path, Guests { host, count: 0 }).unwrap();
        let mut me = mutex.join().unwrap();
        let mut guests = me.lock().unwrap();
        guests.count += 1;
        let host = guests.host.to_string();
        drop(guests);
        drop(me);
        say(&host);
    }
}

/// Somebody removes the file again and again: whoever opens it gets one that has been whole.
#[test]
fn a_name_that_comes_and_goes_can_be_opened() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("segment");
    let mut child = Child::start("opens", &["1"]);
    child.expect("here");
    for _ in 0..200 {
        child.tell(path.to_str().unwrap());
        let _ = fs::remove_file(&path);
        let mutex: Mutex<Guests> =
            Options::new().open_at(&path, Guests { host: 2, count: 0 }).unwrap();
        assert!([1, 2].contains(&mutex.join().unwrap().lock().unwrap().host));
        let _ = fs::remove_file(&path);
        let host = child.hear();
        assert!(["1", "2"].contains(&&*host), "{host}");
    }
    child.finish();
}
