//! Peers that write what they like to all of a segment but its header.
//!
//! A lock may then let in two, or nobody; but whoever calls gets an answer by the deadline, and no
//! crash.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use bakery_lock::shared::{Error, Guard, Kind, Mutex, Options};
use bakery_lock::wait::{DefaultWait, SpinYield, Wait};
use proptest::prelude::any;
use proptest::strategy::{Just, Strategy};
use proptest::test_runner::{Config, TestRunner};
use proptest::{collection::vec, prop_oneof};

use crate::child::{Child, say};
use crate::forgery::{Forgery, HEADER, JOURNAL, REGISTERS, parts, write};

const SLOTS: u32 = 5;

fn calls_come_back(kind: Kind) {
    // Killed should they not.
    Child::start("meets scribbles", &[&kind.to_string()]).finish();
}

each_kind!(calls_come_back);

/// Bytes for the registers, that look more or less like registers.
fn noise(length: usize) -> impl Strategy<Value = Vec<u8>> {
    let small = vec(prop_oneof![4 => Just(0_u32), 2 => 0..SLOTS + 2, 1 => Just(u32::MAX), 1 => Just(u32::MAX - 1)], length / 4)
        .prop_map(|words| words.into_iter().flat_map(u32::to_ne_bytes).collect());
    prop_oneof![
        vec(any::<u8>(), length),
        any::<u8>().prop_map(move |byte| vec![byte; length]),
        small
    ]
}

pub fn meets_scribbles(arguments: &[&str]) {
    let kind: Kind = arguments[0].parse().unwrap();
    let slots = SLOTS.min(kind.slots().1);
    let forgery = Forgery::new(kind, slots);
    let (participants, data) = parts(forgery.genuine.len(), slots);
    let config = Config { cases: 150, failure_persistence: None, ..Config::default() };
    let all = noise(data - JOURNAL);
    let cases = (all, any::<bool>(), any::<bool>());
    let outcome = TestRunner::new(config).run(&cases, |(mut bytes, early, registers_only)| {
        let mut from = JOURNAL;
        if registers_only {
            // Where the identities are overwritten, nobody can join any more.
            bytes.truncate(participants - REGISTERS);
            from = REGISTERS;
        }
        try_all::<DefaultWait>(&forgery, from, &bytes, early);
        try_all::<SpinYield>(&forgery, from, &bytes, early);
        bytes.truncate(participants - REGISTERS);
        lock_in_noise(&forgery, &bytes);
        Ok(())
    });
    outcome.unwrap();
    while_scribbling(&forgery, participants - REGISTERS);
}

fn try_all<W: Wait>(forgery: &Forgery, from: usize, bytes: &[u8], early: bool) {
    fs::write(&forgery.path, &forgery.genuine).unwrap();
    let mutex: Mutex<u64, W> = Options::new().waiting().attach_at(&forgery.path).unwrap();
    let scribble = || write(&forgery.path, from, bytes);
    if early {
        scribble();
        let Ok(mut me) = mutex.join() else { return };
        touch(me.try_lock());
        touch(me.lock_for(Duration::from_millis(1)));
        return;
    }
    let (mut one, mut other) = (mutex.join().unwrap(), mutex.join().unwrap());
    let inside = one.lock().unwrap();
    scribble();
    touch(other.lock_for(Duration::from_micros(300)));
    drop(inside);
    scribble();
    touch(other.try_lock());
    touch(one.lock_for(Duration::ZERO));
}

/// A call without a deadline outlives the noise: it comes back when the registers are what they
/// were.
fn lock_in_noise(forgery: &Forgery, bytes: &[u8]) {
    const MOMENT: Duration = Duration::from_micros(200);

    fs::write(&forgery.path, &forgery.genuine).unwrap();
    // One that looks for itself: nobody will wake it.
    let mutex: Mutex<u64, SpinYield> = Options::new().waiting().attach_at(&forgery.path).unwrap();
    let mut me = mutex.join().unwrap();
    write(&forgery.path, REGISTERS, bytes);
    thread::scope(|scope| {
        let caller = scope.spawn(move || touch(me.lock().map(Some)));
        // Again and again: it may write down what it has read before.
        while !caller.is_finished() {
            thread::sleep(MOMENT);
            write(&forgery.path, REGISTERS, &forgery.genuine[REGISTERS..][..bytes.len()]);
        }
    });
}

/// Nobody but a participant itself writes that it waits: if that is gone, it is told, and soon.
fn one_whose_registers_are_gone_comes_back(kind: Kind) {
    let forgery = Forgery::new(kind, 2);
    let (participants, _) = parts(forgery.genuine.len(), 2);
    let mutex: Mutex<u64, SpinYield> = Options::new().waiting().attach_at(&forgery.path).unwrap();
    let (mut one, mut other) = (mutex.join().unwrap(), mutex.join().unwrap());
    let inside = one.lock().unwrap();
    let outcome = thread::scope(|scope| {
        let waiting = other.enter().unwrap();
        write(&forgery.path, REGISTERS, &vec![0; participants - REGISTERS]);
        scope.spawn(move || waiting.wait().map(drop)).join().unwrap()
    });
    drop(inside);
    match kind {
        Kind::Ticket | Kind::Bypass => {
            let error = outcome.unwrap_err();
            assert!(
                matches!(&error, Error::Corrupt { slot: 1, what, .. } if what.contains("deny")),
                "{error}"
            );
        }
        // With nobody there, it is its turn.
        _ => outcome.unwrap(),
    }
}

