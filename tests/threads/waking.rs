//! Sleepers are woken by whatever lets them on: a departure, and one ahead that gives up.
#![cfg(target_os = "linux")]

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use bakery_lock::algorithm::{
    Algorithm, Blocked, Intent, NobodySleeps, Place, Slot, TicketInHand, TicketQueue, Turn,
    Withdraw,
};
use bakery_lock::wait::{Deadline, Lot, Never, Park, Spin, SpinYield, Wait};
use bakery_lock::{Fixed, Lock, MutexWith, Participant};

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
        let mutex = MutexWith::<Pair, Scripted<Park>>::default();
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

/// Counts who would sleep.
#[derive(Default)]
struct Sleeps(Cell<u32>);

impl Lot for Sleeps {
    fn sleep(&self, _: u32, _: impl Fn() -> bool, _: Duration) {
        self.0.set(self.0.get() + 1);
    }

    fn wake(&self, _: u32) {}
}

/// No time is left.
struct Over;

impl Deadline for Over {
    fn left(&self) -> Option<Duration> {
        None
    }
}

/// Three in line: the first's hand, and why the third is blocked.
fn line(queue: &TicketQueue) -> (TicketInHand<'_>, impl Fn() -> Blocked) {
    let [first, _, third] = [(); 3].map(|()| {
        let hand = TicketInHand::new(queue);
        hand.enter(NO_SLOT, Intent::Stay, &NobodySleeps).unwrap();
        hand
    });
    let blocked = move || match third.poll(NO_SLOT, &NobodySleeps) {
        Turn::Blocked(by) => by,
        Turn::Mine => panic!("two go in before"),
    };
    (first, blocked)
}

const NO_SLOT: Slot = Slot::new(0);

/// Whoever yields until its turn is away when that comes; so it has to poll after each yield.
#[test]
fn whoever_is_near_soon_sees_that_it_is_next() {
    let (queue, lot) = (TicketQueue::new(), Sleeps::default());
    let (first, blocked) = line(&queue);
    let by = blocked();
    assert_eq!(by.place, Place::Near);
    let looks = Cell::new(0);
    let still = || {
        looks.set(looks.get() + 1);
        true
    };
    // How often it yields depends on what else the processors do.
    let sleeps = (0..1000).any(|waits| {
        let before = looks.get();
        Park::wait(&lot, by, waits, still, &Never);
        let sleeps = lot.0.get() > 0;
        assert!(sleeps || looks.get() <= before + 1, "it waits on without a poll");
        sleeps
    });
    assert!(sleeps, "it sleeps in the end");
    assert_eq!(first.poll(NO_SLOT, &NobodySleeps), Turn::Mine);
    first.leave(NO_SLOT, &NobodySleeps);
    assert_eq!(blocked().place, Place::Next);
}

#[test]
fn nobody_waits_or_sleeps_when_there_is_no_time_left() {
    bounded(|| {
        let (queue, lot) = (TicketQueue::new(), Sleeps::default());
        let (first, blocked) = line(&queue);
        let near = blocked();
        assert_eq!(first.poll(NO_SLOT, &NobodySleeps), Turn::Mine);
        first.leave(NO_SLOT, &NobodySleeps);
        for by in [near, blocked()] {
            for waits in [0, 1000] {
                Park::wait(&lot, by, waits, || true, &Over);
                SpinYield::wait(&lot, by, waits, || true, &Over);
                Spin::wait(&lot, by, waits, || true, &Over);
            }
        }
        assert_eq!(lot.0.get(), 0);
    });
}

/// Returns for no reason each time, and notes what it is told.
struct Hasty;

thread_local! {
    static TOLD: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

/// Of all threads.
static WAITS: AtomicUsize = AtomicUsize::new(0);

impl Wait for Hasty {
    const SLEEPS: bool = false;

    fn wait<L: Lot>(_: &L, _: Blocked, waits: u32, _: impl Fn() -> bool, _: &impl Deadline) {
        TOLD.with_borrow_mut(|told| told.push(waits));
        WAITS.fetch_add(1, SeqCst);
        thread::yield_now();
    }

    fn pause() {}
}

#[test]
fn waits_are_counted() {
    const LONG: Duration = Duration::from_secs(1000);

    bounded(|| {
        let mutex = MutexWith::<Pair, Hasty>::default();
        for limit in [None, Some(LONG)] {
            let before = WAITS.load(SeqCst);
            thread::scope(|scope| {
                let inside = mutex.lock();
                let other = scope.spawn(|| {
                    let guard =
                        limit.map_or_else(|| Some(mutex.lock()), |it| mutex.try_lock_for(it));
                    drop(guard.expect("there is time"));
                    TOLD.take()
                });
                until(|| WAITS.load(SeqCst) >= before + 3);
                drop(inside);
                let told = other.join().unwrap();
                assert_eq!(told, (0..).take(told.len()).collect::<Vec<_>>());
            });
        }
    });
}
