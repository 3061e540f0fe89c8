//! Room for those who come: how many get in at once, and who waits for a slot.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;
use std::{fs, io, iter};

use bakery_lock::shared::{Error, Kind, Mutex, Options};
use rustix::process::Signal;
use zerocopy::FromZeros;

use crate::child::{Child, crowd, go, hear, say, until};
use crate::data::{Ledger, Shared, attach};
use crate::obey::in_this_manner;

/// Longer than any test takes.
const LONG: Duration = Duration::from_mins(10);

/// As `make -j` or a minute of cron makes them.
#[test]
fn two_hundred_processes_that_come_at_once_get_in() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("segment");
    let path = path.to_str().unwrap();
    let mutex: Mutex<Ledger> = Options::new().create_at(path, FromZeros::new_zeroed()).unwrap();
    let children = crowd("stays and adds", iter::repeat_n(vec![path], 200));
    let status = mutex.status().unwrap();
    assert_eq!((status.joined, status.dead.len()), (200, 0));
    go(children);
    assert_eq!(mutex.join().unwrap().lock().unwrap().left, 200);
}

pub fn stays_and_adds(arguments: &[&str]) {
    let mutex: Mutex<Ledger> = attach(arguments[0]);
    let mut me = mutex.join().unwrap();
    say("joined");
    hear();
    me.lock().unwrap().add();
}

/// Whether somebody waits for a slot with this ticket, as everybody can ask the kernel.
fn is_in_line(path: &str, ticket: i64) -> bool {
    const LINE: i64 = 1 << 43;

    let file = File::options().read(true).write(true).open(path).unwrap();
    // SAFETY: all zeros is a value of this struct of integers.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = libc::F_WRLCK.try_into().unwrap();
    lock.l_whence = libc::SEEK_SET.try_into().unwrap();
    lock.l_start = LINE + ticket;
    lock.l_len = 1;
    // SAFETY: the descriptor is open, and the argument of this command is a pointer to such a
    // struct.
    let answer = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_GETLK, &raw mut lock) };
    assert_eq!(answer, 0, "{}", io::Error::last_os_error());
    libc::c_int::from(lock.l_type) != libc::F_UNLCK
}

/// One that waits for a slot, and has this ticket.
fn waiting(shared: &Shared<Ledger>, ticket: i64) -> Child {
    let child = Child::start("waits for room", &[shared.path()]);
    until(|| is_in_line(shared.path(), ticket));
    child
}

pub fn waits_for_room(arguments: &[&str]) {
    let mutex: Mutex<Ledger> = in_this_manner(&arguments[1..]).attach_at(arguments[0]).unwrap();
    let mut me = mutex.join_for(LONG).unwrap();
    say("joined");
    while hear().is_some() {
        me.lock().unwrap().add();
        say("added");
    }
}

/// Two slots, and who has them.
fn full(kind: Kind) -> (Shared<Ledger>, Vec<Child>) {
    let shared = Shared::new(kind, 2);
    let owners = crowd("waits for room", iter::repeat_n(vec![shared.path()], 2));
    (shared, owners)
}

fn those_who_wait_for_room_get_it_in_their_order(kind: Kind) {
    let (shared, mut owners) = full(kind);
    let line: Vec<_> = (0..4).map(|ticket| waiting(&shared, ticket)).collect();
    // Whoever would not wait is told so, and takes nobody's place.
    assert!(matches!(shared.mutex.join(), Err(Error::Full { slots: 2, .. })));
    for (place, next) in (0..).zip(line) {
        assert!((place..4).all(|ticket| is_in_line(shared.path(), ticket)));
        owners.remove(0).finish();
        next.expect("joined");
        // It has left the line, and nobody else has.
        until(|| !is_in_line(shared.path(), place));
        assert!((place + 1..4).all(|ticket| is_in_line(shared.path(), ticket)));
        owners.push(next);
    }
    for owner in &mut owners {
        assert_eq!(owner.ask("add"), "added");
    }
    owners.into_iter().for_each(Child::finish);
}

each_kind!(those_who_wait_for_room_get_it_in_their_order);

