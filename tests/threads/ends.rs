//! Threads that end: what they leased goes to others, and what they still use does not.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use bakery_lock::{BakeryMutexWith, Mutex};
use lock_api::MutexGuard;

use crate::support::{
    Pair, Raw, Scripted, Slotted, bounded, crowd, fall, slot_inside, until, unwinds,
};

/// Room for all threads that ever are at once, but not for all that are one after another.
const ROOM: usize = 512;

#[test]
fn indices_are_leased_again() {
    let mutex = BakeryMutexWith::<Pair, ROOM>::default();
    for _ in 0..2 * ROOM {
        let thread = || {
            let mut inside = mutex.lock();
            inside.visit();
            assert!(slot_inside(&inside) < ROOM - 1, "so many threads are not alive");
        };
        thread::scope(|scope| scope.spawn(thread).join().expect("it ended well"));
    }
    assert_eq!(mutex.into_inner().visits(), 2 * ROOM);
}

/// Locks when it is dropped.
struct LocksLast<R: Raw + 'static>(&'static lock_api::Mutex<R, Pair>);

impl<R: Raw> Drop for LocksLast<R> {
    fn drop(&mut self) {
        self.0.lock().visit();
        while self.0.try_lock().map(|mut inside| inside.visit()).is_none() {
            thread::yield_now();
        }
    }
}

/// Threads lock in a thread-local destructor that runs before the lease is over, and in one that
/// runs after it.
macro_rules! locks_in_last_destructors {
    ($($name:ident: $mutex:ty,)*) => {$(
        #[test]
        fn $name() {
            const ROWS: usize = 4;
            const THREADS: usize = 20;
            static MUTEX: $mutex = <$mutex>::new(Pair::new());
            thread_local! {
                static EARLY: RefCell<Option<LocksLast<Raw>>> = const { RefCell::new(None) };
                static LATE: RefCell<Option<LocksLast<Raw>>> = const { RefCell::new(None) };
            }
            type Raw = <$mutex as HasRaw>::Raw;

            bounded(|| {
                let end_with = |locks_in_between| {
                    EARLY.replace(Some(LocksLast(&MUTEX)));
                    if locks_in_between {
                        MUTEX.lock().visit();
                    }
                    LATE.replace(Some(LocksLast(&MUTEX)));
                };
                // One after another in several rows, so that some begin while others end.
                crowd(ROWS, |_| {
                    for generation in 0..THREADS {
                        crowd(1, |_| end_with(generation % 2 == 0));
                    }
                });
                assert_eq!(MUTEX.lock().visits(), ROWS * THREADS / 2 * (5 + 4));
            });
        }
    )*};
}

trait HasRaw {
    type Raw;
}

impl<R, T> HasRaw for lock_api::Mutex<R, T> {
    type Raw = R;
}

locks_in_last_destructors! {
    last_destructors_with_own_slots: BakeryMutexWith<Pair, 256>,
    last_destructors_with_a_shared_slot: BakeryMutexWith<Pair, 2>,
    last_destructors_with_tickets: Mutex<Pair>,
}

/// A guard that outlives the lease keeps the slot to the very end.
#[test]
fn a_guard_in_a_thread_local() {
    static MUTEX: BakeryMutexWith<Pair, 256> = BakeryMutexWith::new(Pair::new());
    type Inside = MutexGuard<'static, Slotted<256>, Pair>;
    thread_local! {
        static KEPT: RefCell<Option<Inside>> = const { RefCell::new(None) };
    }

    bounded(|| {
        crowd(8, |_| {
            // Registered before the lease is, so dropped after it.
            KEPT.replace(None);
            let mut inside = MUTEX.lock();
            inside.visit();
            KEPT.replace(Some(inside));
        });
        assert_eq!(MUTEX.lock().visits(), 8);
    });
}

/// Whoever leaks a guard keeps the mutex, and after its end nobody is taken for it.
#[test]
fn a_leaked_guard_outlives_its_thread() {
    bounded(|| {
        let mutex = BakeryMutexWith::<Pair, 256, Scripted>::default();
        crowd(1, |_| MutexGuard::leak(mutex.lock()).visit());
        assert!(mutex.is_locked());
        let told = Arc::new(AtomicUsize::new(0));
        crowd(8, |_| {
            assert!(mutex.try_lock().is_none());
            assert!(mutex.try_lock_for(Duration::from_micros(100)).is_none());
            fall(&told);
            assert!(unwinds(|| drop(mutex.lock())), "it waits like any other");
            until(|| told.load(SeqCst) == 8);
        });
        assert_eq!(mutex.into_inner().visits(), 1);
    });
}
