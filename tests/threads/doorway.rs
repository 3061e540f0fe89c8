//! First come, first served: whoever completed its doorway before another began its own goes in
//! before it.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;

use bakery_lock::algorithm::{Algorithm, Fenced, Swapped};
use bakery_lock::algorithm::{Bakery, BlackWhite, Fast, Filter, Peterson, Ticket, Tournament};
use bakery_lock::{Fixed, Lock};

use crate::support::{Patience, crowd, until};

fair_algorithms! { by_wait: nobody_is_passed }

/// One visit: when its doorway was known not to have begun, and when it was known to be completed.
#[derive(Clone, Copy)]
struct Visit {
    before_doorway: u64,
    after_doorway: u64,
}

#[derive(Default)]
struct Clock(AtomicU64);

impl Clock {
    fn now(&self) -> u64 {
        self.0.fetch_add(1, SeqCst)
    }

    fn stamp<T>(&self, doorway: impl FnOnce() -> T) -> (T, Visit) {
        let before_doorway = self.now();
        let through = doorway();
        (through, Visit { before_doorway, after_doorway: self.now() })
    }
}

/// How many of these visits, in the order in which they went in, passed another.
fn passers(visits: &[Visit]) -> usize {
    let mut first_through_of_the_later = u64::MAX;
    let passes = |visit: &&Visit| {
        let passes = first_through_of_the_later < visit.before_doorway;
        first_through_of_the_later = first_through_of_the_later.min(visit.after_doorway);
        passes
    };
    visits.iter().rev().filter(passes).count()
}

fn nobody_is_passed<A: Fixed + Send + Sync, W: Patience>() {
    let clock = Clock::default();
    let lock: Lock<A, Vec<Visit>, W> = Lock::default();
    let threads = lock.capacity().min(W::THREADS);
    crowd(threads, |index| {
        let mut me = lock.join().expect("there is room");
        for round in 0..W::ROUNDS {
            let (waiting, visit) = clock.stamp(|| me.enter());
            if (round + index).is_multiple_of(3) {
                thread::yield_now();
            }
            waiting.wait().push(visit);
        }
    });
    let visits = lock.into_inner();
    assert_eq!(visits.len(), threads * W::ROUNDS);
    assert_eq!(passers(&visits), 0);
}

/// The check above would see it: a test-and-set lock lets a late comer pass one that waits.
#[test]
fn a_barging_lock_is_found_out() {
    let clock = Clock::default();
    let held = AtomicBool::new(false);
    let lock = || until(|| !held.swap(true, SeqCst));
    let unlock = || held.store(false, SeqCst);
    let mut visits = Vec::new();

    let step = Barrier::new(2);
    let passed = thread::scope(|scope| {
        let passed = scope.spawn(|| {
            let ((), visit) = clock.stamp(|| ());
            step.wait();
            // Not running, as any thread may happen not to while the lock is free.
            step.wait();
            lock();
            unlock();
            visit
        });
        step.wait();
        let ((), visit) = clock.stamp(|| ());
        lock();
        visits.push(visit);
        unlock();
        step.wait();
        passed.join().expect("it ended well")
    });
    visits.push(passed);
    assert_eq!(passers(&visits), 1);
}

#[test]
fn the_fair_say_so() {
    fn is_fair<A: Algorithm>() -> bool {
        A::FIRST_COME_FIRST_SERVED
    }
    assert!(is_fair::<Bakery<2>>() && is_fair::<BlackWhite<2>>() && is_fair::<Ticket<2>>());
    assert!(is_fair::<Peterson<Fenced>>() && is_fair::<Peterson<Swapped>>());
    assert!(!is_fair::<Fast<2>>());
    assert!(!is_fair::<Filter<2>>() && !is_fair::<Tournament<2>>());
}
