//! A lock that hands nothing on, for the thread sanitizer to find out (`.ci/tsan`).

use std::cell::UnsafeCell;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Relaxed};

use crate::support::{crowd, until};

#[derive(Default)]
struct Broken {
    held: AtomicBool,
    value: UnsafeCell<usize>,
}

// SAFETY: none; it is what the sanitizer has to report. Nobody but this test has one.
unsafe impl Sync for Broken {}

impl Broken {
    fn add(&self) {
        until(|| !self.held.swap(true, Acquire));
        // SAFETY: one at a time, though the last one need not have happened before.
        unsafe { *self.value.get() += 1 };
        // For want of a Release.
        self.held.store(false, Relaxed);
    }
}

#[test]
#[ignore = "a data race, which only the thread sanitizer may meet"]
fn a_relaxed_unlock() {
    let broken = Broken::default();
    crowd(2, |_| (0..100).for_each(|_| broken.add()));
}
