//! What a lock tells about itself.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, SystemTime};

use bakery_lock::shared::{Error, Kind, Options, Status};

use crate::child::{Child, until};
use crate::data::{Ledger, Shared};
use crate::obey::servants;

fn pids(competitors: &[bakery_lock::shared::Competitor]) -> Vec<u32> {
    competitors.iter().map(|competitor| competitor.pid).collect()
}

/// Who is inside and who waits, in order, and the same without knowing the type.
fn status_tells_who_is_inside_and_who_waits(kind: Kind) {
    let begun = SystemTime::now();
    let shared = Shared::<Ledger>::new(kind, 6);
    let empty = shared.mutex.status().unwrap();
    assert_eq!((empty.kind, empty.slots, empty.joined), (kind, 6, 0));
    assert_eq!((&empty.holder, empty.queue.len(), empty.acquisitions), (&None, 0, 0));
    let mut children = servants(&shared, "park", 5);
    assert_eq!(children[2].ask("lock"), "in");
    let token: u64 = children[2].ask("token").parse().unwrap();
    for number in [4, 0, 3] {
        assert_eq!(children[number].ask("enter"), "in line");
    }
    for number in [4, 0, 3] {
        children[number].tell("wait");
    }
    let look = || shared.mutex.status().unwrap();
    // Longer than the clock's tick, so that it counts.
    let waits =
        |since: SystemTime| since.elapsed().is_ok_and(|time| time > Duration::from_millis(20));
    until(|| look().queue.iter().all(|waiting| waiting.since.is_some_and(waits)));
    for status in [look(), Options::status_at(&shared.path).unwrap()] {
        assert_eq!(status.segment, shared.path());
        assert_eq!(status.joined, 5);
        let holder = status.holder.unwrap();
        assert_eq!((holder.pid, holder.slot.index(), holder.token), (children[2].pid(), 2, token));
        assert!(holder.command.starts_with("processes-"), "{}", holder.command);
        let expected: Vec<_> = [4, 0, 3].iter().map(|&number| children[number].pid()).collect();
        assert_eq!(pids(&status.queue), expected);
        for competitor in status.queue.iter().chain([&holder]) {
            let since = competitor.since.unwrap();
            // The stamps are as exact as the kernel's tick.
            assert!(since + Duration::from_millis(20) > begun && since <= SystemTime::now());
        }
        assert_eq!((status.dead.len(), status.recoveries, status.acquisitions), (0, 0, 1));
    }
    // One that has died shows as dead until it is cleared away.
    let dead = children.remove(1);
    let pid = dead.pid();
    dead.kill();
    assert_eq!(pids(&look().dead), [pid]);
    assert_eq!(children[1].ask("leave"), "out");
    for number in [3, 0, 2] {
        children[number].expect("in");
        assert_eq!(children[number].ask("leave"), "out");
    }
    let status = look();
    assert_eq!((status.acquisitions, status.most_bypasses), (4, 0));
    assert!(status.longest_wait > Duration::ZERO);
    children.into_iter().for_each(Child::finish);
    assert_eq!(look().joined, 1);
}

each_kind!(
    status_tells_who_is_inside_and_who_waits: bakery Bakery, black_white BlackWhite, ticket Ticket, bypass Bypass
);

/// For the others there is no order to be told.
fn status_counts_those_who_wait(kind: Kind) {
    let shared = Shared::<Ledger>::new(kind, 4);
    let slots = shared.mutex.slots() as usize;
    let mut children = servants(&shared, "park", slots);
    assert_eq!(children[0].ask("lock"), "in");
    for child in &mut children[1..] {
        child.tell("lock");
    }
    let look = || shared.mutex.status().unwrap();
    until(|| look().queue.len() == slots - 1);
    assert_eq!(look().holder.unwrap().pid, children[0].pid());
    let mut waiting = pids(&look().queue);
    waiting.sort_unstable();
    let mut expected: Vec<_> = children[1..].iter().map(Child::pid).collect();
    expected.sort_unstable();
    assert_eq!(waiting, expected);
}

