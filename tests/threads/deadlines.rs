//! Whoever has a deadline stands in line like everybody else, however long the line is: counted in
//! how often others go in first, not in time.

use std::cell::Cell;
use std::sync::Mutex as StdMutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use bakery_lock::algorithm::{Bakery, Blocked, Ticket};
use bakery_lock::wait::{Deadline, Lot, Wait};
use bakery_lock::{Guard, Lock, RawBypass, RawSlotted, RawTicket};

use lock_api::Mutex;

use crate::support::{Pair, Raw, Slotted, bounded, crowd, slot_inside, until};

/// So many others, more than a queue has marks for.
const OTHERS: usize = 40;
/// Others stop after so many passages each, if the one who waits never gets in.
const ROUNDS: usize = 300;
const ATTEMPTS: usize = 5;

thread_local! {
    /// What the count was when this thread first waited, once it is told to note it.
    static NOTED: Cell<Option<(&'static AtomicUsize, Option<usize>)>> = const { Cell::new(None) };
}

/// Yields; and notes the count.
struct Notes;

fn note() {
    if let Some((count, None)) = NOTED.get() {
        NOTED.set(Some((count, Some(count.load(SeqCst)))));
    }
    thread::yield_now();
}

impl Wait for Notes {
    const SLEEPS: bool = false;

    fn wait<L: Lot>(_: &L, _: Blocked, _: u32, _: impl Fn() -> bool, _: &impl Deadline) {
        note();
    }

    /// A wait beside the line counts, too.
    fn pause() {
        note();
    }

    fn give_way() {
        thread::yield_now();
    }
}

/// Others come again and again while one tries with a deadline. Each time, the count grows by no more
/// than that between its first wait and its turn. `lock_for` tells what it was inside.
fn passed_at_most(
    most: usize,
    count: &'static AtomicUsize,
    lock: impl Fn(usize) + Sync,
    lock_for: impl Fn(Duration) -> Option<usize> + Sync,
) {
    let is_over = AtomicBool::new(false);
    crowd(OTHERS + 1, |index| {
        if index > 0 {
            (0..ROUNDS).take_while(|_| !is_over.load(SeqCst)).for_each(|_| lock(index));
            return;
        }
        until(|| count.load(SeqCst) > OTHERS);
        for _ in 0..ATTEMPTS {
            NOTED.set(Some((count, None)));
            let inside = lock_for(Duration::from_hours(1)).expect("an hour is enough");
            let (_, first_wait) = NOTED.take().expect("it was asked for");
            let passed = first_wait.map_or(0, |then| inside - then);
            assert!(passed <= most, "passed {passed} times, not {most}");
        }
        is_over.store(true, SeqCst);
    });
}

/// Counts those that `is_counted` when they go in.
fn mutex_passed_at_most<R: Raw>(most: usize, is_counted: impl Fn() -> bool + Sync)
where
    lock_api::Mutex<R, Pair>: Default,
{
    let mutex = lock_api::Mutex::<R, Pair>::default();
    let count: &'static AtomicUsize = Box::leak(Box::default());
    let visits = AtomicUsize::new(0);
    let visit = |mut inside: lock_api::MutexGuard<'_, R, Pair>| {
        visits.fetch_add(1, SeqCst);
        inside.visit();
        count.fetch_add(usize::from(is_counted()), SeqCst)
    };
    let lock = |_| {
        visit(mutex.lock());
    };
    passed_at_most(most, count, lock, |time| mutex.try_lock_for(time).map(visit));
    assert_eq!(mutex.into_inner().visits(), visits.into_inner());
}

#[test]
fn each_other_goes_first_once_at_most() {
    bounded(|| mutex_passed_at_most::<RawTicket<Notes>>(OTHERS, || true));
}

#[test]
fn a_bypass_mutex_counts_those_with_a_deadline() {
    const B: u32 = 64;

    bounded(|| mutex_passed_at_most::<RawBypass<B, Notes>>(OTHERS + B as usize, || true));
}

/// Those that share the last slot stand in a line for it, and each of them goes in once at most before
/// one that came later. Those with slots of their own are not in that line.
#[test]
fn the_line_for_the_last_slot_has_no_end_either() {
    const SLOTS: usize = 8;

    thread_local! {
        static SHARES: bool =
            slot_inside(&Mutex::<Slotted<64>, ()>::default().lock()) >= SLOTS - 1;
    }

    type Raw = RawSlotted<Bakery<SLOTS>, Notes>;

    bounded(|| mutex_passed_at_most::<Raw>(OTHERS, || SHARES.with(|shares| *shares)));
}

#[test]
fn participants_with_a_deadline() {
    type All = Lock<Ticket<{ OTHERS + 1 }>, Pair, Notes>;

    bounded(|| {
        let lock = All::default();
        let count: &'static AtomicUsize = Box::leak(Box::default());
        let all: Vec<_> = (0..=OTHERS).map(|_| StdMutex::new(lock.join().expect("room"))).collect();
        let visit = |mut inside: Guard<'_, Ticket<{ OTHERS + 1 }>, Pair, Notes>| {
            inside.visit();
            count.fetch_add(1, SeqCst)
        };
        let lock = |index: usize| {
            visit(all[index].lock().unwrap().lock());
        };
        let lock_for = |time| all[0].lock().unwrap().lock_for(time).map(visit);
        passed_at_most(OTHERS, count, lock, lock_for);
    });
}
