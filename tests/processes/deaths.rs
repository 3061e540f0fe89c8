//! What happens when participants die.

use std::collections::BTreeSet;
use std::time::SystemTime;

use bakery_lock::shared::{Error, Kind};
use rustix::process::Signal;

use crate::child::Child;
use crate::data::{Ledger, Shared};
use crate::obey::{servants, two};

macro_rules! each_recoverable_kind {
    ($test:ident) => {
        each_kind!(
            $test: bakery Bakery, black_white BlackWhite, peterson Peterson, filter Filter,
            tournament Tournament, ticket Ticket, bypass Bypass
        );
    };
}

/// Whoever comes next is told, and so is everybody after, until the data are repaired.
fn who_died_inside_is_told_until_it_is_repaired(kind: Kind) {
    let (shared, mut one, mut other) = two(kind);
    assert_eq!(one.ask("lock"), "in");
    let token: u64 = one.ask("token").parse().unwrap();
    assert_eq!(one.ask("tear"), "torn");
    let pid = one.pid();
    // Asleep before the death, and after it.
    other.tell("lock");
    other.until_asleep();
    one.kill();
    let told = other.hear();
    let expected = format!("{}: process {pid} (processes-", shared.path());
    assert!(told.starts_with(&expected), "{told}");
    let how = format!(" died inside, in slot 0, with token {token}, which it had since ");
    assert!(told.contains(&how), "{told}");
    assert!(told.ends_with("repair it (`Participant::lock_or_repair`)"), "{told}");
    for attempt in ["lock", "try", "for 5000"] {
        let again = other.ask(attempt);
        assert!(again.starts_with(&expected), "{attempt}: {again}");
    }
    let error = shared.mutex.join().unwrap().lock().unwrap_err();
    let Error::OwnerDied { segment, death } = error else { panic!("{error}") };
    assert_eq!(segment, shared.path());
    assert_eq!((death.pid, death.slot.index(), death.token), (pid, 0, token));
    assert!(death.since <= SystemTime::now());
    assert_eq!(other.ask("repair"), format!("repaired after {token}"));
    other.expect("in");
    assert_eq!(other.ask("token"), (token + 1).to_string());
    assert_eq!(other.ask("leave"), "out");
    assert_eq!(shared.peek(|ledger| (ledger.left, ledger.right)), (3, 3));
    let status = shared.mutex.status().unwrap();
    assert_eq!((status.recoveries, status.acquisitions, status.poisoned), (1, 3, None));
    // What is over is still known.
    assert_eq!(status.last_death.map(|death| (death.pid, death.token)), Some((pid, token)));
}

each_recoverable_kind!(who_died_inside_is_told_until_it_is_repaired);

/// As is one that dies while it repairs.
fn who_dies_repairing_is_told(kind: Kind) {
    let (shared, mut one, mut other) = two(kind);
    assert_eq!(one.ask("lock"), "in");
    let token: u64 = one.ask("token").parse().unwrap();
    one.kill();
    assert_eq!(other.ask("repair"), format!("repaired after {token}"));
    other.expect("in");
    other.kill();
    let error = shared.mutex.join().unwrap().lock().unwrap_err();
    assert!(
        matches!(&error, Error::OwnerDied { death, .. } if death.token == token + 1),
        "{error}"
    );
}

each_recoverable_kind!(who_dies_repairing_is_told);

/// One that dies in line is nobody's business.
fn who_dies_in_line_is_not_told(kind: Kind) {
    let (shared, mut one, mut other) = two(kind);
    for dies_first in [true, false] {
        assert_eq!(one.ask("lock"), "in");
        assert_eq!(other.ask("enter"), "in line");
        if dies_first {
            other.kill();
            assert_eq!(one.ask("leave"), "out");
        } else {
            assert_eq!(one.ask("leave"), "out");
            other.kill();
        }
        assert_eq!(one.ask("lock"), "in");
        assert_eq!(one.ask("leave"), "out");
        [other] = <[Child; 1]>::try_from(servants(&shared, "park", 1)).ok().unwrap();
    }
    let status = shared.mutex.status().unwrap();
    assert_eq!((status.poisoned, status.last_death), (None, None));
}

each_recoverable_kind!(who_dies_in_line_is_not_told);

