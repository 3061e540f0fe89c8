//! Segments that are removed, while others come and go.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use std::{panic, process, thread};

use bakery_lock::shared::{Error, Kind, Mutex, Options};
use rustix::fs::{CWD, FileType, FlockOperation, Mode, fcntl_lock, fstat, mknodat};

use crate::child::{Child, command, hear, say, until};
use crate::forgery::{Forgery, HEADER, write_anew};

/// That something failed with this error.
macro_rules! assert_fails {
    ($outcome:expr, $error:pat $(if $guard:expr)?, $($what:tt)+) => {{
        let outcome = $outcome;
        assert!(matches!(&outcome, Err($error) $(if $guard)?), "{}: {outcome:?}", format!($($what)+));
    }};
}

/// Removes a segment that has no users, but for processes that are just being started: until they
/// run their own program they have what this one has.
#[track_caller]
pub fn remove(path: &Path) {
    until(|| match Options::remove_at(path) {
        Ok(()) => true,
        Err(Error::InUse { .. }) => false,
        Err(error) => panic!("{error}"),
    });
    assert!(!path.exists());
}

#[test]
fn processes_that_race_a_remover_are_never_split() {
    race(&[(1, 0), (1, 0), (0, 1)]);
}

#[test]
fn threads_that_race_removers_of_their_own_process_are_never_split() {
    race(&[(1, 1), (1, 1)]);
}

/// Starts processes with so many users and removers each.
fn race(processes: &[(usize, usize)]) {
    const REMOVALS: usize = 1000;

    // Where making and removing files takes no longer than using them.
    let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    let at = directory.path().to_str().unwrap();
    let mut children: Vec<_> = processes
        .iter()
        .map(|(users, removers)| {
            Child::start("races", &[at, &users.to_string(), &removers.to_string()])
        })
        .collect();
    for (child, (users, removers)) in children.iter().zip(processes) {
        (0..REMOVALS * removers).for_each(|_| child.expect("removed it"));
        if *removers == 0 {
            (0..*users).for_each(|_| child.expect("was in"));
        }
    }
    for child in &mut children {
        child.tell("stop");
    }
    children.into_iter().for_each(Child::finish);
}

