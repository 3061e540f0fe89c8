//! The indices that threads lease for their lives: who has them after forks, after ends with a guard
//! left behind, and when there are none left.
//!
//! In a program of its own, since which indices are free depends on all threads of the program.
#![cfg(all(
    feature = "std",
    feature = "lock_api",
    target_os = "linux",
    not(bakery_lock_no_rmw),
    not(miri)
))]

#[expect(dead_code, reason = "the other tests use the rest of it")]
#[path = "threads/support.rs"]
mod support;

use std::cell::RefCell;
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Barrier, Mutex as StdMutex, MutexGuard as StdGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use std::{io, ptr};

use bakery_lock::BakeryMutexWith;
use lock_api::MutexGuard;

use support::{Pair, Slotted, bounded, slot_inside, until};

/// More slots than there are threads here, but in one test.
const ROOM: usize = 64;

type Mutex<T> = BakeryMutexWith<T, ROOM>;

/// One test at a time, to the very ends of its threads.
fn alone() -> StdGuard<'static, ()> {
    static ALONE: StdMutex<()> = StdMutex::new(());

    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The index of this thread, which is its slot in a mutex that it locks first.
fn index() -> usize {
    slot_inside(&Mutex::new(()).lock())
}

/// The index of a thread that begins now and ends.
fn index_of_a_newcomer() -> usize {
    thread::spawn(index).join().expect("it ended well")
}

/// The same in a forked child, where the standard library's threads can hang: they begin with a mutex
/// of its own, which a thread of the parent's may have held.
fn index_of_a_bare_newcomer() -> usize {
    extern "C" fn thread(_: *mut c_void) -> *mut c_void {
        ptr::without_provenance_mut(index())
    }

    let (mut handle, mut result) = (0, ptr::null_mut());
    // SAFETY: the thread is given nothing, and `handle` is there to be written.
    let began =
        unsafe { libc::pthread_create(&raw mut handle, ptr::null(), thread, ptr::null_mut()) };
    assert_eq!(began, 0);
    // SAFETY: joined once, and `result` is there to be written.
    assert_eq!(unsafe { libc::pthread_join(handle, &raw mut result) }, 0);
    result.addr()
}

/// The end of a scope does not wait for the very ends of its threads.
fn join_each(threads: Vec<thread::ScopedJoinHandle<'_, ()>>) {
    for thread in threads {
        thread.join().expect("it ended well");
    }
}

/// How a forked child ends that runs this and no more: a child that hangs is killed.
fn in_forked_child(run: impl FnOnce() -> i32) -> i32 {
    // SAFETY: the child runs `run` only, which is about what it may still do, and `_exit`.
    let child = unsafe { libc::fork() };
    match child {
        -1 => panic!("{}", io::Error::last_os_error()),
        // SAFETY: ends this process at once: what is left to do at its end is the parent's.
        0 => unsafe { libc::_exit(run()) },
        child => {
            let asked = Instant::now();
            let mut status = -1;
            loop {
                // SAFETY: asks for the child just made, and `status` is there to be written.
                match unsafe { libc::waitpid(child, &raw mut status, libc::WNOHANG) } {
                    0 if asked.elapsed() < Duration::from_mins(1) => thread::yield_now(),
                    0 => {
                        // SAFETY: no memory is touched; the child has not been waited for.
                        unsafe { libc::kill(child, libc::SIGKILL) };
                        panic!("the child hangs");
                    }
                    _ => break,
                }
            }
            assert!(libc::WIFEXITED(status), "the child died: {status}");
            libc::WEXITSTATUS(status)
        }
    }
}

/// Other threads lease and give back while this one forks. The child locks mutexes that nobody ever
/// touched, with the index that its thread had; and its new threads have those of the threads that it
/// has not.
#[test]
fn a_forked_child_leases() {
    const FORKS: usize = 300;
    const RESIDENTS: usize = 2;

    let _alone = alone();
    bounded(|| {
        let (settled, over) = (AtomicUsize::new(0), AtomicBool::new(false));
        thread::scope(|scope| {
            let resident = || {
                index();
                settled.fetch_add(1, SeqCst);
                until(|| {
                    thread::sleep(Duration::from_millis(1));
                    over.load(SeqCst)
                });
            };
            let mut others: Vec<_> = (0..RESIDENTS).map(|_| scope.spawn(resident)).collect();
            until(|| settled.load(SeqCst) == RESIDENTS);
            let end = Raised(&over);
            let mine = index();
            assert_eq!(mine, RESIDENTS, "the residents came first");
            let lease_and_end = || {
                while !over.load(SeqCst) {
                    index_of_a_newcomer();
                }
            };
            others.extend((0..2).map(|_| scope.spawn(lease_and_end)));
            for _ in 0..FORKS {
                let exit = in_forked_child(|| {
                    if index() != mine {
                        1
                    } else if [index_of_a_bare_newcomer(), index_of_a_bare_newcomer()] != [0, 0] {
                        2
                    } else {
                        0
                    }
                });
                assert_eq!(exit, 0, "1: another index than before; 2: not the smallest one");
            }
            drop(end);
            join_each(others);
        });
    });
}

