//! More threads than slots, and slots that change hands.

use bakery_lock::algorithm::{Bakery, BlackWhite, Fast, Fenced, Peterson, Ticket};
use bakery_lock::{BakeryMutexWith, Fixed, Full, Half, Left, Lock, Right};

use crate::support::{Pair, Patience, Raw, crowd};

mutexes! { many_more_threads_than_slots }
all_algorithms! { once: full_and_free_again }
all_algorithms! { by_wait: slots_change_hands }
all_algorithms! { once: split_again_and_again }

fn many_more_threads_than_slots<R: Raw, W: Patience>(mutex: lock_api::Mutex<R, Pair>) {
    const THREADS: usize = 16;
    // Two at a time where each burns a processor.
    let at_once = if W::THREADS < 4 { W::THREADS } else { THREADS };
    for _ in 0..THREADS / at_once {
        crowd(at_once, |_| {
            for _ in 0..W::ROUNDS / 8 {
                mutex.lock().visit();
            }
        });
    }
    assert_eq!(mutex.into_inner().visits(), THREADS * (W::ROUNDS / 8));
}

fn full_and_free_again<A: Fixed>() {
    let lock: Lock<A, Pair> = Lock::default();
    let room = lock.capacity();
    for _ in 0..3 {
        let mut all: Vec<_> = (0..room).map(|_| lock.join().expect("there is room")).collect();
        for (index, me) in all.iter_mut().enumerate() {
            assert_eq!(me.slot().index(), index);
            me.lock().visit();
        }
        assert_eq!(lock.join().unwrap_err(), Full(room));
        drop(all.swap_remove(room / 2));
        let newcomer = lock.join().expect("one has left");
        assert_eq!(newcomer.slot().index(), room / 2);
        assert_eq!(lock.join().unwrap_err(), Full(room));
    }
    assert_eq!(lock.into_inner().visits(), 3 * room);
}

/// Participants come and go, so that a slot's registers pass from thread to thread.
fn slots_change_hands<A: Fixed + Send + Sync, W: Patience>() {
    let lock: Lock<A, Pair, W> = Lock::default();
    // One more than there is room for.
    let threads = (lock.capacity() + 1).min(W::THREADS);
    let visits = crowd(threads, |_| {
        let visit = |_: &usize| lock.join().map(|mut me| me.lock().visit()).is_ok();
        (0..W::ROUNDS).filter(visit).count()
    });
    assert_eq!(lock.into_inner().visits(), visits.into_iter().sum());
}

fn split_again_and_again<A: Fixed + Send + Sync>() {
    let mut lock: Lock<A, Pair> = Lock::default();
    let room = lock.capacity();
    for _ in 0..3 {
        std::thread::scope(|scope| {
            for mut me in lock.split() {
                scope.spawn(move || {
                    for _ in 0..20 {
                        me.lock().visit();
                    }
                });
            }
        });
        // Some of them, or none.
        assert_eq!(lock.split().take(1).count(), 1);
        drop(lock.split());
        lock.join().expect("all of them have left");
    }
    assert_eq!(lock.get_mut().visits(), 3 * room * 20);
}

#[test]
fn two_halves() {
    fn left(mut half: Half<'_, Left, Fenced, Pair>) {
        (0..100).for_each(|_| half.lock().visit());
    }
    fn right(mut half: Half<'_, Right, Fenced, Pair>) {
        (0..100).for_each(|_| half.lock().visit());
    }

    let mut lock: Lock<Peterson<Fenced>, Pair> = Lock::default();
    for _ in 0..2 {
        let (a, b) = lock.halves();
        assert_eq!((a.slot().index(), b.slot().index()), (0, 1));
        std::thread::scope(|scope| {
            scope.spawn(|| left(a));
            scope.spawn(|| right(b));
        });
    }
    assert_eq!(lock.into_inner().visits(), 400);
}

#[test]
fn a_full_lock_says_what_to_do() {
    let lock: Lock<Bakery<2>, ()> = Lock::new(());
    let (_one, _two) = (lock.join(), lock.join());
    let full: Box<dyn std::error::Error> = Box::new(lock.join().unwrap_err());
    assert_eq!(
        full.to_string(),
        "all 2 slots of the lock are taken; drop a participant, or give the lock more room"
    );
}

#[test]
fn room_for_one_or_none() {
    fn one<A: Fixed>() {
        let lock: Lock<A, Pair> = Lock::default();
        let mut me = lock.join().expect("there is room for one");
        assert_eq!(lock.join().unwrap_err(), Full(1));
        me.lock().visit();
        drop(me.enter());
        me.lock().visit();
    }
    one::<Bakery<1>>();
    one::<BlackWhite<1>>();
    one::<Fast<1>>();
    one::<Ticket<1>>();
    assert_eq!(Lock::<Bakery<0>, ()>::new(()).join().unwrap_err(), Full(0));
}

/// The slot of a thread beyond the slots is not its own: another may have it next.
#[test]
fn threads_beyond_the_slots_try_and_leave() {
    static MUTEX: BakeryMutexWith<Pair, 2> = BakeryMutexWith::new(Pair::new());
    let visits = crowd(12, |_| {
        (0..200).filter(|_| MUTEX.try_lock().map(|mut inside| inside.visit()).is_some()).count()
    });
    assert_eq!(MUTEX.lock().visits(), visits.into_iter().sum());
}
