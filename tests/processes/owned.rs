//! Participants and guards that borrow nothing, and locking without joining.

use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::Duration;

use bakery_lock::shared::{Error, Kind, Mutex, Options, OwnedGuard, Participant};

use crate::child::{Child, until};
use crate::data::{Ledger, Shared, attach};
use crate::forks::in_forked_child;

/// Beside its mutex, in any order.
struct Account {
    me: Participant<Ledger>,
    mutex: Mutex<Ledger>,
}

impl Account {
    fn new() -> Result<Self, Error> {
        let mutex =
            Options::new().anonymous(Ledger { left: 0, right: 0, length: 0, order: [0; 16] })?;
        Ok(Self { me: mutex.join()?, mutex })
    }

    fn locked(&self) -> Result<OwnedGuard<Ledger>, Error> {
        self.mutex.lock()
    }
}

#[test]
fn a_struct_can_hold_its_mutex_its_participant_and_a_guard() {
    struct Held {
        guard: OwnedGuard<Ledger>,
        account: Account,
    }

    let account = Account::new().unwrap();
    let mut held = Held { guard: account.locked().unwrap(), account };
    held.guard.add();
    assert!(held.account.me.try_lock().unwrap().is_none());
    // To another thread, which unlocks.
    let unlocks = move || {
        let Held { guard, account } = held;
        drop(guard);
        account
    };
    let mut account = thread::spawn(unlocks).join().unwrap();
    account.me.lock().unwrap().add();
    let Account { mut me, mutex } = account;
    // What is mapped lives as long as anybody uses it.
    let mut guard = mutex.lock().unwrap();
    drop(mutex);
    guard.add();
    drop(guard);
    assert_eq!(me.lock().unwrap().left, 3);
}

#[test]
fn any_number_of_threads_lock_without_joining() {
    static LINES: LazyLock<Mutex<u64>> = LazyLock::new(|| Options::new().anonymous(0).unwrap());

    let total = Arc::new(Options::new().kind(Kind::Ticket).slots(16).anonymous(0_u64).unwrap());
    thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| (0..20).for_each(|_| *LINES.lock().unwrap() += 1));
            let total = total.clone();
            // More than there are slots for.
            scope.spawn(move || (0..20).for_each(|_| *total.lock().unwrap() += 1));
        }
    });
    assert_eq!((*LINES.lock().unwrap(), *total.lock().unwrap()), (480, 480));
    assert!(total.status().unwrap().joined <= 2);
    assert!(LINES.status().unwrap().joined <= 16, "so many are kept");
}

/// Who finds no slot and has a deadline, or only tries, does not wait for one.
#[test]
fn waiting_for_a_slot_ends_with_the_deadline() {
    let mutex = Options::new().slots(2).anonymous(0_u64).unwrap();
    let both = [mutex.join().unwrap(), mutex.join().unwrap()];
    assert!(mutex.lock_for(Duration::from_millis(5)).unwrap().is_none());
    assert!(matches!(mutex.try_lock(), Err(Error::Full { .. })));
    thread::scope(|scope| {
        let waits = scope.spawn(|| *mutex.lock().unwrap());
        drop(both);
        assert_eq!(waits.join().unwrap(), 0);
    });
}

/// An idle participant is used again, and is no user of the mutex's place.
#[test]
fn idle_participants_are_used_again() {
    let mutex = Options::new().slots(16).anonymous(0_u64).unwrap();
    let one = mutex.lock().unwrap();
    assert!(mutex.try_lock().unwrap().is_none());
    drop(one);
    for _ in 0..10 {
        drop(mutex.lock().unwrap());
        drop(mutex.try_lock().unwrap().unwrap());
        drop(mutex.lock_for(Duration::ZERO).unwrap().unwrap());
    }
    let status = mutex.status().unwrap();
    assert_eq!((status.joined, status.acquisitions), (2, 31));
    assert!(status.holder.is_none() && status.queue.is_empty());
}

/// Where there is little room, they leave it to others.
#[test]
fn idle_participants_take_no_room_that_others_need() {
    let mutex = Options::new().kind(Kind::Peterson).anonymous(0_u64).unwrap();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..20).for_each(|_| *mutex.lock().unwrap() += 1));
        }
    });
    assert_eq!(mutex.status().unwrap().joined, 0);
}

/// In a forked child the parent's are not used, and stay the parent's.
pub fn forks_with_idle_ones(arguments: &[&str]) {
    let mutex: Mutex<Ledger> = attach(arguments[0]);
    drop((mutex.lock().unwrap(), mutex.join().unwrap()));
    let guard = mutex.lock().unwrap();
    assert!(in_forked_child(|| {
        assert!(mutex.lock_for(Duration::ZERO).unwrap().is_none());
        // Nobody is let in by what the child drops.
        std::mem::forget(mutex.try_lock());
    }));
    assert!(mutex.try_lock().unwrap().is_none());
    drop(guard);
    for _ in 0..3 {
        assert!(in_forked_child(|| mutex.lock().unwrap().add()));
        mutex.lock().unwrap().add();
    }
    until(|| mutex.status().unwrap().holder.is_none());
}

#[test]
fn a_forked_child_locks_without_its_parents_participants() {
    let shared = Shared::<Ledger>::new(Kind::Bakery, 8);
    Child::start("forks with idle ones", &[shared.path()]).finish();
    assert_eq!(shared.peek(|ledger| ledger.left), 6);
}