/// Raises a flag when it is dropped.
struct Raised<'a>(&'a AtomicBool);

impl Drop for Raised<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

type Inside = MutexGuard<'static, Slotted<ROOM>, Pair>;

thread_local! {
    static KEPT: RefCell<Option<Inside>> = const { RefCell::new(None) };
}

/// Whoever ends with a guard, leaked or in a thread-local that is dropped later, takes no index along.
#[test]
fn guards_left_behind_cost_no_index() {
    const ENDS: usize = 1000;

    let _alone = alone();
    bounded(|| {
        static KEEPS: Mutex<Pair> = Mutex::new(Pair::new());

        let before = index();
        for end in 0..ENDS {
            let thread = move || {
                if end.is_multiple_of(2) {
                    MutexGuard::leak(Box::leak(Box::new(Mutex::new(Pair::new()))).lock()).visit();
                } else {
                    // Registered before the lease is, so dropped after it.
                    KEPT.replace(None);
                    let mut inside = KEEPS.lock();
                    inside.visit();
                    KEPT.replace(Some(inside));
                }
            };
            thread::spawn(thread).join().expect("it ended well");
        }
        assert_eq!(KEEPS.lock().visits(), ENDS / 2);
        assert_eq!(index_of_a_newcomer(), before + 1);
    });
}

/// An ended thread's guard is dropped while another thread has its index already: that one waits for it
/// like any other, and has a slot to itself everywhere else.
#[test]
fn an_index_whose_slot_is_still_in_use() {
    static MUTEX: Mutex<Pair> = Mutex::new(Pair::new());
    static ENDING: AtomicBool = AtomicBool::new(false);
    static MAY_END: AtomicBool = AtomicBool::new(false);

    /// Drops its guard when it is told to.
    struct DropsLate(Option<Inside>);

    impl Drop for DropsLate {
        fn drop(&mut self) {
            ENDING.store(true, SeqCst);
            until(|| MAY_END.load(SeqCst));
            if let Some(inside) = &mut self.0 {
                inside.visit();
            }
        }
    }

    thread_local! {
        static LATE: RefCell<DropsLate> = const { RefCell::new(DropsLate(None)) };
    }

    let _alone = alone();
    bounded(|| {
        let ends = thread::spawn(|| {
            LATE.with_borrow(|_| ());
            let mut inside = MUTEX.lock();
            inside.visit();
            LATE.with_borrow_mut(|late| late.0 = Some(inside));
        });
        until(|| ENDING.load(SeqCst));
        thread::spawn(|| {
            assert!(index() < 8, "the slot is its own elsewhere");
            assert!(MUTEX.try_lock().is_none());
            assert!(MUTEX.try_lock_for(Duration::from_millis(1)).is_none());
            thread::scope(|scope| {
                let waits = scope.spawn(|| {
                    let mut inside = MUTEX.lock();
                    assert!(MAY_END.load(SeqCst), "two are inside");
                    inside.visit();
                });
                MAY_END.store(true, SeqCst);
                let mut inside = MUTEX.lock();
                inside.visit();
                drop(inside);
                waits.join().expect("it ended well");
            });
            // The slot of the ended thread is free again.
            assert_eq!(slot_inside(&MUTEX.lock()), index());
        })
        .join()
        .expect("it ended well");
        ends.join().expect("it ended well");
        assert_eq!(MUTEX.lock().visits(), 4);
    });
}

/// Threads without an index share the last slot, as those do whose index is too great.
#[test]
fn more_threads_than_indices() {
    const INDICES: usize = 1024;
    const THREADS: usize = INDICES + 30;
    const SLOTS: usize = 2 * INDICES;

    let _alone = alone();
    bounded(|| {
        static MUTEX: BakeryMutexWith<Pair, SLOTS> = BakeryMutexWith::new(Pair::new());

        let before = index_of_a_newcomer();
        let (all, slots) = (Barrier::new(THREADS), StdMutex::new(Vec::new()));
        thread::scope(|scope| {
            let thread = || {
                index();
                all.wait();
                let mut inside = MUTEX.lock();
                inside.visit();
                drop(inside);
                all.wait();
                // One at a time, so that nobody else is in line.
                let mut slots = slots.lock().expect("nobody has panicked");
                slots.push(slot_inside(&MUTEX.lock()));
            };
            let start = |_| {
                let small = thread::Builder::new().stack_size(64 * 1024);
                small.spawn_scoped(scope, thread).expect("there is room for a thousand threads")
            };
            join_each((0..THREADS).map(start).collect());
        });
        let mut slots = slots.into_inner().expect("nobody has panicked");
        slots.sort_unstable();
        let shared = slots.split_off(slots.partition_point(|&slot| slot < INDICES));
        assert!(shared.iter().all(|&slot| slot == SLOTS - 1), "{shared:?}");
        assert!(shared.len() >= THREADS - INDICES);
        assert!(slots.windows(2).all(|two| two[0] < two[1]), "two threads have one index");
        assert_eq!(index_of_a_newcomer(), before);
        assert_eq!(MUTEX.lock().visits(), THREADS);
    });
}
