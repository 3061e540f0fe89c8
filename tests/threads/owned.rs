//! Participants and guards without a lifetime, which hold the `Arc` of their lock.

use std::mem::forget;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bakery_lock::algorithm::{Bakery, Withdraw};
use bakery_lock::{Fixed, Full, Guard, Lock, OwnedGuard, OwnedParticipant};

use crate::support::{Pair, Patience, crowd, unwinds};

all_algorithms! { by_wait: one_at_a_time }
all_algorithms! { once: join_and_leave }
all_algorithms! { once: leaked_inside }
all_algorithms! { once: sent_while_inside }
timed_algorithms! { once: tried_and_timed }

fn participants<A: Fixed>(lock: &Arc<Lock<A, Pair>>) -> Vec<OwnedParticipant<A, Pair>> {
    (0..lock.capacity()).map(|_| lock.join_owned().expect("there is room")).collect()
}

fn visits<A: Fixed>(lock: Arc<Lock<A, Pair>>) -> usize {
    Arc::into_inner(lock).expect("nobody holds it any more").into_inner().visits()
}

/// Threads that get their participant from elsewhere, and lock by borrowed and by owned guards.
fn one_at_a_time<A: Fixed + Send + Sync + 'static, W: Patience>() {
    let lock = Arc::new(Lock::<A, Pair, W>::default());
    let number = lock.capacity().min(W::THREADS);
    let threads: Vec<_> = (0..number)
        .map(|_| {
            let mut me = lock.join_owned().expect("there is room");
            thread::spawn(move || {
                for _ in 0..W::ROUNDS {
                    me.lock().visit();
                    let mut inside = me.lock_owned();
                    inside.visit();
                    me = OwnedGuard::release(inside);
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("it ended well");
    }
    let lock = Arc::into_inner(lock).expect("nobody holds it any more");
    assert_eq!(lock.into_inner().visits(), number * W::ROUNDS * 2);
}

/// A guard that is dropped leaves the lock; its slot is free, and the `Arc` released.
fn join_and_leave<A: Fixed>() {
    let lock = Arc::new(Lock::<A, Pair>::default());
    let room = lock.capacity();
    for _ in 0..2 {
        let all = participants(&lock);
        assert!(all.iter().map(|me| me.slot().index()).eq(0..room));
        assert_eq!(lock.join_owned().unwrap_err(), Full(room));
        assert!(lock.join().is_err(), "borrowed and owned participants share the slots");
        for me in all {
            me.lock_owned().visit();
        }
        assert_eq!(Arc::strong_count(&lock), 1);
    }
    assert!(unwinds(|| {
        let _inside = lock.join_owned().expect("there is room").lock_owned();
        crate::support::throw();
    }));
    lock.join().expect("there is room").lock().visit();
    assert_eq!(visits(lock), 2 * room + 1);
}

fn leaked_inside<A: Fixed>() {
    let lock = Arc::new(Lock::<A, Pair>::default());
    for mut me in participants(&lock) {
        forget(me.lock());
        me.lock().visit();
        forget(me.enter());
        let mut inside = me.lock_owned();
        inside.visit();
        me = OwnedGuard::release(inside);
        forget(me.lock());
        drop(me);
    }
    let room = lock.capacity();
    assert_eq!(visits(lock), 2 * room);
}

/// Whoever is inside goes to another thread, which leaves.
fn sent_while_inside<A: Fixed + Send + Sync + 'static>() {
    let lock = Arc::new(Lock::<A, Pair>::default());
    let rounds = 20;
    crowd(2, |_| {
        let mut me = lock.join_owned().expect("room for two");
        for _ in 0..rounds {
            let mut inside = me.lock_owned();
            inside.visit();
            let leaves = thread::spawn(move || {
                inside.visit();
                OwnedGuard::release(inside)
            });
            me = leaves.join().expect("it ended well");
            let mut inside = me.lock();
            thread::scope(|scope| {
                scope.spawn(move || inside.visit()).join().expect("it ended well");
            });
        }
    });
    assert_eq!(visits(lock), 2 * rounds * 3);
}

fn tried_and_timed<A: Fixed + Withdraw>() {
    let lock = Arc::new(Lock::<A, Pair>::default());
    let mut me = lock.join_owned().expect("room for two");
    let other = lock.join_owned().expect("room for two");
    let slot = me.slot();
    let inside = other.try_lock_owned().expect("nobody is inside");
    me = me.try_lock_owned().expect_err("another is inside");
    me = me.lock_owned_for(Duration::ZERO).expect_err("another is inside");
    let soon = Instant::now() + Duration::from_millis(1);
    me = me.lock_owned_until(soon).expect_err("another is inside");
    assert!(Instant::now() >= soon, "no for an answer before the time is over");
    assert_eq!(me.slot(), slot);
    drop(inside);
    let mut inside = me.lock_owned_for(Duration::MAX).expect("nobody is inside");
    inside.visit();
    me = OwnedGuard::release(inside);
    me.lock_owned_until(soon).expect("a free lock is taken even then").visit();
    assert_eq!(visits(lock), 2);
}

/// A guard beside its lock, of a part of what is in it.
struct Front {
    name: OwnedGuard<Bakery<2>, (String, u32), bakery_lock::wait::DefaultWait, str>,
    lock: Arc<Lock<Bakery<2>, (String, u32)>>,
}

fn front(text: &str) -> Front {
    let lock = Arc::new(Lock::new((text.to_owned(), 7)));
    let inside = lock.join_owned().expect("room for two").lock_owned();
    let text = OwnedGuard::map(inside, |both| both.0.as_mut_str());
    Front { name: text, lock }
}

#[test]
fn a_guard_of_a_part_beside_its_lock() {
    let mut front = front("abc");
    front.name.make_ascii_uppercase();
    assert_eq!(format!("{:?} {}", front.name, front.name), "\"ABC\" ABC");
    let mut other = front.lock.join().expect("room for two");
    assert!(other.try_lock().is_none(), "a part is inside as the whole is");
    let none = OwnedGuard::try_map(front.name, |text| text.get_mut(5..));
    let first = OwnedGuard::try_map(none.expect_err("it is too short"), |text| text.get_mut(..1));
    let first = first.expect("it has a first letter");
    assert_eq!(&*first, "A");
    drop(OwnedGuard::release(first));
    assert_eq!(*other.lock(), ("ABC".to_owned(), 7));
}

#[test]
fn a_borrowed_guard_of_a_part() {
    let lock = Lock::<Bakery<2>, [Vec<u32>; 2]>::default();
    let (mut me, mut other) = (lock.join().unwrap(), lock.join().unwrap());
    let mut second = Guard::map(me.lock(), |both| &mut both[1]);
    second.push(1);
    assert!(other.try_lock().is_none());
    let none = Guard::try_map(second, |second| second.get_mut(3));
    let second = none.expect_err("there is one only");
    *Guard::try_map(second, |second| second.first_mut()).expect("there is one") += 1;
    assert_eq!(*other.lock(), [vec![], vec![2]]);
    // Whoever chooses a part and panics leaves the lock all the same.
    assert!(unwinds(|| drop(Guard::map(me.lock(), |_: &mut [Vec<u32>; 2]| -> &mut u32 {
        crate::support::throw()
    }))));
    assert!(other.try_lock().is_some());
}

#[test]
fn owned_values_of_unknown_size() {
    let lock: Arc<Lock<Bakery<2>, [u32]>> = Arc::new(Lock::<Bakery<2>, _>::new([1, 2, 3]));
    let mut inside = lock.join_owned().unwrap().lock_owned();
    inside[2] += 1;
    drop(inside);
    assert_eq!(*lock.join().unwrap().lock(), [1, 2, 4]);
}

/// What is in the lock need not live for ever.
#[test]
fn owned_values_that_borrow() {
    let text = "short".to_owned();
    let lock = Arc::new(Lock::<Bakery<2>, _>::new(vec![&*text]));
    let mut me = lock.join_owned().unwrap();
    me.lock().push("lived");
    assert_eq!(*me.lock_owned(), ["short", "lived"]);
}