each_kind!(
    status_counts_those_who_wait: peterson Peterson, filter Filter, tournament Tournament
);

/// It joins nothing and keeps nobody waiting, while the lock changes hands all the time.
#[test]
fn status_can_be_asked_for_at_any_time() {
    let shared = Shared::<u64>::new(Kind::Bakery, 4);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..200 {
                    let mut me = shared.mutex.join().unwrap();
                    for _ in 0..20 {
                        *me.lock().unwrap() += 1;
                    }
                }
                done.store(true, SeqCst);
            });
        }
        let mut last = 0;
        while !done.load(SeqCst) {
            let Status { acquisitions, joined, queue, dead, .. } = shared.mutex.status().unwrap();
            assert!(acquisitions >= last && joined <= 2 && queue.len() <= 2);
            // Alive, all of them: nobody is taken for dead on its way in or out.
            assert_eq!(dead, []);
            last = acquisitions;
        }
    });
    let status = shared.mutex.status().unwrap();
    assert_eq!((status.acquisitions, status.joined, status.recoveries), (8000, 0, 0));
}

#[test]
fn status_of_what_is_no_segment_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    assert!(matches!(Options::status_at(&path), Err(Error::NotFound { .. })));
    std::fs::write(&path, "something else").unwrap();
    // Its owner's alone, as a segment's is.
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    assert!(matches!(Options::status_at(&path), Err(Error::NotASegment { .. })));
}

/// Each acquisition has a number of its own, whoever died before.
#[test]
fn tokens_only_grow() {
    let shared = Shared::<Ledger>::new(Kind::Ticket, 4);
    let mut last = 0;
    for _ in 0..5 {
        let [mut one] = <[Child; 1]>::try_from(servants(&shared, "park", 1)).ok().unwrap();
        let said = one.ask("repair");
        if last > 0 {
            assert_eq!(said, format!("repaired after {last}"));
            one.expect("in");
        }
        let token: u64 = one.ask("token").parse().unwrap();
        assert!(last == 0 || token == last + 1, "{token} after {last}");
        last = token;
        one.kill();
    }
    assert_eq!(shared.mutex.status().unwrap().acquisitions, 5);
}

#[test]
fn a_wait_can_be_called_off() {
    let shared = Shared::<u64>::new(Kind::Bakery, 3);
    let (mut one, mut other) = (shared.mutex.join().unwrap(), shared.mutex.join().unwrap());
    let cancelled = AtomicBool::new(false);
    let guard = one.lock().unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| other.lock_unless(&cancelled).unwrap().is_some());
        until(|| shared.mutex.status().unwrap().queue.len() == 1);
        cancelled.store(true, SeqCst);
        assert!(!waiting.join().unwrap());
    });
    assert_eq!(shared.mutex.status().unwrap().queue, []);
    drop(guard);
    // Where there is nothing to be waited for, there is nothing to be called off.
    assert!(other.lock_unless(&cancelled).unwrap().is_some());
}

#[cfg(feature = "serde")]
#[test]
fn status_can_be_written_down() {
    let shared = Shared::<Ledger>::new(Kind::BlackWhite, 4);
    let mut children = servants(&shared, "park", 2);
    assert_eq!(children[0].ask("lock"), "in");
    let pid = children[0].pid();
    let written = serde_json::to_value(shared.mutex.status().unwrap()).unwrap();
    assert_eq!(written["kind"], "black-white");
    assert_eq!(written["holder"]["pid"], pid);
    assert_eq!(written["holder"]["slot"], 0);
    children.remove(0).kill();
    let [.., mut other] = <[Child; 1]>::try_from(children).ok().unwrap();
    assert!(other.ask("lock").contains(" died inside, "));
    let written = serde_json::to_value(shared.mutex.status().unwrap()).unwrap();
    assert_eq!(written["poisoned"]["pid"], pid);
    assert_eq!(written["recoveries"], 1);
}
