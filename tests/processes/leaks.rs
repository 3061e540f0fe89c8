//! What is opened is closed.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::{AsFd, BorrowedFd, RawFd};
use std::path::{Path, PathBuf};

use bakery_lock::shared::{Error, Kind, Mutex, Options};
use rustix::io::{FdFlags, fcntl_getfd};

use crate::child::Child;

/// What the names of a segment's descriptors and mappings have in them, whether the file has its
/// name yet or not.
const DIRECTORY: &str = "leaking-segments";

/// In a process of its own, where nobody else opens anything.
#[test]
fn hundreds_of_participants_come_and_go_without_a_trace() {
    let directory = tempfile::Builder::new().prefix(DIRECTORY).tempdir().unwrap();
    let path = directory.path().join("segment");
    Child::start("leaks nothing", &[path.to_str().unwrap()]).finish();
}

/// Ten thousand times a process attaches, joins, locks and lets go.
#[test]
fn ten_thousand_users_come_and_go_without_a_trace() {
    let directory = tempfile::Builder::new().prefix(DIRECTORY).tempdir().unwrap();
    let path = directory.path().join("segment");
    let _maker: Mutex<u64> = Options::new().slots(3).create_at(&path, 0).unwrap();
    Child::start("attaches again and again", &[path.to_str().unwrap()]).finish();
    let status = Options::status_at(&path).unwrap();
    assert_eq!((status.joined, status.acquisitions, status.recoveries), (0, 20_000, 0));
}

pub fn attaches_again_and_again(arguments: &[&str]) {
    let path = Path::new(arguments[0]);
    let before = possessions();
    for _ in 0..10_000 {
        let mutex: Mutex<u64> = Options::new().attach_at(path).unwrap();
        let (mut one, mut other) = (mutex.join().unwrap(), mutex.join().unwrap());
        *one.lock().unwrap() += 1;
        *other.lock().unwrap() += 1;
    }
    assert_eq!(possessions(), before);
}

/// This process's descriptors, with what they stand for, and how often it has a segment mapped.
fn possessions() -> (BTreeMap<RawFd, PathBuf>, usize) {
    let fds = fs::read_dir("/proc/self/fd").unwrap().map(Result::unwrap).map(|entry| {
        let fd = entry.file_name().to_str().unwrap().parse().unwrap();
        (fd, fs::read_link(entry.path()).unwrap())
    });
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    (fds.collect(), maps.lines().filter(|line| is_segment(line)).count())
}

fn is_segment(what: &str) -> bool {
    what.contains(DIRECTORY) || what.contains("memfd:bakery-lock")
}

pub fn leaks_nothing(arguments: &[&str]) {
    let path = Path::new(arguments[0]);
    cycle(path);
    let before = possessions();
    assert_eq!(before.1, 0);
    for _ in 0..300 {
        fs::remove_file(path).unwrap();
        cycle(path);
    }
    assert_eq!(possessions(), before);
    let mutex: Mutex<u64> = Options::new().attach_at(path).unwrap();
    assert_eq!(*mutex.join().unwrap().lock().unwrap(), 1);
}

fn cycle(path: &Path) {
    let options = Options::new().kind(Kind::Bakery).slots(2);
    let maker: Mutex<u64> = options.open_at(path, 0).unwrap();
    let mutex: Mutex<u64> = options.open_at(path, 0).unwrap();
    let (mut one, _other) = (maker.join().unwrap(), mutex.join().unwrap());
    *one.lock().unwrap() += 1;
    let nameless: Mutex<u64> = options.anonymous(0).unwrap();
    let again: Mutex<u64> =
        options.attach_fd(nameless.as_fd().try_clone_to_owned().unwrap()).unwrap();
    let _third = again.join().unwrap();

    // Whatever fails leaves nothing either.
    assert!(matches!(mutex.join(), Err(Error::Full { .. })));
    let made = options.create_at::<u64>(path, 0);
    assert!(matches!(made, Err(Error::Exists { .. })));
    let other_type = options.attach_at::<u32>(path);
    assert!(matches!(other_type, Err(Error::WrongType { .. })));
    let other_slots = options.slots(3).attach_at::<u64>(path);
    assert!(matches!(other_slots, Err(Error::WrongSlots { .. })));

    let (fds, mappings) = possessions();
    assert_eq!(mappings, 4);
    let segments: Vec<_> =
        fds.into_iter().filter(|(_, what)| is_segment(&what.to_string_lossy())).collect();
    // Four mutexes and three participants.
    assert_eq!(segments.len(), 7, "{segments:?}");
    // Programs that this process starts have nothing to do with them.
    for (fd, what) in segments {
        // SAFETY: one of those above, which are open until the end of this function.
        let fd = unsafe { BorrowedFd::borrow_raw(fd) };
        assert!(fcntl_getfd(fd).unwrap().contains(FdFlags::CLOEXEC), "{}", what.display());
    }
}
