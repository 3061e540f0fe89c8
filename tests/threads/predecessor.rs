//! Whoever is in line waits for the one right before it, so that a departure lets on one and wakes
//! one.

use bakery_lock::Fixed;
use bakery_lock::algorithm::{
    Algorithm, Bakery, BlackWhite, Blocked, Bypass, Intent, NobodySleeps, Place, Recover, Slot,
    Ticket, Turn, Withdrawal,
};

/// The slots in the order in which they come.
const LINE: [Slot; 5] = [Slot::new(2), Slot::new(0), Slot::new(4), Slot::new(1), Slot::new(3)];

fn each_waits_for_the_one_before<A: Fixed>() {
    let lock = A::INIT;
    for slot in LINE {
        lock.join(slot);
    }
    // Twice, for black-white's two colours.
    for _ in 0..2 {
        for slot in LINE {
            lock.enter(slot, Intent::Stay, &NobodySleeps).expect("there are few");
        }
        for gone in 0..LINE.len() {
            let line = &LINE[gone..];
            assert_eq!(lock.poll(line[0], &NobodySleeps), Turn::Mine);
            for pair in line.windows(2) {
                let Turn::Blocked(by) = lock.poll(pair[1], &NobodySleeps) else {
                    panic!("{:?} is in beside {:?}", pair[1], line[0]);
                };
                assert_eq!(by.on, Some(pair[0]));
                assert_eq!(by.place == Place::Next, pair[0] == line[0]);
            }
            let blocked: Vec<(Slot, Blocked)> = line[1..]
                .iter()
                .filter_map(|slot| match lock.poll(*slot, &NobodySleeps) {
                    Turn::Mine => None,
                    Turn::Blocked(by) => Some((*slot, by)),
                })
                .collect();
            lock.leave(line[0], &NobodySleeps);
            let let_on = blocked.iter().filter(|(slot, by)| !lock.is_blocked(*slot, *by));
            assert!(let_on.map(|(slot, _)| slot).eq(line.get(1)), "one, and the next one");
        }
    }
}

#[test]
fn in_the_bakery() {
    each_waits_for_the_one_before::<Bakery<5>>();
}

#[test]
fn in_the_black_white_bakery() {
    each_waits_for_the_one_before::<BlackWhite<5>>();
}

/// Whom one in line has to listen to, the nearest first.
fn right_before<A: Recover>(lock: &A, me: Slot) -> Vec<Slot> {
    let mut named = Vec::new();
    lock.right_before(me, &NobodySleeps, &mut |slot| named.push(slot));
    named
}

/// The first is inside.
fn line<A: Algorithm>(lock: &A, length: u32) -> Vec<Slot> {
    let line: Vec<_> = (0..length).rev().map(Slot::new).collect();
    for slot in &line {
        lock.join(*slot);
    }
    for slot in &line {
        lock.enter(*slot, Intent::MayWithdraw, &NobodySleeps).expect("there are few");
    }
    assert_eq!(lock.poll(line[0], &NobodySleeps), Turn::Mine);
    line
}

#[test]
fn with_tickets_each_listens_to_the_one_before_and_to_those_between_that_gave_up() {
    let lock = Ticket::<12>::INIT;
    let line = line(&lock, 12);
    for pair in line.windows(2) {
        assert_eq!(right_before(&lock, pair[1]), [pair[0]]);
    }
    let (last, before) = line.split_last().expect("it is long");
    for (gone, slot) in before.iter().rev().enumerate().take(9) {
        assert_eq!(lock.withdraw(*slot, &NobodySleeps), Withdrawal::Done);
        // Eight at the most.
        let nearest: Vec<_> = before.iter().rev().copied().take((gone + 2).min(8)).collect();
        assert_eq!(right_before(&lock, *last), nearest);
    }
    // Whoever has gone is nobody to listen to.
    lock.leave(line[0], &NobodySleeps);
    assert_eq!(right_before(&lock, line[1]), []);
}

#[test]
fn where_some_may_pass_the_head_of_the_line_listens_to_the_one_inside() {
    let lock = Bypass::<4, 64>::INIT;
    let line = line(&lock, 4);
    assert_eq!(right_before(&lock, line[1]), [line[0]]);
    assert_eq!(right_before(&lock, line[2]), [line[1]]);
    assert_eq!(right_before(&lock, line[3]), [line[2]]);
    lock.leave(line[0], &NobodySleeps);
    assert_eq!(right_before(&lock, line[1]), []);
}
