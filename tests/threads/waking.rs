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
use bakery_lock::wait::{Deadline, Lot, Never, Park, Wait};
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

/// Counts who would sleep.
#[derive(Default)]
struct Sleeps(Cell<u32>);

impl Lot for Sleeps {
    fn sleep(&self, _: u32, _: impl Fn() -> bool, _: Duration) {
        self.0.set(self.0.get() + 1);
    }

    fn wake(&self, _: u32) {}
}

/// It would be away when its turn comes, if it yielded on as it did before.
#[test]
fn whoever_is_near_soon_sees_that_it_is_next() {
    const NONE: Slot = Slot::new(0);

    let queue = TicketQueue::new();
    let [first, _, third] = [(); 3].map(|()| {
        let hand = TicketInHand::new(&queue);
        hand.enter(NONE, Intent::Stay, &NobodySleeps).unwrap();
        hand
    });
    let blocked = || match third.poll(NONE, &NobodySleeps) {
        Turn::Blocked(by) => by,
        Turn::Mine => panic!("two go in before"),
    };
    let (by, lot) = (blocked(), Sleeps::default());
    assert_eq!(by.place, Place::Near);
    let looks = Cell::new(0);
    let still = || {
        looks.set(looks.get() + 1);
        true
    };
    let is_awake = |waited: &u32| {
        Park::wait(&lot, by, *waited, still, &Never);
        lot.0.get() == 0
    };
    let waits = (0..1000).take_while(is_awake).count();
    assert!((1..1000).contains(&waits), "it looks where it stands, and sleeps in the end");
    assert!(looks.get() <= waits, "it waits on without a look at where it stands");
    first.leave(NONE, &NobodySleeps);
    assert_eq!(blocked().place, Place::Next);
}

/// Returns for no reason each time, and notes what it is told.
struct Hasty;

thread_local! {
    static WAITED: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

static WAITS: AtomicUsize = AtomicUsize::new(0);

impl Wait for Hasty {
    const SLEEPS: bool = false;

    fn wait<L: Lot>(_: &L, _: Blocked, waited: u32, _: impl Fn() -> bool, _: &impl Deadline) {
        WAITED.with_borrow_mut(|all| all.push(waited));
        WAITS.fetch_add(1, SeqCst);
        thread::yield_now();
    }

    fn pause() {}
}

#[test]
fn waits_are_counted() {
    let mutex = Mutex::<Pair, Hasty>::default();
    for limit in [None, Some(Duration::MAX)] {
        let before = WAITS.load(SeqCst);
        thread::scope(|scope| {
            let inside = mutex.lock();
            let other = scope.spawn(|| {
                let guard = limit.map_or_else(|| Some(mutex.lock()), |it| mutex.try_lock_for(it));
                drop(guard.expect("there is time"));
                WAITED.take()
            });
            until(|| WAITS.load(SeqCst) >= before + 3);
            drop(inside);
            let waited = other.join().unwrap();
            assert_eq!(waited, (0..).take(waited.len()).collect::<Vec<_>>());
        });
    }
}
