//! Slots: how many there are, who gets one, and that they are given back.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::{fs, io, thread};

use bakery_lock::shared::{Error, Kind, Mutex, Options};
use zerocopy::{FromBytes, IntoBytes};

use crate::child::{Child, crowd, go, hear, say};
use crate::data::{Ledger, Shared, attach};

/// A child's end gives its slot back, and so does the end of a participant within it.
fn slots_are_used_again(kind: Kind) {
    let shared = Shared::<Ledger>::new(kind, 3);
    let slots = shared.mutex.slots();
    // Not here, where other tests start processes, which have all descriptors for a moment.
    Child::start("joins again and again", &[shared.path()]).finish();
    for _ in 0..3 * slots {
        Child::start("joins once", &[shared.path()]).finish();
    }
    assert_eq!(shared.peek(|ledger| ledger.left), u64::from(6 * slots));
}

each_kind!(slots_are_used_again);

pub fn joins_again_and_again(arguments: &[&str]) {
    let mutex: Mutex<Ledger> = attach(arguments[0]);
    for _ in 0..3 * mutex.slots() {
        let mut me = mutex.join().unwrap();
        assert_eq!(me.slot().index(), 0);
        me.lock().unwrap().add();
    }
}

pub fn joins_once(arguments: &[&str]) {
    let mutex: Mutex<Ledger> = attach(arguments[0]);
    mutex.join().unwrap().lock().unwrap().add();
}

/// As many participants as there are slots, and no more, from whatever process.
fn a_full_segment_says_so(kind: Kind) {
    let shared = Shared::<Ledger>::new(kind, 3);
    let slots = shared.mutex.slots();
    let mut children = crowd("fills up", (0..slots).map(|_| vec![shared.path()]));
    for child in &mut children {
        assert_eq!(child.ask("is it full?"), "full");
    }
    let error = shared.mutex.join().unwrap_err();
    assert!(
        matches!(&error, Error::Full { segment, slots: found } if segment == shared.path() && *found == slots),
        "{error:?}"
    );
    let text = error.to_string();
    assert!(text.contains(shared.path()) && text.contains(&format!("all {slots} slots")), "{text}");
    // One that goes makes room for one.
    children.pop().unwrap().finish();
    children.extend(crowd("fills up", [vec![shared.path()]]));
    assert_eq!(children[0].ask("is it full?"), "full");
    children.into_iter().for_each(Child::finish);
    assert_eq!(shared.peek(|ledger| ledger.left), 0);
}

each_kind!(a_full_segment_says_so);

pub fn fills_up(arguments: &[&str]) {
    let mutex: Mutex<Ledger> = attach(arguments[0]);
    let _me = mutex.join().unwrap();
    say("joined");
    while hear().is_some() {
        say(match mutex.join() {
            Err(Error::Full { .. }) => "full",
            _ => "not full",
        });
    }
}

/// Whoever joins at the same moment gets another slot: it is nobody else's until its participant is
/// dropped.
#[test]
fn a_slot_has_one_owner() {
    let shared = Shared::<Owners>::new(Kind::Bakery, 32);
    go(crowd("comes and goes", (0..2).map(|_| vec![shared.path()])));
    shared.peek(|owners| assert_eq!(owners.0, [0; 32]));
}

/// What tells others that a slot's owner lives: the kernel's word, which a process cannot leave
/// behind.
#[test]
fn a_slots_byte_is_locked_while_its_owner_lives() {
    let shared = Shared::<u64>::new(Kind::Bakery, 3);
    Child::start("locks bytes", &[shared.path()]).finish();
}

pub fn locks_bytes(arguments: &[&str]) {
    // On a description of its own, as another process has it.
    let is_free = |slot| {
        let file = File::options().read(true).write(true).open(arguments[0]).unwrap();
        lock_byte(&file, slot).is_ok()
    };
    let mutex: Mutex<u64> = attach(arguments[0]);
    assert!((0..3).all(is_free));
    let one = mutex.join().unwrap();
    let other = mutex.join().unwrap();
    assert_eq!([0, 1, 2].map(is_free), [false, false, true]);
    drop(one);
    assert_eq!([0, 1, 2].map(is_free), [true, false, true]);
    // A slot whose byte is somebody else's is not free, whatever stands in the segment.
    let file = File::options().write(true).open(arguments[0]).unwrap();
    lock_byte(&file, 0).unwrap();
    assert_eq!(mutex.join().unwrap().slot().index(), 2);
    drop((file, other));
    assert!((0..3).all(is_free));
    assert_eq!(mutex.join().unwrap().slot().index(), 0);
}

