//! The plain names of the drop-in mutexes, as a program uses them that had another library's before:
//! nothing says a type that is not the value's.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::thread;

use crate::support::throw;

/// Neither `Copy`, nor `Default`, nor anything else.
#[derive(Debug, PartialEq, Eq)]
struct Plain(i32);

/// Counts how often it is dropped.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// The tests of one mutex; the constants that it is for have a value of its own.
macro_rules! plain_names {
    ($($module:ident: $name:ident, $guard:ident;)*) => {$(
        mod $module {
            use bakery_lock::{$name as Mutex, $guard as MutexGuard};

            #[allow(clippy::wildcard_imports, reason = "the tests are those of the file around")]
            use super::*;

            #[test]
            fn smoke() {
                let mutex = Mutex::new(());
                drop(mutex.lock());
                drop(mutex.lock());
                assert!(mutex.try_lock().is_some());
            }

            #[test]
            fn lots_and_lots() {
                const THREADS: u32 = 3;
                const ROUNDS: u32 = 200;

                let mutex = Arc::new(Mutex::new(0));
                let (done, all_done) = channel();
                for _ in 0..2 * THREADS {
                    let (mutex, done) = (mutex.clone(), done.clone());
                    thread::spawn(move || {
                        (0..ROUNDS).for_each(|_| *mutex.lock() += 1);
                        done.send(()).expect("somebody waits for it");
                    });
                }
                drop(done);
                assert_eq!(all_done.iter().count(), 2 * THREADS as usize);
                assert_eq!(*mutex.lock(), 2 * THREADS * ROUNDS);
            }

            #[test]
            fn try_lock() {
                let mutex = Mutex::new(());
                *mutex.try_lock().expect("nobody is inside") = ();
                let inside = mutex.lock();
                assert!(mutex.try_lock().is_none());
                assert!(mutex.is_locked());
                drop(inside);
                assert!(mutex.try_lock().is_some());
            }

            #[test]
            fn into_inner() {
                let mutex = Mutex::new(Plain(10));
                assert_eq!(mutex.into_inner(), Plain(10));
            }

            #[test]
            fn into_inner_drop() {
                let drops = Arc::new(AtomicUsize::new(0));
                let mutex = Mutex::new(Counted(drops.clone()));
                let value = mutex.into_inner();
                assert_eq!(drops.load(SeqCst), 0);
                drop(value);
                assert_eq!(drops.load(SeqCst), 1);
            }

            #[test]
            fn get_mut() {
                let mut mutex = Mutex::new(Plain(10));
                *mutex.get_mut() = Plain(20);
                assert_eq!(mutex.into_inner(), Plain(20));
            }

            #[test]
            fn nested() {
                let inner = Arc::new(Mutex::new(1));
                let outer = Arc::new(Mutex::new(inner));
                let value = thread::spawn(move || *outer.lock().lock()).join();
                assert_eq!(value.expect("it ended well"), 1);
            }

            #[test]
            fn access_while_unwinding() {
                struct Unwinder(Arc<Mutex<i32>>);

                impl Drop for Unwinder {
                    fn drop(&mut self) {
                        *self.0.lock() += 1;
                    }
                }

                let mutex = Arc::new(Mutex::new(1));
                let unwinder = Unwinder(mutex.clone());
                let thrown = thread::spawn(move || {
                    let _unwinder = unwinder;
                    throw();
                });
                assert!(thrown.join().is_err());
                assert_eq!(*mutex.lock(), 2);
            }

            /// The mutex is released, and not poisoned.
            #[test]
            fn a_panic_inside() {
                let mutex = Mutex::new(1);
                let panics = || {
                    let mut inside = mutex.lock();
                    *inside = 2;
                    throw();
                };
                assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
                assert_eq!(*mutex.lock(), 2);
            }

            #[test]
            fn unsized_values() {
                let mutex: &Mutex<[i32]> = &Mutex::new([1, 2, 3]);
                {
                    let mut inside = mutex.lock();
                    inside[0] = 4;
                    inside[2] = 5;
                }
                assert_eq!(&*mutex.lock(), &[4, 2, 5]);
                let boxed: Box<Mutex<dyn Debug>> = Box::new(Mutex::new(7));
                assert_eq!(format!("{:?}", &*boxed.lock()), "7");
            }

            #[test]
            fn what_it_is() {
                const fn is_sync<T: Sync>(_: PhantomData<T>) {}
                is_sync(PhantomData::<MutexGuard<'static, ()>>);
                is_sync(PhantomData::<Mutex<std::cell::Cell<u32>>>);
            }

            #[test]
            fn debug() {
                let mutex = Mutex::new(vec![0_u8, 10]);
                assert_eq!(format!("{mutex:?}"), "Mutex { data: [0, 10] }");
                let inside = mutex.lock();
                assert_eq!(format!("{mutex:?}"), "Mutex { data: <locked> }");
                assert_eq!(format!("{inside:?}"), "[0, 10]");
            }

            #[test]
            fn constants() {
                static COUNT: Mutex<u32> = Mutex::new(3);
                static NAMES: Mutex<Vec<String>> = Mutex::new(Vec::new());

                thread_local! {
                    static OWN: Mutex<u32> = const { Mutex::new(4) };
                }

                struct Table {
                    rows: Mutex<[u8; 2]>,
                }
                static TABLE: Table = Table { rows: Mutex::new([5, 6]) };

                NAMES.lock().push("seven".to_owned());
                assert_eq!(*COUNT.lock() + OWN.with(|own| *own.lock()), 7);
                assert_eq!(TABLE.rows.lock()[1], 6);
                assert_eq!(NAMES.lock().len(), 1);
            }

            #[test]
            fn mapped() {
                let mutex = Mutex::new(([0_u8, 4], "two"));
                {
                    let pair = MutexGuard::map(mutex.lock(), |both| &mut both.0);
                    let mut second = lock_api::MappedMutexGuard::map(pair, |pair| &mut pair[1]);
                    assert!(mutex.is_locked());
                    *second += 2;
                }
                let text = MutexGuard::map(mutex.lock(), |both| &mut both.1);
                assert_eq!(*text, "two");
                drop(text);
                let none = MutexGuard::try_map(mutex.lock(), |both| both.0.get_mut(2));
                assert!(none.is_err(), "the guard comes back");
                drop(none);
                assert_eq!(mutex.into_inner().0, [0, 6]);
            }

            #[test]
            fn small_traits() {
                assert_eq!(Mutex::from(5).into_inner(), 5);
                assert_eq!(*Mutex::<u32>::default().lock(), 0);
            }
        }
    )*};
}

plain_names! {
    ticket: Mutex, MutexGuard;
    bypass: BypassMutex, BypassMutexGuard;
    bakery: BakeryMutex, BakeryMutexGuard;
    black_white: BlackWhiteMutex, BlackWhiteMutexGuard;
    peterson: PetersonMutex, PetersonMutexGuard;
    filter: FilterMutex, FilterMutexGuard;
    tournament: TournamentMutex, TournamentMutexGuard;
}

/// What `MutexGuard::map` gives has a name.
#[test]
fn mapped_guards_have_names() {
    use bakery_lock::{
        BypassMutex, BypassMutexGuard, MappedBypassMutexGuard, MappedMutexGuard, Mutex, MutexGuard,
    };

    fn first(mutex: &Mutex<[u32; 2]>) -> MappedMutexGuard<'_, u32> {
        MutexGuard::map(mutex.lock(), |both| &mut both[0])
    }
    fn last(mutex: &BypassMutex<[u32; 2]>) -> MappedBypassMutexGuard<'_, u32> {
        BypassMutexGuard::map(mutex.lock(), |both| &mut both[1])
    }
    assert_eq!(*first(&Mutex::new([1, 2])) + *last(&BypassMutex::new([3, 4])), 5);
}
