//! A drop-in mutex needs no set-up: it is a `static`, and whichever thread comes along locks it,
//! even one of more threads than the lock has slots.
//!
//! `cargo run --release --example static_mutex`

use bakery_lock::{BakeryMutexWith, Mutex};
use rayon::prelude::*;

const TASKS: u64 = 10_000;

/// First come first served, for any number of threads.
static SUM: Mutex<u64> = Mutex::new(0);

/// The same by Lamport's bakery. Beyond three of the threads that rayon starts, the others share
/// the fourth slot.
static LARGEST: BakeryMutexWith<u64, 4> = BakeryMutexWith::new(0);

fn main() {
    let threads = rayon::ThreadPoolBuilder::new().num_threads(8).build().expect("eight threads");
    threads.install(|| {
        (1..=TASKS).into_par_iter().for_each(|task| {
            *SUM.lock() += task;
            let mut largest = LARGEST.lock();
            *largest = task.max(*largest);
        });
    });

    let (sum, largest) = (*SUM.lock(), *LARGEST.lock());
    println!(
        "{TASKS} tasks on {} threads: sum {sum}, largest {largest}",
        threads.current_num_threads()
    );
    assert_eq!((sum, largest), (TASKS * (TASKS + 1) / 2, TASKS));
}
