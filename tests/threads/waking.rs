//! Sleepers are woken by whatever lets them on: a departure, and one ahead that gives up.
#![cfg(target_os = "linux")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use bakery_lock::algorithm::Withdraw;
use bakery_lock::wait::Park;
use bakery_lock::{Fixed, Lock, Mutex, Participant};

use crate::support::{Pair, Scripted, bounded, crowd, tell, until};

all_algorithms! { once: all_who_sleep_get_in }
timed_algorithms! { once: asleep_behind_one_that_gives_up }

/// Long enough for whoever waits to fall asleep, mostly; nothing fails if it is not.
fn let_them_sleep() {
    thread::sleep(Duration::from_millis(5));
}

type Sleeper<'a, A> = Participant<'a, A, Pair, Scripted<Park>>;

/// Lets something happen while all of these sleep in line, and waits until they have been inside.
fn while_asleep<A: Fixed + Send + Sync>(sleepers: Vec<Sleeper<'_, A>>, happen: impl FnOnce()) {
    let told = Arc::new(AtomicUsize::new(0));
    let number = sleepers.len();
    thread::scope(|scope| {
        for mut me in sleepers {
            let told = &told;
            scope.spawn(move || {
                tell(told);
                me.lock().visit();
            });
        }
        until(|| told.load(SeqCst) == number);
        let_them_sleep();
        happen();
    });
}

fn all_who_sleep_get_in<A: Fixed + Send + Sync>() {
    let lock: Lock<A, Pair, Scripted<Park>> = Lock::default();
    for _ in 0..3 {
        let mut all: Vec<_> = (0..lock.capacity()).map(|_| lock.join().expect("room")).collect();
        let mut first = all.pop().expect("room for two");
        let inside = first.lock();
        while_asleep(all, || drop(inside));
    }
    assert_eq!(3 * (lock.capacity() - 1), lock.into_inner().visits());
}

fn asleep_behind_one_that_gives_up<A: Fixed + Withdraw + Send + Sync>() {
    let lock: Lock<A, Pair, Scripted<Park>> = Lock::default();
    for _ in 0..3 {
        let mut all: Vec<_> = (0..lock.capacity()).map(|_| lock.join().expect("room")).collect();
        let mut first = all.pop().expect("room for two");
        let mut second = all.pop().expect("room for two");
        let inside = first.lock();
        let gives_up = second.enter();
        while_asleep(all, || {
            drop(gives_up);
            let_them_sleep();
            drop(inside);
        });
    }
    assert_eq!(3 * (lock.capacity() - 2), lock.into_inner().visits());
}

/// More sleepers than a futex has bits to tell them apart by.
#[test]
fn a_hundred_sleepers() {
    bounded(|| {
        let mutex = Mutex::<Pair, Scripted<Park>>::default();
        let told = Arc::new(AtomicUsize::new(0));
        thread::scope(|scope| {
            let inside = mutex.lock();
            scope.spawn(|| {
                crowd(100, |_| {
                    tell(&told);
                    mutex.lock().visit();
                })
            });
            until(|| told.load(SeqCst) == 100);
            drop(inside);
        });
        assert_eq!(mutex.into_inner().visits(), 100);
    });
}
