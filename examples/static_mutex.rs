//! A drop-in mutex needs no set-up: it is a `static`, and whichever thread comes along locks it,
//! even one of more threads than the lock has slots.
//!
//! `cargo run --release --example static_mutex`

use std::thread;

use bakery_lock::{BakeryMutexWith, Mutex};

const THREADS: usize = 8;
const TASKS: u64 = 10_000;

/// First come first served, for any number of threads.
static SUM: Mutex<u64> = Mutex::new(0);

/// The same by Lamport's bakery. Three of the threads have a slot each; the others share the fourth.
static LARGEST: BakeryMutexWith<u64, 4> = BakeryMutexWith::new(0);

fn main() {
    thread::scope(|scope| {
        for first in 0..THREADS {
            scope.spawn(move || {
                for task in (1..=TASKS).skip(first).step_by(THREADS) {
                    *SUM.lock() += task;
                    let mut largest = LARGEST.lock();
                    *largest = task.max(*largest);
                }
            });
        }
    });

    let (sum, largest) = (*SUM.lock(), *LARGEST.lock());
    println!("{TASKS} tasks on {THREADS} threads: sum {sum}, largest {largest}");
    assert_eq!((sum, largest), (TASKS * (TASKS + 1) / 2, TASKS));
}