pub fn races(arguments: &[&str]) {
    let directory = Path::new(arguments[0]);
    let [users, removers] = [1, 2].map(|index| arguments[index].parse::<usize>().unwrap());
    // Not when the others have been told to stop.
    panic::set_hook(Box::new(|panic| {
        eprintln!("{panic}");
        process::abort();
    }));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..users {
            scope.spawn(|| {
                use_once(directory);
                if removers == 0 {
                    say("was in");
                }
                while !done.load(Relaxed) {
                    use_once(directory);
                    // Leaves room for removers.
                    thread::sleep(Duration::from_micros(50));
                }
            });
        }
        for _ in 0..removers {
            scope.spawn(|| {
                while !done.load(Relaxed) {
                    match Options::remove_at(directory.join("segment")) {
                        Ok(()) => say("removed it"),
                        Err(Error::InUse { .. } | Error::NotFound { .. }) => thread::yield_now(),
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
        assert_eq!(hear().as_deref(), Some("stop"));
        done.store(true, Relaxed);
    });
}

fn use_once(directory: &Path) {
    let (path, witness) = (directory.join("segment"), directory.join("witness"));
    let mutex: Mutex<u64> = Options::new().slots(4).open_at(&path, 0).unwrap();
    let is_there = || fs::metadata(&path).is_ok_and(|found| found.ino() == number(&mutex));
    assert!(is_there(), "it was another one's when it was opened");
    let mut me = mutex.join().unwrap();
    {
        let mut count = me.lock().unwrap();
        // Has been there for everybody since before there were segments.
        File::create_new(&witness).expect("nobody else is inside");
        *count += 1;
        fs::remove_file(&witness).unwrap();
    }
    assert!(is_there(), "it has been removed");
}

fn number(file: impl AsFd) -> u64 {
    fstat(file).unwrap().st_ino
}

#[test]
fn one_that_a_process_uses_is_not_removed_until_that_one_is_gone() {
    let forgery = Forgery::new(Kind::Ticket, 8);
    for ends in [Child::kill, Child::finish] {
        write_anew(&forgery.path, &forgery.genuine);
        let mut child = Child::start("uses one", &[forgery.name()]);
        child.expect("7");
        for _ in 0..3 {
            let outcome = Options::remove_at(&forgery.path);
            assert_fails!(outcome, Error::InUse { segment } if segment == forgery.name(), "used");
        }
        assert_eq!(child.ask("again"), "8");
        let found: Mutex<u64> = Options::new().attach_at(&forgery.path).unwrap();
        assert_eq!(*found.join().unwrap().lock().unwrap(), 9);
        drop(found);
        assert_fails!(Options::remove_at(&forgery.path), Error::InUse { .. }, "used by the first");
        ends(child);
        remove(&forgery.path);
        assert_fails!(Options::remove_at(&forgery.path), Error::NotFound { .. }, "removed");
    }
}

pub fn uses_one(arguments: &[&str]) {
    let mutex: Mutex<u64> = Options::new().attach_at(arguments[0]).unwrap();
    let mut me = mutex.join().unwrap();
    loop {
        let mut count = me.lock().unwrap();
        say(&count.to_string());
        *count += 1;
        drop(count);
        if hear().is_none() {
            break;
        }
    }
}

#[test]
fn one_that_this_process_uses_is_not_removed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("segment");
    let made: Mutex<u64> = Options::new().create_at(&path, 1).unwrap();
    assert_fails!(Options::remove_at(&path), Error::InUse { .. }, "by whoever made it");
    let attached: Mutex<u64> = Options::new().attach_at(&path).unwrap();
    drop(made);
    assert_fails!(Options::remove_at(&path), Error::InUse { .. }, "by whoever attached to it");
    assert_eq!(*attached.join().unwrap().lock().unwrap(), 1);
    drop(attached);
    remove(&path);
    let anew: Mutex<u64> = Options::new().open_at(&path, 2).unwrap();
    assert_eq!(*anew.join().unwrap().lock().unwrap(), 2);
}

#[test]
fn one_with_a_name_is_removed_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = command("removes by name", &["count"]);
    Child::spawn(command.env("BAKERY_LOCK_DIR", directory.path().join("made"))).finish();
}

pub fn removes_by_name(arguments: &[&str]) {
    let name = arguments[0];
    assert_fails!(Options::remove(name), Error::NotFound { .. }, "not made yet");
    let mutex: Mutex<u64> = Mutex::open(name, 0).unwrap();
    assert_fails!(Options::remove(name), Error::InUse { .. }, "in use");
    drop(mutex);
    remove(&Options::path_of(name).unwrap());
    drop::<Mutex<u64>>(Mutex::open(name, 0).unwrap());
    Options::remove(name).unwrap();
    assert!(!Options::path_of(name).unwrap().exists());
    assert_fails!(Options::remove("a/b"), Error::BadName { .. }, "no name");
}

#[test]
fn one_that_cannot_be_used_can_be_removed() {
    let forgery = Forgery::new(Kind::Bakery, 8);
    let cases = [
        ("whole", forgery.genuine.clone()),
        ("damaged", forgery.with(|all| all[100] ^= 1)),
        ("of another version", forgery.resealed(|all| all[8] ^= 0xff)),
        ("of another version, as if made by chance", forgery.with(|all| all[8..].fill(0x55))),
        ("of another byte order", forgery.resealed(|all| all[12..16].reverse())),
        ("from before the last restart", forgery.resealed(|all| all[56] ^= 1)),
        ("of an impossible shape", forgery.resealed(|all| all[28..32].fill(0))),
        ("of another type", forgery.resealed(|all| all[48] ^= 1)),
        ("cut off", forgery.with(|all| all.truncate(HEADER))),
        ("cut off in its header", forgery.with(|all| all.truncate(8))),
        ("too long", forgery.with(|all| all.push(0))),
    ];
    for (what, bytes) in cases {
        write_anew(&forgery.path, &bytes);
        println!("{what}");
        remove(&forgery.path);
    }
    assert_eq!(fs::read_dir(forgery.path.parent().unwrap()).unwrap().count(), 0);
}

#[test]
fn what_is_no_segment_stays() {
    let forgery = Forgery::new(Kind::Bakery, 8);
    for bytes in [b"BAKERYL".as_slice(), b"BAKERYLL and more", &[0; 1000], b"#!/bin/sh\n"] {
        fs::write(&forgery.path, bytes).unwrap();
        let outcome = Options::remove_at(&forgery.path);
        assert_fails!(outcome, Error::NotASegment { segment } if segment == forgery.name(), "{bytes:?}");
        assert_eq!(fs::read(&forgery.path).unwrap(), bytes);
    }

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("other");
    let stays = |expected: fn(&Error) -> bool, what: &str| {
        let error = Options::remove_at(&path).unwrap_err();
        assert!(expected(&error), "{what}: {error}");
        assert!(path.symlink_metadata().is_ok(), "{what}");
    };
    fs::create_dir(&path).unwrap();
    stays(|error| matches!(error, Error::NotAFile { .. }), "a directory");
    fs::remove_dir(&path).unwrap();
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    stays(|error| matches!(error, Error::NotAFile { .. }), "a named pipe");
    fs::remove_file(&path).unwrap();
    drop(UnixListener::bind(&path).unwrap());
    stays(|error| matches!(error, Error::NotAFile { .. }), "a socket");
    fs::remove_file(&path).unwrap();
    fs::write(&forgery.path, &forgery.genuine).unwrap();
    symlink(&forgery.path, &path).unwrap();
    stays(|error| matches!(error, Error::Symlink { .. }), "a link to a segment");
    assert_eq!(fs::read(&forgery.path).unwrap(), forgery.genuine);
    let missing = Options::remove_at(directory.path().join("missing"));
    assert_fails!(missing, Error::NotFound { .. }, "no file");
    assert_fails!(Options::remove_at("/"), Error::BadName { .. }, "no file's path");
}

/// Whoever removes a segment, or makes it anew, may be stopped on the way, and may die.
#[test]
fn a_remover_that_does_not_get_on_is_told_of_and_one_that_dies_is_not_waited_for() {
    let forgery = Forgery::new(Kind::Bakery, 8);
    write_anew(&forgery.path, &forgery.genuine);
    let child = Child::start("keeps users out", &[forgery.name()]);
    child.expect("locked");
    let options = Options::new();
    let attached = options.attach_at(&forgery.path);
    assert_refused!(attached, Error::BeingRemoved { segment } if segment == forgery.name(), "attach");
    assert_refused!(options.open_at(&forgery.path, 8), Error::BeingRemoved { .. }, "open");
    assert_fails!(Options::remove_at(&forgery.path), Error::BeingRemoved { .. }, "remove");
    // There is a file, whatever becomes of it.
    assert_refused!(options.create_at(&forgery.path, 8), Error::Exists { .. }, "create");
    child.kill();
    let mutex: Mutex<u64> = options.attach_at(&forgery.path).unwrap();
    assert_eq!(*mutex.join().unwrap().lock().unwrap(), 7);
}

/// As a remover does that stops halfway: a lock on the whole file has the byte in it too.
pub fn keeps_users_out(arguments: &[&str]) {
    let file = File::options().read(true).write(true).open(arguments[0]).unwrap();
    fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive).unwrap();
    say("locked");
    assert_eq!(hear(), None);
}
