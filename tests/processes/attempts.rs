//! Attempts that end without the lock, seen from other processes.

use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use bakery_lock::algorithm::Blocked;
use bakery_lock::shared::{self, Kind, Options};
use bakery_lock::wait::{Deadline, Lot, Wait};

use crate::child::{Child, until};
use crate::obey::{servants, two};
use crate::{data::Ledger, data::Shared};

/// What gives up while somebody is inside, and what gets in when nobody is.
const TRIES: [(&str, &str); 4] =
    [("try", "try"), ("for 0", "for 30000"), ("for 5", "lock"), ("until now", "try")];

/// An attempt that comes to nothing leaves the lock as if it had never been.
fn failed_tries_leave_no_trace(kind: Kind) {
    let (shared, mut one, mut other) = two(kind);
    for (fails, succeeds) in TRIES {
        assert_eq!(one.ask("lock"), "in");
        // More often than a ticket lock has marks for.
        for _ in 0..40 {
            assert_eq!(other.ask(fails), "no", "{fails}");
        }
        assert_eq!(one.ask("leave"), "out");
        for child in [&mut other, &mut one] {
            assert_eq!(child.ask(succeeds), "in", "{succeeds} after {fails}");
            assert_eq!(child.ask("leave"), "out");
        }
    }
    [one, other].into_iter().for_each(Child::finish);
    assert_eq!(shared.peek(|ledger| ledger.length), 12);
}

each_kind!(
    failed_tries_leave_no_trace: bakery Bakery, black_white BlackWhite, peterson Peterson, filter Filter,
    tournament Tournament, ticket Ticket, bypass Bypass
);

#[test]
fn fast_has_neither_tries_nor_timeouts() {
    let (_shared, mut one, mut other) = two(Kind::FastUnrecoverable);
    for inside in [false, true] {
        if inside {
            assert_eq!(one.ask("lock"), "in");
        }
        for (attempt, what) in [
            ("try", "try_lock"),
            ("for 0", "timeouts"),
            ("for 5", "timeouts"),
            ("until now", "timeouts"),
        ] {
            let expected = format!(
                "fast-unrecoverable locks have no {what}: an attempt cannot always be taken back"
            );
            assert_eq!(other.ask(attempt), expected);
        }
    }
    assert_eq!(one.ask("leave"), "out");
    assert_eq!(other.ask("lock"), "in");
}

/// Stepping out of the line closes the gap: whoever is behind gets in, before and after.
fn stepping_out_lets_the_next_one_in(kind: Kind) {
    let (_shared, mut one, mut other) = two(kind);
    for released_first in [false, true] {
        assert_eq!(one.ask("lock"), "in");
        assert_eq!(other.ask("enter"), "in line");
        if released_first {
            assert_eq!(one.ask("leave"), "out");
            assert_eq!(other.ask("step out"), "out");
        } else {
            assert_eq!(other.ask("step out"), "out");
            assert_eq!(one.ask("leave"), "out");
        }
        for child in [&mut other, &mut one] {
            assert_eq!(child.ask("lock"), "in");
            assert_eq!(child.ask("leave"), "out");
        }
    }
}

each_kind!(stepping_out_lets_the_next_one_in);

/// One in the middle of the line goes away; those behind it are let in, asleep or not.
fn a_line_closes_up(kind: Kind) {
    let shared = Shared::<Ledger>::new(kind, 8);
    let mut children = servants(&shared, "park", 5);
    assert_eq!(children[0].ask("lock"), "in");
    for child in &mut children[1..] {
        assert_eq!(child.ask("enter"), "in line");
    }
    for child in &mut children[3..] {
        child.tell("wait");
        child.tell("leave");
        child.until_asleep();
    }
    for child in &mut children[1..3] {
        assert_eq!(child.ask("step out"), "out");
    }
    assert_eq!(children[0].ask("leave"), "out");
    for child in &children[3..] {
        child.expect("in");
        child.expect("out");
    }
}

each_kind!(
    a_line_closes_up: bakery Bakery, black_white BlackWhite, filter Filter, tournament Tournament, ticket Ticket, bypass Bypass
);

/// Whoever tries does not pass those in line, even while nobody is inside.
fn tries_do_not_pass_the_line(kind: Kind) {
    let (_shared, mut one, mut other) = two(kind);
    assert_eq!(one.ask("enter"), "in line");
    for attempt in ["try", "for 0", "for 5"] {
        assert_eq!(other.ask(attempt), "no");
    }
    assert_eq!(one.ask("wait"), "in");
    assert_eq!(one.ask("leave"), "out");
    assert_eq!(other.ask("try"), "in");
}

each_kind!(tries_do_not_pass_the_line: bakery Bakery, black_white BlackWhite, ticket Ticket);

/// Looks as often as can be, or never: whoever waits gets in.
#[test]
fn any_interval_between_looks_will_do() {
    let shared = Shared::<Ledger>::new(Kind::Ticket, 4);
    for interval in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        let mutex: shared::Mutex<Ledger> =
            Options::new().look_every(interval).attach_at(&shared.path).unwrap();
        let (mut one, mut other) = (mutex.join().unwrap(), mutex.join().unwrap());
        let guard = one.lock().unwrap();
        assert!(other.try_lock().unwrap().is_none());
        thread::scope(|scope| {
            scope.spawn(|| other.lock().unwrap().add());
            until(|| mutex.status().unwrap().queue.len() == 1);
            drop(guard);
        });
    }
    assert_eq!(shared.peek(|ledger| ledger.left), 3);
}

/// Returns for no reason each time, and notes what it is told.
struct Hasty;

static TOLD: Mutex<Vec<u32>> = Mutex::new(Vec::new());

impl Wait for Hasty {
    const SLEEPS: bool = false;

    fn wait<L: Lot>(_: &L, _: Blocked, waits: u32, _: impl Fn() -> bool, _: &impl Deadline) {
        TOLD.lock().unwrap().push(waits);
        thread::yield_now();
    }

    fn pause() {}
}

#[test]
fn waits_are_counted() {
    let mutex: shared::Mutex<u64, Hasty> = Options::new().waiting().anonymous(0).unwrap();
    let (mut one, mut other) = (mutex.join().unwrap(), mutex.join().unwrap());
    thread::scope(|scope| {
        let inside = one.lock().unwrap();
        scope.spawn(move || drop(other.lock().unwrap()));
        until(|| TOLD.lock().unwrap().len() >= 3);
        drop(inside);
    });
    let told = TOLD.lock().unwrap();
    assert_eq!(*told, (0..).take(told.len()).collect::<Vec<_>>());
}
