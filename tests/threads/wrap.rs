//! Tickets wrap around at the end of their 64 bits, and where only 32 of them are looked at.

use std::time::Duration;

use bakery_lock::algorithm::{Algorithm, NobodySleeps, Slot, Ticket, Withdrawal};
use bakery_lock::{Mutex, RawTicket};

use crate::support::{Pair, bounded, crowd};

/// A mutex that will wrap after so many tickets.
fn wraps_after(tickets: u64) -> Mutex<Pair> {
    Mutex::from_raw(RawTicket::starting_at(0_u64.wrapping_sub(tickets)), Pair::default())
}

#[test]
fn one_after_another() {
    for before in 0..6 {
        let mutex = wraps_after(before);
        for _ in 0..6 {
            mutex.lock().visit();
            mutex.try_lock().expect("nobody is inside").visit();
            mutex.try_lock_for(Duration::ZERO).expect("nobody is inside").visit();
        }
        assert!(!mutex.is_locked());
        assert_eq!(mutex.into_inner().visits(), 18);
    }
}

/// The marks of withdrawn attempts wrap with the tickets.
#[test]
fn withdrawn_across_the_edge() {
    for before in 0..10 {
        let mutex = wraps_after(before);
        for _ in 0..3 {
            let inside = mutex.lock();
            for _ in 0..4 {
                assert!(mutex.try_lock_for(Duration::from_micros(1)).is_none());
            }
            drop(inside);
            assert!(!mutex.is_locked());
            mutex.lock().visit();
        }
        assert_eq!(mutex.into_inner().visits(), 3);
    }
}

#[test]
fn in_a_crowd() {
    bounded(|| {
        for before in [0, 1, 3, 10, 40] {
            let mutex = wraps_after(before);
            let visits = crowd(6, |index| {
                let mut visits = 0;
                for round in 0..20 {
                    let guard = if (index + round) % 2 == 0 {
                        mutex.try_lock_for(Duration::from_micros(50))
                    } else {
                        Some(mutex.lock())
                    };
                    visits += usize::from(guard.map(|mut inside| inside.visit()).is_some());
                }
                visits
            });
            assert!(!mutex.is_locked());
            assert_eq!(mutex.into_inner().visits(), visits.into_iter().sum());
        }
    });
}

/// As it is for a participant whose ticket somebody has overwritten.
#[test]
fn a_ticket_behind_the_one_served_is_not_waited_for() {
    let (lock, sleeps) = (Ticket::<2>::new(), NobodySleeps);
    let [passed, other] = [Slot::new(0), Slot::new(1)];
    assert!(lock.try_enter(passed, &sleeps));
    lock.leave(passed, &sleeps);
    assert_eq!(lock.withdraw(passed, &sleeps), Withdrawal::Done);
    // Nor is a mark left behind, for a later ticket to be skipped by.
    for _ in 0..64 {
        assert!(lock.try_enter(other, &sleeps));
        lock.leave(other, &sleeps);
    }
}
