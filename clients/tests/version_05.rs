//! `lock_api` 0.5 with its features, which libraries ask a lock for; and the crate `mutex`, which takes
//! one of mutex-traits.

use std::sync::Arc;
use std::thread;

use bakery_lock::{
    ArcBypassMutexGuard, ArcMutexGuard, BakeryMutex, BypassMutex, Mutex, RawBypass, RawTicket,
};
use mutex::BlockingMutex;

/// A guard without a lifetime beside what it is a guard of.
struct Inside {
    _mutex: Arc<Mutex<Vec<u32>>>,
    guard: ArcMutexGuard<Vec<u32>>,
}

fn go_in(mutex: &Arc<Mutex<Vec<u32>>>) -> Inside {
    Inside { _mutex: mutex.clone(), guard: mutex.lock_arc() }
}

#[test]
fn guards_that_hold_the_arc() {
    let mutex = Arc::new(Mutex::new(vec![1]));
    let mut inside = go_in(&mutex);
    assert!(mutex.try_lock_arc().is_none());
    thread::spawn(move || inside.guard.push(2)).join().expect("it ended well");
    assert_eq!(*mutex.lock(), [1, 2]);

    let bypass = Arc::new(BypassMutex::new(0));
    let mut inside: ArcBypassMutexGuard<u32> = bypass.lock_arc();
    *inside += 1;
    drop(inside);
    assert_eq!(*bypass.lock(), 1);
    let bakery = Arc::new(BakeryMutex::new(0));
    *bakery.lock_arc() += 1;
    assert_eq!(*bakery.lock(), 1);
}

#[test]
fn to_and_from_json() {
    let mutex: Mutex<Vec<u32>> = serde_json::from_str("[1,2]").expect("it is a list");
    mutex.lock().push(3);
    assert_eq!(serde_json::to_string(&mutex).expect("a list can be written"), "[1,2,3]");
    let old: bakery_lock::lock_api_04::Mutex<RawTicket, u32> =
        serde_json::from_str("7").expect("it is a number");
    assert_eq!(*old.lock(), 7);
}

fn counts<R: mutex::ConstInit + mutex::RawMutex + Sync>() {
    let mutex = BlockingMutex::<R, usize>::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..300).for_each(|_| mutex.with_lock(|count| *count += 1)));
        }
    });
    assert_eq!(mutex.with_lock(|count| *count), 1200);
    assert!(mutex.with_lock(|_| mutex.try_with_lock(|_| ()).is_none()));
}

#[test]
fn mutex_traits() {
    counts::<RawTicket>();
    counts::<RawBypass<16>>();
}
