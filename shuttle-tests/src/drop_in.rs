//! The drop-in mutex that may be passed, with all its ways in and out at once: whoever has been in
//! was alone, and everybody gets through.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::exclusion::{Counter, participants};
use crate::explore::{EXECUTIONS, explored};
use crate::futex::Sleep;
use crate::local::bypass::RawBypass;
use crate::withdrawal::Patience;

struct Mutex<const B: u32> {
    lock: RawBypass<B, Sleep>,
    counter: Counter,
}

impl<const B: u32> Mutex<B> {
    /// One round, of a different kind each time. Whether it was in.
    fn round(&self, kind: usize) -> bool {
        let inside = match kind % 4 {
            0 | 1 => {
                self.lock.lock();
                true
            }
            2 => self.lock.lock_until(&Patience(Cell::new(3))),
            _ => self.lock.try_lock(),
        };
        if inside {
            assert!(!self.lock.try_lock(), "two are inside");
            self.counter.add_one();
            if kind.is_multiple_of(3) { self.lock.unlock_fair() } else { self.lock.unlock() }
        }
        inside
    }
}

fn all_ways<const B: u32>(number: u32, rounds: usize) {
    let mutex = Mutex::<B> { lock: RawBypass::new(), counter: Counter::default() };
    let shared = Arc::new((mutex, AtomicU32::new(0)));
    participants(&shared, number, move |(mutex, visits): &(Mutex<B>, AtomicU32), me| {
        for round in 0..rounds {
            visits.fetch_add(mutex.round(me.index() + round).into(), Relaxed);
        }
    });
    let (mutex, visits) = &*shared;
    assert_eq!(mutex.counter.value(), visits.load(Relaxed), "an update was lost");
    assert!(!mutex.lock.is_locked());
}

explored! {
    /// 6 threads, 3 rounds.
    bypass(EXECUTIONS): all_ways::<4>(6, 3);
    /// 5 threads, 3 rounds, in order.
    bypass_in_order(EXECUTIONS): all_ways::<0>(5, 3);
}
