//! Panics, inside and in line: whoever panics has left, and the others go on.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use bakery_lock::algorithm::{Blocked, Ticket};
use bakery_lock::wait::{Deadline, DefaultWait, Lot, SpinYield, Wait};
use bakery_lock::{Fixed, Lock, MutexWith};

use crate::support::{
    Pair, Patience, Raw, Scripted, bounded, crowd, fall, tell, throw, until, unwinds,
};

all_algorithms! { once: panic_inside }
mutexes! { panic_inside_a_mutex }
all_algorithms! { once: panic_in_line }
all_algorithms! { once: panics_all_over }

fn panic_inside<A: Fixed>() {
    let lock: Lock<A, Pair> = Lock::default();
    let mut all: Vec<_> = (0..lock.capacity()).map(|_| lock.join().expect("room")).collect();
    for me in &mut all {
        assert!(unwinds(|| {
            let mut inside = me.lock();
            inside.visit();
            throw();
        }));
    }
    for mut me in all {
        me.lock().visit();
    }
    assert_eq!(lock.capacity() * 2, lock.into_inner().visits());
}

fn panic_inside_a_mutex<R: Raw, W: Patience>(mutex: lock_api::Mutex<R, Pair>) {
    crowd(W::THREADS, |_| {
        for _ in 0..W::ROUNDS / 2 {
            assert!(unwinds(|| {
                let mut inside = mutex.lock();
                inside.visit();
                throw();
            }));
            mutex.lock().visit();
        }
    });
    assert_eq!(mutex.into_inner().visits(), W::THREADS * (W::ROUNDS / 2) * 2);
}

/// One panics while it waits, once by itself and once with others behind it. It is out of the line,
/// and may come again.
fn panic_in_line<A: Fixed + Send + Sync>() {
    let lock: Lock<A, Pair, Scripted<DefaultWait>> = Lock::default();
    let waiting = Arc::new(AtomicUsize::new(0));
    let mut all: Vec<_> = (0..lock.capacity()).map(|_| lock.join().expect("room")).collect();
    let mut first = all.pop().expect("room for two");
    let mut falls = all.pop().expect("room for two");
    let others = all.len();

    let mut inside = first.lock();
    fall(&waiting);
    assert!(unwinds(|| drop(falls.lock())));
    fall(&waiting);
    assert!(unwinds(|| drop(falls.enter().wait())));
    thread::scope(|scope| {
        let in_line = falls.enter();
        for mut me in all {
            let waiting = &waiting;
            scope.spawn(move || {
                tell(waiting);
                me.lock().visit();
            });
        }
        until(|| waiting.load(SeqCst) == 2 + others);
        fall(&waiting);
        assert!(unwinds(|| drop(in_line.wait())));
        inside.visit();
        drop(inside);
    });
    falls.lock().visit();
    drop((first, falls));
    assert_eq!(lock.into_inner().visits(), 2 + others);
}

/// Panics every so many looks.
struct Restless;

thread_local! {
    static LOOKS: Cell<u32> = const { Cell::new(0) };
}

impl Wait for Restless {
    const SLEEPS: bool = false;

    fn wait<L: Lot>(
        lot: &L,
        by: Blocked,
        waits: u32,
        still: impl Fn() -> bool,
        deadline: &impl Deadline,
    ) {
        LOOKS.set(LOOKS.get() + 1);
        if LOOKS.get().is_multiple_of(3) {
            throw();
        }
        SpinYield::wait(lot, by, waits, still, deadline);
    }

    fn pause() {
        SpinYield::pause();
    }
}

fn panics_all_over<A: Fixed + Send + Sync>() {
    const ROUNDS: usize = 300;

    let lock: Lock<A, Pair, Restless> = Lock::default();
    let visits = crowd(lock.capacity().min(4), |_| {
        let mut me = lock.join().expect("there is room");
        (0..ROUNDS).filter(|_| !unwinds(|| me.lock().visit())).count()
    });
    for mut me in (0..lock.capacity()).map(|_| lock.join().expect("all of them have left")) {
        drop(me.lock());
    }
    assert_eq!(lock.into_inner().visits(), visits.into_iter().sum());
}

/// More are ahead than a queue has marks for.
const LINE: usize = 36;

#[test]
fn panic_behind_a_long_line() {
    bounded(|| {
        let mutex = MutexWith::<Pair, Scripted>::default();
        let told = Arc::new(AtomicUsize::new(0));
        let inside = mutex.lock();
        thread::scope(|scope| {
            let wait_behind = |ahead, run: fn(&MutexWith<Pair, Scripted>, &Arc<AtomicUsize>)| {
                until(|| told.load(SeqCst) == ahead);
                let (mutex, told) = (&mutex, &told);
                scope.spawn(move || run(mutex, told));
            };
            for ahead in 0..LINE {
                wait_behind(ahead, |mutex, told| {
                    tell(told);
                    mutex.lock().visit();
                });
            }
            for ahead in LINE..LINE + 2 {
                wait_behind(ahead, |mutex, told| {
                    fall(told);
                    assert!(unwinds(|| drop(mutex.lock())));
                    mutex.lock().visit();
                });
            }
            until(|| told.load(SeqCst) == LINE + 2);
            drop(inside);
        });
        assert!(!mutex.is_locked());
        assert_eq!(mutex.into_inner().visits(), LINE + 2);
    });
}

#[test]
fn panic_behind_a_long_line_of_participants() {
    bounded(|| {
        let lock: Lock<Ticket<{ LINE + 1 }>, Pair, Scripted> = Lock::default();
        let told = Arc::new(AtomicUsize::new(0));
        let mut all: Vec<_> = (0..lock.capacity()).map(|_| lock.join().expect("room")).collect();
        let mut last = all.pop().expect("there are many");
        let line: Vec<_> = all.iter_mut().map(|me| me.enter()).collect();
        thread::scope(|scope| {
            scope.spawn(|| {
                fall(&told);
                assert!(unwinds(|| drop(last.lock())));
                last.lock().visit();
            });
            until(|| told.load(SeqCst) == 1);
            for waiting in line {
                waiting.wait().visit();
            }
        });
        drop(all);
        drop(last);
        assert_eq!(lock.into_inner().visits(), LINE + 1);
    });
}