/// Those who live keep their places.
fn the_others_go_in_in_order(kind: Kind) {
    let shared = Shared::<Ledger>::new(kind, 8);
    let mut children = servants(&shared, "park", 7);
    assert_eq!(children[0].ask("lock"), "in");
    for child in &mut children[1..] {
        assert_eq!(child.ask("enter"), "in line");
        child.tell("wait");
        child.tell("leave");
        child.until_asleep();
    }
    let dead: BTreeSet<_> = [1, 2, 4].into();
    let mut living = Vec::new();
    let mut holder = None;
    for (number, child) in children.into_iter().enumerate() {
        if dead.contains(&number) {
            child.kill();
        } else if number == 0 {
            holder = Some(child);
        } else {
            living.push(child);
        }
    }
    assert_eq!(holder.as_mut().unwrap().ask("leave"), "out");
    for child in &living {
        child.expect("in");
        child.expect("out");
    }
    shared.peek(|ledger| assert_eq!(ledger.signatures(), [0, 3, 5, 6]));
    // Their slots are free for others: one that nobody has reset yet, when it is needed.
    let others: Vec<_> = (0..4).map(|_| shared.mutex.join().unwrap()).collect();
    let status = shared.mutex.status().unwrap();
    assert_eq!((others.len(), status.dead.len(), status.recoveries), (4, 0, 3));
}

each_kind!(the_others_go_in_in_order: bakery Bakery, black_white BlackWhite, ticket Ticket, bypass Bypass);

/// Those who never wait find out as well.
fn tries_find_out_about_a_death(kind: Kind) {
    for attempt in ["try", "for 0", "for 2"] {
        let (_shared, mut one, mut other) = two(kind);
        assert_eq!(one.ask("lock"), "in");
        assert_eq!(other.ask(attempt), "no");
        one.kill();
        until_said(&mut other, attempt, |said| said.contains(" died inside, "));
    }
}

each_recoverable_kind!(tries_find_out_about_a_death);

fn until_said(child: &mut Child, order: &str, is_it: impl Fn(&str) -> bool) {
    for _ in 0..10_000 {
        let said = child.ask(order);
        if is_it(&said) {
            return;
        }
        assert_eq!(said, "no");
    }
    panic!("it is never said");
}

/// Interrupted by the user while it waits.
fn ctrl_c_leaves_the_line_clean(kind: Kind) {
    let (_shared, mut one, mut other) = two(kind);
    assert_eq!(one.ask("lock"), "in");
    other.tell("lock");
    other.until_asleep();
    other.signal(Signal::INT);
    other.until_state('Z');
    assert_eq!(one.ask("leave"), "out");
    for _ in 0..3 {
        assert_eq!(one.ask("lock"), "in");
        assert_eq!(one.ask("leave"), "out");
    }
}

each_recoverable_kind!(ctrl_c_leaves_the_line_clean);

/// Slots of dead participants are given to others.
fn joining_clears_away_the_dead(kind: Kind) {
    let shared = Shared::<Ledger>::new(kind, 4);
    let slots = shared.mutex.slots();
    let mut first = None;
    for _ in 0..2 {
        let mut children = servants(&shared, "park", slots as usize);
        // One dies inside, one in line, the others outside.
        let said = children[0].ask("repair");
        match &first {
            None => assert_eq!(said, "in"),
            Some(token) => {
                assert_eq!(said, format!("repaired after {token}"));
                children[0].expect("in");
            }
        }
        first = Some(children[0].ask("token"));
        assert_eq!(children[1].ask("enter"), "in line");
        children.into_iter().for_each(Child::kill);
        assert_eq!(shared.mutex.status().unwrap().dead.len(), slots as usize);
        let all: Result<Vec<_>, _> = (0..slots).map(|_| shared.mutex.join()).collect();
        assert_eq!(all.unwrap().len(), slots as usize);
    }
    assert_eq!(shared.mutex.status().unwrap().recoveries, u64::from(2 * slots));
}

each_recoverable_kind!(joining_clears_away_the_dead);

/// The lock that nobody can recover says so, to all.
#[test]
fn a_death_ends_a_fast_lock_for_all() {
    for dies_inside in [true, false] {
        let shared = Shared::<Ledger>::new(Kind::FastUnrecoverable, 8);
        let mut children = servants(&shared, "park", 4);
        assert_eq!(children[0].ask("lock"), "in");
        for child in &mut children[1..] {
            child.tell("lock");
        }
        for child in &children[1..] {
            child.until_asleep();
        }
        let victim = children.remove(if dies_inside { 0 } else { 2 });
        let pid = victim.pid();
        victim.kill();
        if !dies_inside {
            // One that waits outside, for the owner to go, has left nothing behind.
            continue;
        }
        let expected = format!("{}: process {pid} (processes-", shared.path());
        for child in &mut children {
            let told = child.hear();
            assert!(told.starts_with(&expected), "{told}");
            assert!(told.contains("nobody can recover a fast-unrecoverable lock"), "{told}");
            assert!(child.ask("lock").starts_with(&expected));
        }
        let error = shared.mutex.join().unwrap().lock().unwrap_err();
        assert!(
            matches!(&error, Error::Unrecoverable { death, .. } if death.pid == pid),
            "{error}"
        );
    }
}
