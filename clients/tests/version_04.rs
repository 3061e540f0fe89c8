//! `lock_api` 0.4 itself, and libraries that take a lock of it: tracing-mutex and happylock.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bakery_lock::algorithm::{Bakery, Peterson, Swapped};
use bakery_lock::lock_api_04::{self, Mutex, RawMutex, RawMutexFair, RawMutexTimed};
use bakery_lock::{RawBypass, RawSlotted, RawTicket};
use happylock::ThreadKey;
use happylock::collection::BoxedLockCollection;
use tracing_mutex::lockapi::TracingWrapper;

const THREADS: usize = 4;
const ROUNDS: usize = 100;

/// A count behind this lock, of which each visit is a read and then a write.
fn counts<R: RawMutexTimed<Duration = Duration> + RawMutexFair + Send + Sync>() {
    let mutex = Mutex::<R, usize>::new(0);
    let visit = |count: &mut usize| {
        let seen = *count;
        if seen.is_multiple_of(8) {
            thread::yield_now();
        }
        *count = seen + 1;
    };
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for round in 0..ROUNDS {
                    match round % 3 {
                        0 => visit(&mut mutex.lock()),
                        1 => visit(
                            &mut mutex.try_lock_for(Duration::from_hours(1)).expect("not as long"),
                        ),
                        _ => {
                            let mut inside = mutex.lock();
                            visit(&mut inside);
                            lock_api_04::MutexGuard::unlock_fair(inside);
                        }
                    }
                }
            });
        }
    });
    let inside = mutex.lock();
    assert!(mutex.is_locked() && mutex.try_lock().is_none());
    thread::scope(|scope| {
        scope.spawn(|| assert!(mutex.try_lock_for(Duration::from_millis(1)).is_none()));
    });
    drop(inside);
    assert!(!mutex.is_locked());
    assert_eq!(mutex.into_inner(), THREADS * ROUNDS);
}

#[test]
fn every_raw_lock() {
    counts::<RawTicket>();
    counts::<RawBypass<16>>();
    // With a slot for each thread, and with one for all but one.
    counts::<RawSlotted<Bakery<64>>>();
    counts::<RawSlotted<Bakery<2>>>();
    counts::<RawSlotted<Peterson<Swapped>>>();
}

/// A mutex inside another, with slots of one thread in both; released in either order.
#[test]
fn two_slotted_locks_at_once() {
    type Slotted = Mutex<RawSlotted<Bakery<8>>, u32>;

    let (one, other) = (Slotted::new(0), Slotted::new(0));
    for _ in 0..2 {
        let (mut a, mut b) = (one.lock(), other.lock());
        *a += 1;
        *b += 1;
        drop(a);
        assert!(!one.is_locked() && other.is_locked());
        drop(b);
    }
    assert_eq!((one.into_inner(), other.into_inner()), (2, 2));
}

/// tracing-mutex sees an order of locks that can end in a deadlock.
fn an_order_that_could_deadlock<R: RawMutex>() {
    let one = Mutex::<TracingWrapper<R>, u32>::new(0);
    let other = Mutex::<TracingWrapper<R>, u32>::new(0);
    {
        let _one = one.lock();
        let _other = other.lock();
    }
    let _other = other.lock();
    let locks_in_turn = || drop(one.lock());
    assert!(catch_unwind(AssertUnwindSafe(locks_in_turn)).is_err());
}

#[test]
fn tracing_mutex() {
    an_order_that_could_deadlock::<RawTicket>();
    an_order_that_could_deadlock::<RawBypass<16>>();
    an_order_that_could_deadlock::<RawSlotted<Bakery<8>>>();
}

/// happylock locks several at once, whichever order they are named in.
fn several_at_once<R: RawMutex + Send + Sync + 'static>() {
    type Locked<R> = happylock::mutex::Mutex<usize, R>;

    let (one, other): (Arc<Locked<R>>, Arc<Locked<R>>) =
        (Arc::new(Locked::new(0)), Arc::new(Locked::new(0)));
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (one, other) = (&*one, &*other);
            scope.spawn(move || {
                for _ in 0..ROUNDS {
                    let key = ThreadKey::get().expect("one at a time");
                    let pair = if thread.is_multiple_of(2) { [one, other] } else { [other, one] };
                    let both = BoxedLockCollection::try_new(pair).expect("they are two");
                    let mut inside = both.lock(key);
                    *inside[0] += 1;
                    *inside[1] += 1;
                }
            });
        }
    });
    let key = ThreadKey::get().expect("one at a time");
    assert_eq!(*one.lock(key), THREADS * ROUNDS);
}

#[test]
fn happylock() {
    several_at_once::<RawTicket>();
    several_at_once::<RawBypass<16>>();
    several_at_once::<RawSlotted<Bakery<8>>>();
}