/// Those who have the slots do nothing, and whoever waits does not look.
#[test]
fn whoever_waits_for_room_hears_of_deaths() {
    let (shared, mut owners) = full(Kind::Bakery);
    let waits = |ticket| {
        let child = Child::start("waits for room", &[shared.path(), "seldom"]);
        until(|| is_in_line(shared.path(), ticket));
        child.until_asleep();
        child
    };
    for ticket in 0..4 {
        let next = waits(ticket);
        owners.remove(0).kill();
        next.expect("joined");
        owners.push(next);
    }
    assert_eq!(shared.mutex.status().unwrap().recoveries, 4);
}

#[test]
fn a_dead_participants_slot_goes_to_whoever_waits_for_room() {
    let (shared, mut owners) = full(Kind::Bakery);
    let next = waiting(&shared, 0);
    owners.remove(0).kill();
    next.expect("joined");
    assert_eq!(shared.mutex.status().unwrap().recoveries, 1);
}

#[test]
fn one_that_dies_waiting_for_room_is_in_nobodys_way() {
    let (shared, mut owners) = full(Kind::Bakery);
    let (first, next) = (waiting(&shared, 0), waiting(&shared, 1));
    first.kill();
    owners.remove(0).finish();
    next.expect("joined");
}

#[test]
fn one_that_is_stopped_waiting_for_room_holds_nobody_up_for_long() {
    let (shared, mut owners) = full(Kind::Bakery);
    let (first, next) = (waiting(&shared, 0), waiting(&shared, 1));
    first.signal(Signal::STOP);
    first.until_state('T');
    owners.remove(0).finish();
    next.expect("joined");
    // And one that does not want to wait.
    owners.remove(0).finish();
    drop(shared.mutex.join().unwrap());
    first.signal(Signal::CONT);
    first.expect("joined");
}

#[test]
fn waiting_for_room_ends_at_the_deadline() {
    let (shared, _owners) = full(Kind::Bakery);
    for timeout in [0, 1, 50] {
        let outcome = shared.mutex.join_for(Duration::from_millis(timeout));
        let text = outcome.unwrap_err().to_string();
        assert!(text.contains("all 2 slots are taken") && text.contains("status"), "{text}");
    }
    assert!((0..3).all(|ticket| !is_in_line(shared.path(), ticket)));
}

/// Nobody looks at what nobody has joined, whoever died: reading it would take memory.
fn looking_after_the_dead_takes_no_memory(kind: Kind) {
    let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = directory.path().join("segment");
    let mutex: Mutex<Ledger> =
        Options::new().kind(kind).slots(1024).create_at(&path, FromZeros::new_zeroed()).unwrap();
    let path = path.to_str().unwrap();
    let memory = || fs::metadata(path).unwrap().blocks();
    let before = memory();
    let mut children = crowd("obeys", (0..5).map(|_| vec![path, "park", "0"]));
    let mut passer_by = children.pop().unwrap();
    assert_eq!(children[0].ask("lock"), "in");
    for child in &mut children[1..] {
        assert_eq!(child.ask("enter"), "in line");
    }
    children.remove(1).kill();
    // One that does not wait looks after all. A dead one's slot that keeps its place in line is left to
    // whoever needs a slot.
    assert_eq!(passer_by.ask("try"), "no");
    let kept = usize::from(kind == Kind::Ticket);
    assert_eq!(mutex.status().unwrap().recoveries, 1 - kept as u64);
    assert_eq!(memory(), before);
    children.remove(0).kill();
    for child in &mut children {
        assert!(child.ask("wait").contains(" died inside"));
    }
    let status = mutex.status().unwrap();
    assert!(status.dead.len() <= kept);
    assert_eq!(status.recoveries + status.dead.len() as u64, 2);
    assert_eq!(memory(), before);
}

each_kind!(
    looking_after_the_dead_takes_no_memory: bakery Bakery, black_white BlackWhite, ticket Ticket, bypass Bypass
);

/// Scans go as far as slots have been joined: not farther, the more participants have died that
/// nobody had waited for.
#[test]
fn the_dead_take_up_no_more_room_than_the_living() {
    let shared = Shared::<Ledger>::new(Kind::Bakery, 256);
    for _ in 0..40 {
        let [child] =
            <[Child; 1]>::try_from(crowd("waits for room", [vec![shared.path()]])).ok().unwrap();
        child.kill();
        assert!(shared.mutex.status().unwrap().joined <= 16);
    }
    assert!(shared.mutex.join().unwrap().slot().index() < 16);
    assert!(shared.mutex.status().unwrap().recoveries >= 24);
}