fn lock_byte(file: &File, slot: i64) -> io::Result<()> {
    // SAFETY: all zeros is a value of this struct of integers.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = libc::F_WRLCK.try_into().unwrap();
    lock.l_whence = libc::SEEK_SET.try_into().unwrap();
    lock.l_start = (1 << 40) + slot;
    lock.l_len = 1;
    // SAFETY: the descriptor is open, and the argument of this command is a pointer to such a
    // struct.
    let answer = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const lock) };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// How many participants believe that a slot is theirs.
#[derive(FromBytes, IntoBytes)]
#[repr(C)]
struct Owners([u64; 32]);

pub fn comes_and_goes(arguments: &[&str]) {
    let mutex: Mutex<Owners> = attach(arguments[0]);
    let owned: [AtomicBool; 32] = Default::default();
    let come_and_go = || {
        for round in 0..5000 {
            let mut me = mutex.join().unwrap();
            let slot = me.slot().index();
            assert!(!owned[slot].swap(true, SeqCst), "slot {slot}");
            if round % 50 == 0 {
                // The same among the processes.
                me.lock().unwrap().0[slot] += 1;
                assert_eq!(me.lock().unwrap().0[slot], 1, "slot {slot}");
                me.lock().unwrap().0[slot] -= 1;
            }
            owned[slot].store(false, SeqCst);
        }
    };
    say("joined");
    hear();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(come_and_go);
        }
    });
}

fn numbers_of_slots_have_bounds(kind: Kind) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("segment");
    let (least, most) = if kind == Kind::Peterson { (2, 2) } else { (2, 4096) };
    assert_eq!(kind.slots(), (least, most));
    for slots in [0, 1, most + 1, 4097, u32::MAX] {
        let options = Options::new().kind(kind).slots(slots);
        for made in [options.create_at(&path, 0), options.open_at(&path, 0), options.anonymous(0)] {
            let made: Result<Mutex<u64>, _> = made;
            let error = made.unwrap_err();
            let expected = (kind, slots, least, most);
            assert!(
                matches!(error, Error::BadSlots { kind, slots, least, most } if (kind, slots, least, most) == expected),
                "{error:?}"
            );
            assert!(!path.exists());
        }
    }
    for slots in [least, most] {
        let mutex: Mutex<u64> = Options::new().kind(kind).slots(slots).create_at(&path, 6).unwrap();
        assert_eq!((mutex.kind(), mutex.slots()), (kind, slots));
        let (mut one, mut other) = (mutex.join().unwrap(), mutex.join().unwrap());
        *one.lock().unwrap() += 1;
        assert_eq!(*other.lock().unwrap(), 7);
        fs::remove_file(&path).unwrap();
    }
}

each_kind!(numbers_of_slots_have_bounds);

/// Enough for what comes at once, but where the cost of each passage grows with the room.
fn a_default_segment_has_room(kind: Kind) {
    let mutex: Mutex<u64> = Options::new().kind(kind).anonymous(0).unwrap();
    let expected = match kind {
        Kind::Peterson => 2,
        Kind::FastUnrecoverable | Kind::Filter | Kind::Tournament => 64,
        _ => 1024,
    };
    assert_eq!((mutex.slots(), kind.default_slots()), (expected, expected));
}

each_kind!(a_default_segment_has_room);

/// More participants than there are bits in a word.
fn a_hundred_participants_exclude_each_other(kind: Kind) {
    let shared = Shared::<Ledger>::new(kind, 100);
    let mut participants: Vec<_> = (0..100).map(|_| shared.mutex.join().unwrap()).collect();
    assert!(matches!(shared.mutex.join(), Err(Error::Full { slots: 100, .. })));
    let slots: Vec<_> = participants.iter().map(|participant| participant.slot().index()).collect();
    assert!(slots.is_sorted_by(|one, other| one < other), "{slots:?}");
    thread::scope(|scope| {
        for me in &mut participants {
            scope.spawn(|| (0..3).for_each(|_| me.lock().unwrap().add()));
        }
    });
    assert_eq!(participants[99].lock().unwrap().left, 300);
}

each_kind!(
    a_hundred_participants_exclude_each_other: bakery Bakery, black_white BlackWhite, fast FastUnrecoverable, filter Filter,
    tournament Tournament, ticket Ticket, bypass Bypass
);
