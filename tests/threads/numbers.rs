//! The black-white bakery's numbers stay at most N while nobody withdraws, though the bakery is
//! never empty; the bakery's grow.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::thread;

use bakery_lock::algorithm::{Algorithm, BlackWhite, Intent, NobodySleeps, Slot, Turn};

use crate::support::{bounded, crowd};

fn enter(lock: &impl Algorithm, me: Slot) {
    lock.enter(me, Intent::Stay, &NobodySleeps).expect("the doorway is open");
}

/// Each of two goes to the end of the line as soon as the other is inside.
#[test]
fn two_by_turns() {
    let lock = BlackWhite::<2>::new();
    let (mut inside, mut behind) = (Slot::new(0), Slot::new(1));
    lock.join(inside);
    lock.join(behind);
    enter(&lock, inside);
    for _ in 0..10_000 {
        assert_eq!(lock.poll(inside, &NobodySleeps), Turn::Mine);
        enter(&lock, behind);
        assert_ne!(lock.poll(behind, &NobodySleeps), Turn::Mine);
        assert!(lock.number(inside) <= 2 && lock.number(behind) <= 2);
        lock.leave(inside, &NobodySleeps);
        (inside, behind) = (behind, inside);
    }
}

/// Whoever is inside stays until somebody stands in line.
#[test]
fn bounded_while_never_empty() {
    const N: u32 = 4;
    const VISITS: usize = 4000;

    bounded(|| {
        let lock = BlackWhite::<{ N as usize }>::new();
        let (visits, greatest) = (AtomicUsize::new(0), AtomicU32::new(0));
        crowd(N as usize, |index| {
            let me = Slot::new(u32::try_from(index).expect("it is less than N"));
            let others = || (0..N).map(Slot::new).filter(|slot| *slot != me);
            lock.join(me);
            loop {
                enter(&lock, me);
                greatest.fetch_max(lock.number(me), Relaxed);
                while lock.poll(me, &NobodySleeps) != Turn::Mine {
                    thread::yield_now();
                }
                let over = visits.fetch_add(1, Relaxed) >= VISITS;
                while !over && others().all(|slot| lock.number(slot) == 0) {
                    thread::yield_now();
                }
                lock.leave(me, &NobodySleeps);
                if over {
                    return;
                }
            }
        });
        let greatest = greatest.into_inner();
        assert!((2..=N).contains(&greatest), "the greatest number was {greatest}");
    });
}
