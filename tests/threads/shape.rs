//! The shape of the interface: what is const, what may be sent or shared, and what the small traits
//! do.

use std::cell::Cell;
use std::mem::size_of;
use std::rc::Rc;
use std::sync::MutexGuard as StdGuard;

use bakery_lock::algorithm::{
    Bakery, BlackWhite, Fast, Fenced, Filter, Peterson, Swapped, Ticket, Tournament,
};
use bakery_lock::wait::{DefaultWait, Spin, SpinYield};
use bakery_lock::{
    BakeryMutexWith, BlackWhiteMutexWith, BypassMutex, FilterMutexWith, Full, Guard, Half, Left,
    Lock, Mutex, MutexGuard, OwnedGuard, OwnedParticipant, Participant, PetersonMutex, RawBypass,
    RawTicket, SlottedGuard, TournamentMutexWith, Waiting,
};

use crate::support::crowd;

/// Does not compile unless a type has these traits.
macro_rules! is {
    ($type:ty: $($bound:tt)+) => {
        const _: () = {
            const fn is<T: $($bound)+>() {}
            is::<$type>();
        };
    };
}

/// Does not compile if a type has this trait: `item` would then be ambiguous.
macro_rules! is_not {
    ($type:ty: $bound:path) => {
        const _: () = {
            trait Ambiguous<If> {
                const ITEM: () = ();
            }
            struct ItHasTheTrait;
            impl<T: ?Sized> Ambiguous<()> for T {}
            impl<T: ?Sized + $bound> Ambiguous<ItHasTheTrait> for T {}
            <$type as Ambiguous<_>>::ITEM
        };
    };
}

type Value<T> = Lock<Bakery<2>, T>;
type Inside<T> = Guard<'static, Bakery<2>, T>;
type InLine<T> = Waiting<'static, Bakery<2>, T>;
type Owned<T> = OwnedParticipant<Bakery<2>, T>;
type OwnedInside<T> = OwnedGuard<Bakery<2>, T>;
type SlottedInside<T> = lock_api::MutexGuard<'static, bakery_lock::RawSlotted<Bakery<2>>, T>;

/// May be sent, may not be shared.
type Sent = Cell<u32>;
/// May be shared, may not be sent.
type Shared = StdGuard<'static, u32>;
/// Neither.
type Neither = Rc<u32>;

// A lock passes its value from thread to thread, and never shares it.
is! { Value<Sent>: Send + Sync }
is_not! { Value<Shared>: Send }
is_not! { Value<Shared>: Sync }
is_not! { Value<Neither>: Sync }
is! { Mutex<Sent>: Send + Sync }
is_not! { Mutex<Shared>: Sync }
is! { BakeryMutexWith<Sent, 2>: Send + Sync }
is_not! { BakeryMutexWith<Shared, 2>: Sync }

