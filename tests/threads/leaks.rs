//! Leaked guards, and leaked places in the line: the participant puts it right when it locks again
//! or leaves.

use std::mem::forget;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use bakery_lock::algorithm::{Ticket, Withdraw};
use bakery_lock::{Fixed, Lock, Participant};

use crate::support::{Pair, Scripted, bounded, tell, until};

all_algorithms! { once: leaked_inside }
all_algorithms! { once: leaked_in_line }
all_algorithms! { once: out_of_the_line_in_any_order }
all_algorithms! { once: leaked_for_good }
timed_algorithms! { once: leaked_then_tried }

fn participants<A: Fixed>(lock: &Lock<A, Pair>) -> Vec<Participant<'_, A, Pair>> {
    (0..lock.capacity()).map(|_| lock.join().expect("there is room")).collect()
}

fn leaked_inside<A: Fixed>() {
    let lock: Lock<A, Pair> = Lock::default();
    for mut me in participants(&lock) {
        forget(me.lock());
        me.lock().visit();
        forget(me.lock());
        drop(me.enter());
        forget(me.lock());
    }
    for mut me in participants(&lock) {
        me.lock().visit();
    }
    assert_eq!(lock.capacity() * 2, lock.into_inner().visits());
}

fn leaked_in_line<A: Fixed>() {
    let lock: Lock<A, Pair> = Lock::default();
    let mut all = participants(&lock);
    let mut first = all.pop().expect("room for two");
    let inside = first.lock();
    for me in &mut all {
        forget(me.enter());
        // Once more, which ends the one before.
        forget(me.enter());
    }
    drop(all);
    drop(inside);
    first.lock().visit();
    // Let in, though it never knew.
    forget(first.enter());
    drop(first);
    for mut me in participants(&lock) {
        me.lock().visit();
    }
    assert_eq!(lock.capacity() + 1, lock.into_inner().visits());
}

fn leaked_then_tried<A: Fixed + Withdraw>() {
    let lock: Lock<A, Pair> = Lock::default();
    let mut all = participants(&lock);
    let (me, other) = all.split_at_mut(1);
    let (me, other) = (&mut me[0], &mut other[0]);
    for _ in 0..3 {
        forget(me.lock());
        assert!(other.try_lock().is_none());
        assert!(other.lock_for(Duration::ZERO).is_none());
        forget(me.try_lock().expect("the leaked guard is no more"));
        assert!(other.try_lock().is_none());
        forget(me.lock_for(Duration::ZERO).expect("the leaked guard is no more"));
        drop(me.enter());
        other.try_lock().expect("nobody is inside").visit();
        // Behind one that is in line by a leak, with or without having been let in.
        forget(me.enter());
        if A::FIRST_COME_FIRST_SERVED {
            assert!(other.try_lock().is_none());
        }
        me.lock().visit();
    }
    drop(all);
    assert_eq!(lock.into_inner().visits(), 6);
}

/// Participants that are leaked themselves are no more when the lock is borrowed mutably.
fn leaked_for_good<A: Fixed>() {
    let mut lock: Lock<A, Pair> = Lock::default();
    for _ in 0..2 {
        let mut all = participants(&lock);
        forget(all[0].lock());
        all.iter_mut().skip(1).for_each(|me| forget(me.enter()));
        all.into_iter().for_each(forget);
        assert!(lock.join().is_err());
        lock.split().for_each(|mut me| me.lock().visit());
    }
    assert_eq!(lock.capacity() * 2, lock.into_inner().visits());
}

/// One is inside and all others in line; then they step out, the one inside among them.
fn out_of_the_line_in_any_order<A: Fixed>() {
    let lock: Lock<A, Pair> = Lock::default();
    let room = lock.capacity();
    for start in 0..room {
        let mut all = participants(&lock);
        let mut waiting: Vec<_> = all.iter_mut().map(|me| Some(me.enter())).collect();
        for index in 0..room {
            waiting[(index * 2 + start) % room].take();
            waiting[(start + room - index) % room].take();
        }
        assert!(waiting.iter().all(Option::is_none) || room.is_multiple_of(2));
        drop(waiting);
        for mut me in all {
            me.lock().visit();
        }
    }
    assert_eq!(lock.into_inner().visits(), room * room);
}

/// The place of one who is gone is passed over.
#[test]
fn leaked_behind_a_long_line() {
    const LINE: usize = 36;

    bounded(|| {
        let lock: Lock<Ticket<{ LINE + 2 }>, Pair, Scripted> = Lock::default();
        let told = Arc::new(AtomicUsize::new(0));
        let mut all: Vec<_> = (0..lock.capacity()).map(|_| lock.join().expect("room")).collect();
        let mut behind = all.pop().expect("there are many");
        let mut leaks = all.pop().expect("there are many");
        let line: Vec<_> = all.iter_mut().map(|me| me.enter()).collect();
        forget(leaks.enter());
        thread::scope(|scope| {
            scope.spawn(|| {
                tell(&told);
                behind.lock().visit();
            });
            until(|| told.load(SeqCst) == 1);
            scope.spawn(move || drop(leaks));
            for waiting in line {
                waiting.wait().visit();
            }
        });
        drop(all);
        drop(behind);
        assert_eq!(lock.into_inner().visits(), LINE + 1);
    });
}
