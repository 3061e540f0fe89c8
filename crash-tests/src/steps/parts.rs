//! What those do who take part: one that is single-stepped, and others.

use std::fs;
use std::os::fd::AsFd;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use bakery_lock::shared::{Error, Guard, Kind, Participant};

use super::trace::{Tracee, mark};
use super::{Brief, Data, Mutex, Path, options_of};
use crate::crash::die;
use crate::process::{moment, until};

/// What the victim and the others tell, known of the dead as well.
#[derive(Debug)]
pub(super) struct Stage {
    phase: AtomicU32,
    victim: AtomicU32,
    held: AtomicU32,
    go: AtomicU32,
    leave_when_asleep: AtomicU32,
    told: AtomicU32,
}

/// How often survivors were told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Never,
    Once,
    Again,
}

const OUTSIDE: u32 = 0;
/// Inside `lock`.
const LOCKS: u32 = 1;
const INSIDE: u32 = 2;
/// Inside the guard's drop.
const LEAVES: u32 = 3;
const LEFT: u32 = 4;

impl Stage {
    pub(super) fn wipe(&self) {
        for word in
            [&self.phase, &self.victim, &self.held, &self.go, &self.leave_when_asleep, &self.told]
        {
            word.store(0, SeqCst);
        }
    }

    fn comes_to(&self, phase: u32) {
        self.phase.store(phase, SeqCst);
    }

    pub(super) fn until_held(&self, limit: Duration) -> bool {
        until(limit, || self.held.load(SeqCst) == 1)
    }

    pub(super) fn leave_when_asleep(&self, victim: &Tracee, leave: bool) {
        self.victim.store(victim.pid().as_raw_pid().unsigned_abs(), SeqCst);
        self.leave_when_asleep.store(leave.into(), SeqCst);
    }

    pub(super) fn let_go(&self) {
        self.go.store(1, SeqCst);
    }

    pub(super) fn told(&self) -> Told {
        match self.told.load(SeqCst) {
            0 => Told::Never,
            1 => Told::Once,
            _ => Told::Again,
        }
    }

    /// `None`: between the last instruction before the lock and the first after it, and likewise on
    /// the way out, the segment decides.
    pub(super) fn must_be_told(&self, another_had_died: bool, killed: bool) -> Option<bool> {
        match self.phase.load(SeqCst) {
            OUTSIDE | LOCKS if another_had_died => Some(true),
            OUTSIDE | LEFT => Some(false),
            INSIDE => Some(killed),
            _ => None,
        }
    }
}

fn attach(mutex: &Mutex, path: Path) -> Mutex {
    let memory = mutex.as_fd().try_clone_to_owned().expect("a descriptor");
    options_of(path).attach_fd(memory).expect("a segment")
}

fn increment(data: &mut Data) {
    for word in data {
        // SAFETY: a reference; written where the program says so, and not later.
        unsafe { ptr::write_volatile(word, *word + 1) };
    }
}

/// Has this process's other thread there, and waits until that sleeps: it must not come upon a breakpoint.
fn start_bell_thread(path: Path) {
    let other = super::make(path, Kind::Bakery).expect("memory");
    drop(other.join().expect("a slot"));
    let me = std::process::id().to_string();
    let sleeps = |thread: fs::DirEntry| {
        let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        thread.file_name().to_str() == Some(&me)
            || stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" S"))
    };
    let all_sleep = || {
        let threads = fs::read_dir("/proc/self/task").expect("a list of threads");
        threads.filter_map(Result::ok).all(sleeps)
    };
    assert!(until(Duration::from_mins(1), all_sleep), "its other thread sleeps");
}

/// The victim: locks, increments, unlocks.
pub(super) fn lives(stage: &Stage, mutex: &Mutex, path: Path) {
    let mutex = attach(mutex, path);
    start_bell_thread(path);
    if path == Path::Joining {
        mark();
        takes_its_turn(stage, &mut mutex.join().expect("a slot"));
        mark();
    } else {
        let mut participant = mutex.join().expect("a slot");
        mark();
        takes_its_turn(stage, &mut participant);
        mark();
    }
}

fn takes_its_turn(stage: &Stage, participant: &mut Participant<Data, Brief>) {
    stage.comes_to(LOCKS);
    match participant.lock() {
        Ok(guard) => return is_inside(stage, guard),
        Err(Error::OwnerDied { .. }) => {}
        Err(why) => panic!("{why}"),
    }
    let guard = participant.lock_or_repair(|data, _| {
        stage.comes_to(INSIDE);
        data[1] = data[0];
    });
    is_inside(stage, guard.expect("a turn"));
}

fn is_inside(stage: &Stage, mut guard: Guard<'_, Data, Brief>) {
    stage.comes_to(INSIDE);
    increment(&mut guard);
    stage.comes_to(LEAVES);
    drop(guard);
    stage.comes_to(LEFT);
}

/// Is inside until it is let go, or the victim sleeps.
pub(super) fn holds(stage: &Stage, mutex: &Mutex) {
    let mutex = attach(mutex, Path::Contended);
    let mut participant = mutex.join().expect("a slot");
    let guard = participant.lock().expect("a turn");
    stage.held.store(1, SeqCst);
    while stage.go.load(SeqCst) == 0 {
        let victim = stage.victim.load(SeqCst);
        if stage.leave_when_asleep.load(SeqCst) == 1 && victim != 0 {
            let stat = fs::read_to_string(format!("/proc/{victim}/stat")).unwrap_or_default();
            // The state stands behind the program's name, which may hold anything.
            if stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" S")) {
                break;
            }
        }
        moment();
    }
    drop(guard);
}

/// Leaves the two words different.
pub(super) fn dies_inside(mutex: &Mutex) {
    let mutex = attach(mutex, Path::Recovering);
    let mut participant = mutex.join().expect("a slot");
    let mut guard = participant.lock().expect("a turn");
    guard[0] += 1;
    die();
}

/// A survivor: has to get in, and finds the data whole unless it is told.
pub(super) fn comes_after(stage: &Stage, mutex: &Mutex) {
    let mutex = attach(mutex, Path::Recovering);
    let mut participant = mutex.join().expect("a slot");
    if let Err(why) = participant.lock().map(|guard| check(&guard)) {
        assert!(matches!(why, Error::OwnerDied { .. }), "{why}");
        let mut repaired = false;
        let guard = participant.lock_or_repair(|data, _| {
            data[1] = data[0];
            repaired = true;
        });
        check(&guard.expect("a turn"));
        assert!(repaired, "it was told, and then there was nothing to repair");
        stage.told.fetch_add(1, SeqCst);
    }
}

fn check(data: &Data) {
    assert_eq!(data[0], data[1], "half-written, and nobody told");
}
