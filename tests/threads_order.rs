//! The order in which threads get into the drop-in mutexes: that in which they came.
//!
//! In a program of its own, since which threads have a slot to themselves depends on all threads of
//! the program.
#![cfg(all(feature = "std", feature = "lock_api", not(bakery_lock_no_rmw)))]

#[expect(dead_code, reason = "the other tests use the rest of it")]
#[path = "threads/support.rs"]
mod support;

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex as StdMutex, MutexGuard as StdGuard, Once, PoisonError};
use std::thread;
use std::time::Duration;

use bakery_lock::wait::DefaultWait;
use bakery_lock::{
    BakeryMutexWith, BlackWhiteMutexWith, BypassMutexWith, FilterMutexWith, MutexWith,
    PetersonMutexWith, RawTicket, TournamentMutexWith,
};
use lock_api::{MutexGuard, RawMutexFair};

use support::{Raw, Scripted, bounded, tell, until};

type W = Scripted<DefaultWait>;

/// More than there are slots, and than there are tickets that can be withdrawn.
const LINE: usize = 40;

/// Threads that have slots to themselves in every mutex, as long as the program runs, and do
/// nothing with them.
const RESIDENTS: usize = 3;

/// A mutex with no more slots than this has none left for the threads of a test but the one that
/// they share.
const SHARED: usize = RESIDENTS + 1;

/// A mutex with so many slots has one for each thread.
const OWN: usize = 256;

/// One test at a time, after the residents have moved in.
fn alone() -> StdGuard<'static, ()> {
    static ALONE: StdMutex<()> = StdMutex::new(());
    static RESIDENTS_MOVE_IN: Once = Once::new();

    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    RESIDENTS_MOVE_IN.call_once(|| {
        let settled = Arc::new(AtomicUsize::new(0));
        for _ in 0..RESIDENTS {
            let settled = settled.clone();
            thread::spawn(move || {
                drop(BakeryMutexWith::<(), OWN>::default().lock());
                settled.fetch_add(1, SeqCst);
                loop {
                    thread::park();
                }
            });
        }
        until(|| settled.load(SeqCst) == RESIDENTS);
    });
    alone
}

/// The end of a scope joins them too, but the thread sanitizer does not see it.
fn join_each(threads: Vec<thread::ScopedJoinHandle<'_, ()>>) {
    for thread in threads {
        thread.join().expect("it ended well");
    }
}

/// Threads come one by one, each when the one before is known to be in line; whether they get in in
/// that order.
fn is_first_come_first_served<'a, R: Raw + 'a>(
    mutex: &'a lock_api::Mutex<R, Line>,
    come: impl Fn(usize) -> MutexGuard<'a, R, Line> + Sync,
    line: usize,
) -> bool {
    let (told, come) = (&Arc::new(AtomicUsize::new(0)), &come);
    thread::scope(|scope| {
        let inside = mutex.lock();
        let comes = |index| {
            let thread = scope.spawn(move || {
                tell(told);
                come(index).push(index);
            });
            until(|| told.load(SeqCst) == index + 1);
            thread
        };
        let threads: Vec<_> = (0..line).map(comes).collect();
        drop(inside);
        join_each(threads);
    });
    std::mem::take(&mut *mutex.lock()).into_iter().eq(0..line)
}

macro_rules! first_come_first_served {
    ($($name:ident: $mutex:ty,)*) => {$(
        #[test]
        fn $name() {
            bounded(|| {
                let _alone = alone();
                let mutex = <$mutex>::default();
                for _ in 0..3 {
                    assert!(is_first_come_first_served(&mutex, |_| mutex.lock(), LINE));
                }
            });
        }
    )*};
}

type Line = Vec<usize>;

first_come_first_served! {
    tickets: MutexWith<Line, W>,
    // Nobody comes that could pass them.
    bypass: BypassMutexWith<Line, 1024, W>,
    bakery: BakeryMutexWith<Line, OWN, W>,
    black_white: BlackWhiteMutexWith<Line, OWN, W>,
    // All of them in line for the slot that they share, whatever the algorithm.
    bakery_shared: BakeryMutexWith<Line, SHARED, W>,
    bakery_shared_by_two: BakeryMutexWith<Line, 2, W>,
    bakery_for_one: BakeryMutexWith<Line, 1, W>,
    black_white_shared: BlackWhiteMutexWith<Line, SHARED, W>,
    peterson_shared: PetersonMutexWith<Line, W>,
    filter_shared: FilterMutexWith<Line, SHARED, W>,
    tournament_shared: TournamentMutexWith<Line, SHARED, W>,
}

/// Those who would give up one day stand in the same line, over the edge of the tickets' 32 bits as
/// well.
#[test]
fn with_and_without_a_deadline() {
    fn in_one_line<R: Raw>(mutex: &lock_api::Mutex<R, Line>) {
        let come = |index: usize| {
            if index.is_multiple_of(2) {
                mutex.try_lock_for(Duration::from_hours(1)).expect("it is not as long as that")
            } else {
                mutex.lock()
            }
        };
        for _ in 0..2 {
            assert!(is_first_come_first_served(mutex, come, 24));
        }
    }
    bounded(|| {
        let _alone = alone();
        for before in [1, 10, 20, 40] {
            let raw = RawTicket::<W>::starting_at(0_u64.wrapping_sub(before));
            in_one_line(&MutexWith::from_raw(raw, Line::new()));
        }
        in_one_line(&BypassMutexWith::<Line, 1024, W>::default());
        in_one_line(&BakeryMutexWith::<Line, OWN, W>::default());
        in_one_line(&BlackWhiteMutexWith::<Line, OWN, W>::default());
        in_one_line(&BakeryMutexWith::<Line, SHARED, W>::default());
    });
}

/// Whoever unlocks and locks again goes to the end of the line, whichever way it unlocks.
#[test]
fn to_the_end_of_the_line() {
    fn comes_again<R: Raw + RawMutexFair>(mutex: &lock_api::Mutex<R, Line>) {
        let told = Arc::new(AtomicUsize::new(0));
        thread::scope(|scope| {
            let mut inside = mutex.lock();
            let mut threads = Vec::new();
            for turn in 0..4 {
                let told = &told;
                threads.push(scope.spawn(move || {
                    tell(told);
                    mutex.lock().push(turn);
                }));
                until(|| told.load(SeqCst) == turn + 1);
                match turn {
                    0 => {
                        drop(inside);
                        inside = mutex.lock();
                    }
                    1 => {
                        MutexGuard::unlock_fair(inside);
                        inside = mutex.lock();
                    }
                    2 => MutexGuard::bump(&mut inside),
                    _ => MutexGuard::unlocked(&mut inside, || ()),
                }
                assert!(inside.iter().copied().eq(0..=turn));
            }
            drop(inside);
            join_each(threads);
        });
    }
    bounded(|| {
        let _alone = alone();
        comes_again(&MutexWith::<Line, W>::default());
        comes_again(&BakeryMutexWith::<Line, OWN, W>::default());
        comes_again(&BakeryMutexWith::<Line, 1, W>::default());
        comes_again(&BlackWhiteMutexWith::<Line, 2, W>::default());
    });
}
