//! A thread that locks again what it has locked: told so where that is possible, and no harm done.
//!
//! In a program of its own, where no thread ends with a guard: whoever has such a thread's index next
//! is not told, and waits for ever.
#![cfg(all(feature = "std", feature = "lock_api", not(bakery_lock_no_rmw)))]

#[expect(dead_code, reason = "the other tests use the rest of it")]
#[path = "threads/support.rs"]
mod support;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use bakery_lock::algorithm::Blocked;
use bakery_lock::wait::{Deadline, Lot, Wait};
use bakery_lock::{BakeryMutexWith, Mutex, TournamentMutexWith};

use support::{Pair, Raw, bounded, crowd, until};

/// Whether a thread that is inside is turned away by everything but `lock`.
fn is_turned_away<R: Raw>(mutex: &lock_api::Mutex<R, Pair>) {
    let mut inside = mutex.lock();
    assert!(mutex.try_lock().is_none());
    assert!(mutex.try_lock_for(Duration::ZERO).is_none());
    let (asked, time) = (Instant::now(), Duration::from_millis(5));
    assert!(mutex.try_lock_for(time).is_none());
    assert!(asked.elapsed() >= time, "no for an answer before the time is over");
    assert!(mutex.is_locked());
    inside.visit();
    drop(inside);
    assert!(!mutex.is_locked());
    mutex.try_lock().expect("nobody is inside").visit();
}

#[test]
fn a_try_is_refused() {
    is_turned_away(&Mutex::<Pair>::default());
    // With a slot of its own, and with the one that is shared.
    is_turned_away(&BakeryMutexWith::<Pair, 256>::default());
    is_turned_away(&TournamentMutexWith::<Pair, 256>::default());
    is_turned_away(&BakeryMutexWith::<Pair, 1>::default());
}

#[test]
fn locking_twice_panics_with_a_slot_of_its_own() {
    let mutex = BakeryMutexWith::<Pair, 256>::default();
    let mut inside = mutex.lock();
    for _ in 0..3 {
        let panic = catch_unwind(AssertUnwindSafe(|| drop(mutex.lock()))).unwrap_err();
        let message = panic.downcast_ref::<&str>().expect("a message");
        assert_eq!(*message, "this thread has locked this mutex already");
    }
    inside.visit();
    // The lock is still held, and released once.
    crowd(2, |_| assert!(mutex.try_lock().is_none()));
    drop(inside);
    crowd(4, |_| (0..50).for_each(|_| mutex.lock().visit()));
    assert_eq!(mutex.into_inner().visits(), 201);
}

#[test]
fn several_mutexes_at_a_time() {
    let (a, b) = (BakeryMutexWith::<Pair, 256>::default(), BakeryMutexWith::<Pair, 1>::default());
    crowd(3, |_| {
        for _ in 0..50 {
            let (mut in_a, mut in_b) = (a.lock(), b.lock());
            in_a.visit();
            in_b.visit();
            // Released in the order in which they were locked, or the other way round.
            drop(in_a);
            drop(in_b);
        }
    });
    assert_eq!((a.into_inner().visits(), b.into_inner().visits()), (150, 150));
}

/// A way of waiting that tries the very mutex that it waits for.
struct TriesAgain;

thread_local! {
    static TRIES: Cell<bool> = const { Cell::new(false) };
}

static TRIED_AGAIN: BakeryMutexWith<Pair, 256, TriesAgain> = BakeryMutexWith::new(Pair::new());

impl Wait for TriesAgain {
    const SLEEPS: bool = false;

    fn wait<L: Lot>(_: &L, _: Blocked, _: u32, still: impl Fn() -> bool, _: &impl Deadline) {
        if TRIES.take() {
            assert!(TRIED_AGAIN.try_lock().is_none());
            assert!(TRIED_AGAIN.try_lock_for(Duration::ZERO).is_none());
            assert!(catch_unwind(|| drop(TRIED_AGAIN.lock())).is_err());
        }
        until(|| !still());
    }

    fn pause() {}
}

#[test]
fn locking_while_waiting_keeps_the_place_in_line() {
    let left = AtomicBool::new(false);
    let inside = TRIED_AGAIN.lock();
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| {
            TRIES.set(true);
            let _inside = TRIED_AGAIN.lock();
            assert!(left.load(SeqCst), "two are inside");
        });
        // Time for it to come in, if it can.
        std::thread::sleep(Duration::from_millis(20));
        left.store(true, SeqCst);
        drop(inside);
        waits.join().expect("it ended well");
    });
}

/// Also where the thread's index was another's before, which left nothing behind.
#[test]
fn locking_twice_panics_with_an_index_that_was_another_threads() {
    bounded(|| {
        let mutex = BakeryMutexWith::<Pair, 256>::default();
        for _ in 0..50 {
            let thread = || {
                let _inside = mutex.lock();
                catch_unwind(AssertUnwindSafe(|| drop(mutex.lock()))).is_err()
            };
            let panics = thread::scope(|scope| scope.spawn(thread).join());
            assert!(panics.expect("it ends well"));
        }
    });
}
