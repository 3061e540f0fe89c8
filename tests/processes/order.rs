//! First come first served between processes.

use bakery_lock::shared::{Kind, Mutex};
use bakery_lock::wait::Wait;
use rustix::time::{ClockId, clock_gettime};
use zerocopy::{FromBytes, IntoBytes};

use crate::child::{crowd, go, hear, say, until};
use crate::data::{Ledger, Shared, attach};
use crate::obey::servants;

/// Whose doorway was completed first goes in first, whoever joined first.
fn entry_is_in_the_order_of_the_doorways(kind: Kind) {
    const ORDERS: [[usize; 5]; 3] = [[4, 3, 2, 1, 0], [2, 0, 4, 1, 3], [0, 1, 2, 3, 4]];

    for waiting in ["park", "spin-yield"] {
        let shared = Shared::new(kind, 8);
        let mut me = shared.mutex.join().unwrap();
        let mut children = servants(&shared, waiting, 5);
        for order in ORDERS {
            let mut ledger = me.lock().unwrap();
            ledger.length = 0;
            for number in order {
                assert_eq!(children[number].ask("enter"), "in line");
            }
            for child in &mut children {
                child.tell("wait");
                child.tell("leave");
            }
            drop(ledger);
            for child in &children {
                child.expect("in");
                child.expect("out");
            }
            let expected = order.map(|number| number as u64);
            assert_eq!(me.lock().unwrap().signatures(), expected, "{kind}, {waiting}");
        }
    }
}

each_kind!(entry_is_in_the_order_of_the_doorways: bakery Bakery, black_white BlackWhite, ticket Ticket, bypass Bypass);

const PROCESSES: usize = 4;
const ROUNDS: usize = 150;

/// When each attempt began and when its doorway was completed, in the order of entry.
#[derive(FromBytes, IntoBytes)]
#[repr(C)]
struct Log {
    length: u64,
    attempts: [Attempt; PROCESSES * ROUNDS],
}

/// In nanoseconds of a clock that all processes share.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes)]
#[repr(C)]
struct Attempt {
    begun: i64,
    in_line: i64,
}

fn now() -> i64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

pub fn logs(arguments: &[&str]) {
    let [path, waiting] = arguments else { panic!("PATH WAITING") };
    with_waiting!(*waiting, W => log::<W>(&attach(path)));
}

fn log<W: Wait>(mutex: &Mutex<Log, W>) {
    let mut me = mutex.join().unwrap();
    say("joined");
    hear();
    for round in 0..ROUNDS {
        let mut begun = now();
        if round % 5 == 0 {
            // Whoever steps out of the line changes nobody's place in it. With tickets it may find its own
            // again.
            drop(me.enter().unwrap());
            if mutex.kind() != Kind::Ticket {
                begun = now();
            }
        }
        let waiting = me.enter().unwrap();
        let in_line = now();
        let mut log = waiting.wait().unwrap();
        let length = usize::try_from(log.length).unwrap();
        log.attempts[length] = Attempt { begun, in_line };
        log.length += 1;
    }
}

/// Nobody whose doorway began after another's was completed goes in before it.
fn nobody_passes_who_came_later(kind: Kind) {
    for waitings in [["park"; PROCESSES], ["park", "spin-yield", "park", "spin-yield"]] {
        let shared = Shared::<Log>::new(kind, 8);
        go(crowd("logs", waitings.map(|waiting| vec![shared.path(), waiting])));
        shared.peek(|log| {
            assert_eq!(log.length, log.attempts.len() as u64);
            for (index, passes) in log.attempts.iter().enumerate() {
                let passed =
                    log.attempts[index..].iter().find(|later| later.in_line < passes.begun);
                assert!(passed.is_none(), "{kind}: {passes:?} passes {passed:?}");
            }
        });
    }
}

each_kind!(nobody_passes_who_came_later: bakery Bakery, black_white BlackWhite, ticket Ticket);

/// Whoever has a deadline has a place in the line at once, however long that is: those that come later
/// go in later.
fn a_deadline_behind_a_long_line(kind: Kind) {
    const LINE: usize = 40;

    let shared = Shared::<Ledger>::new(kind, 82);
    let mut all: Vec<_> = (0..2 * LINE).map(|_| shared.mutex.join().unwrap()).collect();
    let (ahead, behind) = all.split_at_mut(LINE);
    let [mut child] = <[_; 1]>::try_from(servants(&shared, "park", 1)).ok().unwrap();
    let line: Vec<_> = ahead.iter_mut().map(|me| me.enter().unwrap()).collect();
    // At a gate it may pass the line, and then nobody else gets in until it has left.
    child.tell("for 3600000");
    child.tell("leave");
    until(|| {
        let status = shared.mutex.status().unwrap();
        let competing = status.queue.len() + usize::from(status.holder.is_some());
        competing > LINE || status.acquisitions > 0
    });
    let later: Vec<_> = behind.iter_mut().map(|me| me.enter().unwrap()).collect();
    for waiting in line {
        waiting.wait().unwrap().add();
    }
    child.expect("in");
    child.expect("out");
    for waiting in later {
        waiting.wait().unwrap().add();
    }
    assert_eq!(shared.mutex.status().unwrap().acquisitions, 2 * LINE as u64 + 1);
}

each_kind!(a_deadline_behind_a_long_line: bakery Bakery, ticket Ticket, bypass Bypass);

/// Places that were given up are passed over, far back in the line as well; or found again.
fn giving_up_behind_a_long_line(kind: Kind) {
    const LINE: usize = 40;

    let shared = Shared::<Ledger>::new(kind, 43);
    let mut all: Vec<_> = (0..LINE).map(|_| shared.mutex.join().unwrap()).collect();
    let line: Vec<_> = all.iter_mut().map(|me| me.enter().unwrap()).collect();
    let mut children = servants(&shared, "park", 3);
    for child in &mut children {
        for _ in 0..3 {
            assert_eq!(child.ask("for 1"), "no");
        }
    }
    // At a gate it may pass the line, and then nobody else gets in until it has left.
    children[1].tell("lock");
    children[1].tell("leave");
    for waiting in line {
        waiting.wait().unwrap().add();
    }
    children[1].expect("in");
    children[1].expect("out");
    for child in &mut children {
        assert_eq!(child.ask("for 60000"), "in");
        assert_eq!(child.ask("leave"), "out");
    }
}

each_kind!(giving_up_behind_a_long_line: bakery Bakery, ticket Ticket, bypass Bypass);
