//! Whoever is in line waits for the one right before it, so that a departure lets on one and wakes
//! one.

use bakery_lock::Fixed;
use bakery_lock::algorithm::{
    Bakery, BlackWhite, Blocked, Intent, NobodySleeps, Place, Slot, Turn,
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
