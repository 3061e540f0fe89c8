//! Processes that come for the same segment at the same moment.

use std::fs;
use std::path::Path;

use bakery_lock::shared::{Error, Mutex, Options};
use zerocopy::{FromBytes, IntoBytes};

use crate::child::{Child, hear, say};
use crate::forgery::{in_memory, on_a_disk, write_anew};
use crate::restarts::of_another_run;

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
    all_open_at_once(20, in_memory(), 1, |_| ());
}

/// The bytes of a segment that another run of the machine has made.
fn from_before(path: &Path) -> Vec<u8> {
    let mutex: Mutex<Guests> =
        Options::new().create_at(path, Guests { host: 0, count: 100 }).unwrap();
    drop(mutex);
    of_another_run(fs::read(path).unwrap())
}

#[test]
fn of_many_that_open_one_from_before_the_last_restart_one_makes_it_ready() {
    let Some(disk) = on_a_disk() else { return };
    all_open_at_once(50, disk, 0, |path| write_anew(path, &from_before(path)));
}

#[test]
fn of_many_that_open_one_that_a_restart_has_made_void_one_makes_it_anew() {
    let Some(disk) = on_a_disk() else { return };
    all_open_at_once(50, disk, 1, |path| write_anew(path, &from_before(path)[..600]));
}

#[test]
fn of_many_that_open_what_a_loss_of_power_has_left_one_makes_it_anew() {
    let Some(disk) = on_a_disk() else { return };
    all_open_at_once(50, disk, 1, |path| {
        let length = from_before(path).len();
        write_anew(path, &vec![0; length]);
    });
}

/// Of the processes that open a segment at the same moment, once something has been put there,
/// all find themselves in the one that one of them has made, or in that which was there before,
/// which host 0 has made and 100 have visited.
fn all_open_at_once(rounds: usize, parent: &Path, first_host: u64, prepare: impl Fn(&Path)) {
    let directory = tempfile::tempdir_in(parent).unwrap();
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
        assert_eq!(guests.count, PROCESSES + if first_host == 0 { 100 } else { 0 });
        let last_host = if first_host == 0 { 0 } else { PROCESSES };
        assert!((first_host..=last_host).contains(&guests.host));
        assert!(hosts.iter().all(|host| *host == guests.host.to_string()), "{hosts:?}");
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), rounds);
    children.into_iter().for_each(Child::finish);
}

pub fn opens(arguments: &[&str]) {
    let host = arguments[0].parse().unwrap();
    say("here");
    while let Some(path) = hear() {
        say(&visit(Path::new(&path), host).to_string());
    }
}

/// Who is the host of the segment there.
fn visit(path: &Path, host: u64) -> u64 {
    loop {
        let mutex: Mutex<Guests> = Options::new().open_at(path, Guests { host, count: 0 }).unwrap();
        let host = mutex.join().and_then(|mut me| {
            let mut guests = me.lock()?;
            guests.count += 1;
            Ok(guests.host)
        });
        match host {
            Ok(host) => return host,
            Err(Error::Removed { .. }) => {}
            Err(error) => panic!("{error}"),
        }
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
        assert!([1, 2].contains(&visit(&path, 2)));
        let _ = fs::remove_file(&path);
        let host = child.hear();
        assert!(["1", "2"].contains(&&*host), "{host}");
    }
    child.finish();
}
