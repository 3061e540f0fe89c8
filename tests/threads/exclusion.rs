//! One at a time: nobody ever meets another inside, and no visit is lost.

use std::sync::Mutex;

use bakery_lock::wait::SpinYield;
use bakery_lock::{Fixed, Lock};

use crate::support::{Pair, Patience, Raw, all_at_once, crowd};

all_algorithms! { by_wait: one_at_a_time }
all_algorithms! { once: out_of_doorways_that_overlap }
mutexes! { one_at_a_time_by_mutex }
once! { out_of_long_doorways
    bakery: Bakery<64>,
    black_white: BlackWhite<64>,
    fast: Fast<64>,
    filter: Filter<8>,
    tournament: Tournament<64>,
}

fn one_at_a_time<A: Fixed + Send + Sync, W: Patience>() {
    let lock: Lock<A, Pair, W> = Lock::default();
    let threads = lock.capacity().min(W::THREADS);
    crowd(threads, |_| {
        let mut me = lock.join().expect("there is room");
        for _ in 0..W::ROUNDS {
            me.lock().visit();
        }
    });
    assert_eq!(lock.into_inner().visits(), threads * W::ROUNDS);
}

fn one_at_a_time_by_mutex<R: Raw, W: Patience>(mutex: lock_api::Mutex<R, Pair>) {
    crowd(W::THREADS, |_| {
        for _ in 0..W::ROUNDS {
            mutex.lock().visit();
        }
    });
    assert_eq!(mutex.into_inner().visits(), W::THREADS * W::ROUNDS);
}

/// All of them come at almost the same moment, again and again, to a lock that nobody is in.
fn out_of_doorways_that_overlap<A: Fixed + Send + Sync>() {
    for (threads, rounds) in [(2, 1000), (3, 100)] {
        let lock: Lock<A, Pair, SpinYield> = Lock::default();
        let threads = lock.capacity().min(threads);
        all_at_once(threads, rounds, |_| {
            let mut me = lock.join().expect("there is room");
            move |_| me.lock().visit()
        });
        assert_eq!(lock.into_inner().visits(), threads * rounds);
    }
}

/// The same, while many others have joined, so that each doorway and each look around takes a
/// while.
fn out_of_long_doorways<A: Fixed + Send + Sync>() {
    const ROUNDS: usize = 1500;

    let lock: Lock<A, Pair, SpinYield> = Lock::default();
    let mut all: Vec<_> = (0..lock.capacity()).map(|_| lock.join().expect("room")).collect();
    let idle = all.split_off(2);
    let active = Mutex::new(all);
    all_at_once(2, ROUNDS, |_| {
        let mut me = active.lock().expect("nobody panics").pop().expect("there are two");
        move |_| me.lock().visit()
    });
    drop(idle);
    drop(active);
    assert_eq!(lock.into_inner().visits(), 2 * ROUNDS);
}
