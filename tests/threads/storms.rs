//! All ways of coming in at once: waiting, trying, waiting for a while, and stepping out of the
//! line. Whoever said that it was inside was, everybody gets through, and afterwards the lock is
//! free.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use bakery_lock::algorithm::Withdraw;
use bakery_lock::{BakeryMutexWith, BypassMutexWith, Fixed, Lock, MutexWith, RawTicket};

use crate::support::{Pair, Patience, Raw, Scripted, all_at_once, bounded, crowd, tell, until};

timed_algorithms! { by_wait: mixed }
all_algorithms! { once: stepping_out }
mutexes! { mixed_by_mutex }

const SHORT: Duration = Duration::from_micros(30);

fn mixed<A: Fixed + Withdraw + Send + Sync, W: Patience>() {
    let lock: Lock<A, Pair, W> = Lock::default();
    let threads = lock.capacity().min(W::THREADS);
    let visits = crowd(threads, |index| {
        let mut me = lock.join().expect("there is room");
        let came_in = |round: &usize| {
            let inside = match (round + index) % 5 {
                0 => Some(me.lock()),
                1 => me.try_lock(),
                2 => me.lock_for(SHORT),
                3 => me.lock_for(Duration::ZERO),
                _ => {
                    let waiting = me.enter();
                    thread::yield_now();
                    drop(waiting);
                    None
                }
            };
            inside.map(|mut inside| inside.visit()).is_some()
        };
        (0..W::ROUNDS).filter(came_in).count()
    });
    for mut me in (0..lock.capacity()).map(|_| lock.join().expect("all of them have left")) {
        assert!(me.try_lock().is_some(), "nobody is there");
    }
    let visits = visits.into_iter().sum();
    assert!(visits >= threads * W::ROUNDS / 5);
    assert_eq!(lock.into_inner().visits(), visits);
}

fn mixed_by_mutex<R: Raw, W: Patience>(mutex: lock_api::Mutex<R, Pair>) {
    let visits = crowd(W::THREADS, |index| {
        let came_in = |round: &usize| {
            let inside = match (round + index) % 4 {
                0 => Some(mutex.lock()),
                1 => mutex.try_lock(),
                2 => mutex.try_lock_for(SHORT),
                _ => mutex.try_lock_for(Duration::ZERO),
            };
            inside.map(|mut inside| inside.visit()).is_some()
        };
        (0..W::ROUNDS).filter(came_in).count()
    });
    assert!(!mutex.is_locked());
    assert!(mutex.try_lock().is_some(), "nobody is there");
    assert_eq!(mutex.into_inner().visits(), visits.into_iter().sum());
}

/// Some step out of the line while others are still in the doorway.
fn stepping_out<A: Fixed + Send + Sync>() {
    for (threads, rounds) in [(2, 1000), (3, 100)] {
        let lock: Lock<A, Pair> = Lock::default();
        let threads = lock.capacity().min(threads);
        all_at_once(threads, rounds, |index| {
            let mut me = lock.join().expect("there is room");
            move |round| {
                let waiting = me.enter();
                if (round + index) % 2 == 0 { waiting.wait().visit() } else { drop(waiting) }
            }
        });
        lock.join().expect("all of them have left").lock().visit();
        assert_eq!(lock.into_inner().visits(), threads * rounds / 2 + 1);
    }
}

/// A line longer than a queue has marks for.
const LINE: usize = 24;

/// So many that wait for ever, each of them in line before the next step is taken.
fn behind_a_line<R: Raw>(mutex: &lock_api::Mutex<R, Pair>, line: usize, meanwhile: impl FnOnce()) {
    let told = Arc::new(AtomicUsize::new(0));
    let inside = mutex.lock();
    thread::scope(|scope| {
        for _ in 0..line {
            scope.spawn(|| {
                tell(&told);
                mutex.lock().visit();
            });
        }
        until(|| told.load(SeqCst) == line);
        meanwhile();
        drop(inside);
    });
}

fn give_up_behind_a_line<R: Raw>(mutex: lock_api::Mutex<R, Pair>, line: usize) {
    behind_a_line(&mutex, line, || {
        crowd(4, |_| {
            for _ in 0..10 {
                assert!(mutex.try_lock_for(SHORT).is_none());
                assert!(mutex.try_lock().is_none());
            }
        });
    });
    assert!(!mutex.is_locked());
    assert!(mutex.try_lock_for(Duration::ZERO).is_some(), "nobody is there");
    assert_eq!(mutex.into_inner().visits(), line);
}

#[test]
fn giving_up_behind_a_long_line() {
    bounded(|| {
        for line in [LINE, 12, 3] {
            give_up_behind_a_line(MutexWith::<Pair, Scripted>::default(), line);
            give_up_behind_a_line(BypassMutexWith::<Pair, 1024, Scripted>::default(), line);
            give_up_behind_a_line(BakeryMutexWith::<Pair, 2, Scripted>::default(), line);
            give_up_behind_a_line(BakeryMutexWith::<Pair, 256, Scripted>::default(), line);
        }
    });
}

/// More withdrawn tickets than there are marks, each round of them skipped by those who stayed.
#[test]
fn giving_up_among_a_line_at_the_edge() {
    bounded(|| {
        let raw = RawTicket::starting_at(u64::MAX - 20);
        let mutex: MutexWith<Pair, Scripted> = MutexWith::from_raw(raw, Pair::default());
        for _ in 0..5 {
            behind_a_line(&mutex, 5, || {
                for _ in 0..LINE {
                    assert!(mutex.try_lock_for(Duration::from_micros(1)).is_none());
                }
            });
        }
        assert_eq!(mutex.into_inner().visits(), 25);
    });
}

/// Those who wait for a while stand in line, however long it is.
#[test]
fn waiting_for_a_long_while_behind_a_long_line() {
    bounded(|| {
        let mutex = MutexWith::<Pair, Scripted>::default();
        thread::scope(|scope| {
            behind_a_line(&mutex, LINE, || {
                scope.spawn(|| {
                    let patience = Duration::from_secs(1000);
                    mutex.try_lock_for(patience).expect("all others leave").visit();
                    mutex.try_lock_for(Duration::MAX).expect("for ever").visit();
                });
                thread::yield_now();
            });
        });
        assert_eq!(mutex.into_inner().visits(), LINE + 2);
    });
}