// A participant may move between threads, in line, inside or neither.
is! { Participant<'static, Bakery<2>, Sent>: Send }
is_not! { Participant<'static, Bakery<2>, Shared>: Send }
is! { InLine<Sent>: Send }
is_not! { InLine<Neither>: Send }
is! { Inside<Sent>: Send }
is_not! { Inside<Shared>: Send }
is_not! { Inside<Neither>: Send }
is! { Inside<u32>: Sync }
is_not! { Inside<Sent>: Sync }
is_not! { Inside<Shared>: Sync }
is! { Owned<Sent>: Send }
is_not! { Owned<Shared>: Send }
is! { OwnedInside<Sent>: Send }
is_not! { OwnedInside<Shared>: Send }
is! { OwnedInside<u32>: Sync }
is_not! { OwnedInside<Sent>: Sync }
is_not! { OwnedGuard<Bakery<2>, Neither, DefaultWait, u32>: Send }
is_not! { OwnedGuard<Bakery<2>, (u32, Sent), DefaultWait, Sent>: Sync }
is! { Half<'static, Left, Fenced, Sent>: Send }
is_not! { Half<'static, Left, Fenced, Neither>: Send }

// Slots belong to threads, tickets do not.
is! { MutexGuard<'static, Sent>: Send }
is_not! { MutexGuard<'static, Shared>: Send }
is! { MutexGuard<'static, u32>: Sync }
is_not! { MutexGuard<'static, Sent>: Sync }
is_not! { SlottedInside<u32>: Send }
is! { SlottedInside<u32>: Sync }
is_not! { SlottedInside<Sent>: Sync }
is_not! { SlottedGuard: Send }
is_not! { SlottedGuard: Clone }
is_not! { Participant<'static, Bakery<2>, u32>: Clone }

is! { Full: Copy + Eq + Send + Sync + std::error::Error + 'static }

#[test]
fn all_are_const() {
    static BAKERY: Lock<Bakery<3>, u32> = Lock::new(1);
    static BLACK_WHITE: Lock<BlackWhite<3>, u32, Spin> = Lock::new(1);
    static FAST: Lock<Fast<3>, u32, SpinYield> = Lock::new(1);
    static PETERSON: Lock<Peterson<Swapped>, u32> = Lock::new(1);
    static FILTER: Lock<Filter<3>, u32> = Lock::new(1);
    static TOURNAMENT: Lock<Tournament<3, Swapped>, u32> = Lock::new(1);
    static TICKET: Lock<Ticket<3>, u32> = Lock::new(1);
    static BAKERY_MUTEX: BakeryMutexWith<u32, 3> = BakeryMutexWith::new(1);
    static BLACK_WHITE_MUTEX: BlackWhiteMutexWith<u32, 3> = BlackWhiteMutexWith::new(1);
    static PETERSON_MUTEX: PetersonMutex<u32> = PetersonMutex::new(1);
    static FILTER_MUTEX: FilterMutexWith<u32, 3> = FilterMutexWith::new(1);
    static TOURNAMENT_MUTEX: TournamentMutexWith<u32, 3> = TournamentMutexWith::new(1);
    static MUTEX: Mutex<u32> = Mutex::new(1);
    static BYPASS_MUTEX: BypassMutex<u32> = BypassMutex::new(1);

    let explicit = *BAKERY.join().unwrap().lock()
        + *BLACK_WHITE.join().unwrap().lock()
        + *FAST.join().unwrap().lock()
        + *PETERSON.join().unwrap().lock()
        + *FILTER.join().unwrap().lock()
        + *TOURNAMENT.join().unwrap().lock()
        + *TICKET.join().unwrap().lock();
    let drop_in = *BAKERY_MUTEX.lock()
        + *BLACK_WHITE_MUTEX.lock()
        + *PETERSON_MUTEX.lock()
        + *FILTER_MUTEX.lock()
        + *TOURNAMENT_MUTEX.lock()
        + *MUTEX.lock()
        + *BYPASS_MUTEX.lock();
    assert_eq!((explicit, drop_in), (7, 7));
}

#[test]
fn the_small_traits_of_a_lock() {
    let mut lock: Lock<Bakery<3>, String> = Lock::default();
    lock.get_mut().push_str("one");
    let one = lock.join().expect("room for three");
    assert_eq!(format!("{lock:?}"), "Lock { capacity: 3, joined: 1, .. }");
    assert_eq!(format!("{one:?}"), "Participant { slot: 0, .. }");
    drop(one);

    let mut me = lock.join().expect("room for three");
    let mut inside = me.enter().wait();
    inside.push_str(", two");
    assert_eq!(format!("{inside:?} {inside}"), "\"one, two\" one, two");
    drop(inside);
    assert!(!format!("{:?}", me.enter()).is_empty());
    drop(me);

    lock.get_mut().push('.');
    assert_eq!(lock.into_inner(), "one, two.");
    assert_eq!(Lock::<Bakery<3>, _>::from(5).into_inner(), 5);
}

#[test]
fn the_small_traits_of_a_mutex() {
    let mut mutex: BakeryMutexWith<String, 3> = BakeryMutexWith::default();
    mutex.get_mut().push_str("one");
    mutex.lock().push_str(", two");
    assert!(format!("{mutex:?}").contains("one, two"));
    let inside = mutex.lock();
    assert!(format!("{mutex:?}").contains("locked"), "it does not wait");
    drop(inside);
    assert_eq!(mutex.into_inner(), "one, two");
    assert_eq!(Mutex::<u32>::from(5).into_inner(), 5);
}

#[test]
fn a_raw_mutex_is_small() {
    assert_eq!(size_of::<RawTicket>(), 56);
    assert_eq!(size_of::<Mutex<u64>>(), 64);
    assert_eq!(size_of::<RawBypass<1024>>(), 72);
}

/// A guard of a ticket lock may be dropped by another thread.
#[test]
fn a_guard_sent_elsewhere() {
    let mutex: Mutex<u32> = Mutex::new(0);
    for _ in 0..10 {
        let mut inside = mutex.lock();
        std::thread::scope(|scope| {
            scope.spawn(move || *inside += 1);
        });
    }
    assert_eq!(mutex.into_inner(), 10);
}

/// A place in the line may be taken by one thread and used by another.
#[test]
fn a_place_in_the_line_sent_elsewhere() {
    let lock: Lock<Bakery<2>, u32> = Lock::new(0);
    let mut me = lock.join().expect("room for two");
    for _ in 0..10 {
        let waiting = me.enter();
        std::thread::scope(|scope| {
            scope.spawn(move || *waiting.wait() += 1);
        });
    }
    drop(me);
    assert_eq!(lock.into_inner(), 10);
}

#[test]
fn values_of_unknown_size() {
    let lock: Box<Lock<Bakery<3>, [u32]>> = Box::new(Lock::<Bakery<3>, [u32; 2]>::new([0; 2]));
    let mutex: Box<BakeryMutexWith<dyn Fn() -> u32 + Send, 3>> =
        Box::new(BakeryMutexWith::new(|| 7));
    crowd(3, |_| {
        let mut me = lock.join().expect("room for three");
        me.lock()[1] += mutex.lock()();
    });
    assert_eq!(*lock.join().unwrap().lock(), [0, 21]);
}