each_kind!(one_whose_registers_are_gone_comes_back);

/// In a process of its own, which is killed should it hang.
fn what_is_cut_off_or_changed_is_refused_or_works(kind: Kind) {
    Child::start("meets every change", &[&kind.to_string()]).finish();
}

each_kind!(what_is_cut_off_or_changed_is_refused_or_works);

/// Every length, and every byte.
pub fn meets_every_change(arguments: &[&str]) {
    let kind: Kind = arguments[0].parse().unwrap();
    // On a file system that takes no time.
    let forgery = Forgery::new_in("/dev/shm", kind, 2);
    let whole = forgery.genuine.len();
    for length in 0..whole + 130 {
        let outcome = forgery.attach(&forgery.with(|bytes| bytes.resize(length, 0)));
        assert_eq!(outcome.is_ok(), length == whole, "{length} bytes: {outcome:?}");
    }
    for offset in 0..whole {
        if offset.is_multiple_of(64) {
            say("it goes on");
        }
        for flip in [0x01, 0x80, 0xff] {
            for bytes in [
                forgery.with(|bytes| bytes[offset] ^= flip),
                forgery.resealed(|bytes| bytes[offset] ^= flip),
            ] {
                let attached = forgery.attach(&bytes);
                let seen = Options::status_at(&forgery.path);
                match attached {
                    Ok(mutex) => use_all(&mutex),
                    Err(error) => assert!(offset < HEADER, "{offset} {flip}: {error}"),
                }
                // Before and after somebody has used it. Whoever looks on takes any type.
                for seen in [seen, Options::status_at(&forgery.path)] {
                    assert!(seen.is_ok() || offset < HEADER, "{offset} {flip}: {seen:?}");
                }
            }
        }
    }
}

/// Joins and calls, each time with a deadline; what comes of it depends on what has been changed.
fn use_all(mutex: &Mutex<u64>) {
    const MOMENT: Duration = Duration::from_micros(300);

    let (one, other) = (mutex.join(), mutex.join());
    for mut me in [one, other].into_iter().flatten() {
        let _ = me.try_lock().map(|guard| guard.map(|mut value| *value += 1));
        let _ = me.lock_for(MOMENT).map(|guard| guard.map(|mut value| *value += 1));
    }
}

/// Any answer will do but an error that has nothing to do with registers.
fn touch<W: Wait>(outcome: Result<Option<Guard<'_, u64, W>>, Error>) {
    match outcome {
        Ok(Some(mut guard)) => *guard += 1,
        Ok(None)
        | Err(
            Error::Unsupported { .. }
            | Error::Corrupt { .. }
            | Error::OwnerDied { .. }
            | Error::Unrecoverable { .. },
        ) => {}
        Err(error) => panic!("{error:?}"),
    }
}

/// Others overwrite the registers over and over while calls are being made.
fn while_scribbling(forgery: &Forgery, length: usize) {
    fs::write(&forgery.path, &forgery.genuine).unwrap();
    let mutex: Mutex<u64> = Options::new().attach_at(&forgery.path).unwrap();
    let (mut one, mut other) = (mutex.join().unwrap(), mutex.join().unwrap());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| scribble_until(&done, &forgery.path, length));
        scope.spawn(|| (0..200).for_each(|_| touch(other.lock_for(Duration::from_micros(200)))));
        for _ in 0..200 {
            touch(one.try_lock());
            touch(one.lock_for(Duration::from_micros(200)));
        }
        done.store(true, Relaxed);
    });
}

fn scribble_until(done: &AtomicBool, path: &Path, length: usize) {
    // Marsaglia's xorshift: any noise will do.
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    while !done.load(Relaxed) {
        let offset = REGISTERS + usize::try_from(next()).unwrap() % (length - 8) / 4 * 4;
        let word = if next().is_multiple_of(2) { next() } else { next() % 7 };
        write(path, offset, &word.to_ne_bytes());
    }
}

/// A number that has none after it: the doorway is closed, since counting on from 0 would let two
/// in.
#[test]
fn numbers_do_not_wrap() {
    let greatest: [(Kind, &[u8]); 2] = [
        (Kind::Bakery, &u64::MAX.to_ne_bytes()),
        // Of the colour that is handed out.
        (Kind::BlackWhite, &(u32::MAX - 1).to_ne_bytes()),
    ];
    for (kind, greatest) in greatest {
        let forgery = Forgery::new(kind, SLOTS);
        let mutex: Mutex<u64> = Options::new().attach_at(&forgery.path).unwrap();
        let (mut me, mut other) = (mutex.join().unwrap(), mutex.join().unwrap());
        assert_eq!(other.slot().index(), 1);
        let register = REGISTERS + 128 * (1 + other.slot().index());
        write(&forgery.path, register, greatest);
        assert!(me.try_lock().unwrap().is_none());
        assert!(me.lock_for(Duration::from_millis(5)).unwrap().is_none());
        for error in [me.lock().err(), me.enter().err()] {
            let error = error.expect("the doorway is closed");
            assert!(
                matches!(&error, Error::Corrupt { segment, slot: 0, .. } if segment == forgery.name()),
                "{error:?}"
            );
        }
        // Nothing is left behind.
        write(&forgery.path, register, &vec![0; greatest.len()]);
        *me.lock().unwrap() += 1;
        assert_eq!(*other.try_lock().unwrap().unwrap(), 8);
    }
}
