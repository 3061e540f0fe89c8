//! The seam's other half, with loom's threads: stands in for the library's `src/threads.rs`.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};
use std::sync::LockResult;

use loom::cell::{MutPtr, UnsafeCell};
use loom::sync::atomic::AtomicBool;
pub(crate) use loom::thread::{Thread, ThreadId, current, park, yield_now};

use crate::atomic::{AcqRel, Acquire, Ordering, Relaxed, Release, SeqCst};
use crate::mutation::{Operation, ordering};
pub(crate) use crate::thread_locals::locals as thread_local;

/// Whether a nap lasts until somebody has left.
pub(crate) const NAPS_LAST: bool = true;

/// Stores are seen some time: by whoever drains after the one who stored did.
pub(crate) fn drain() {
    loom::sync::atomic::fence(SeqCst);
}

/// A mutex of which a mutant can weaken the locking (`Release` is left) or the unlocking (`Acquire`
/// is).
pub(crate) struct Mutex<T> {
    locked: AtomicBool,
    /// Who sleeps until it is unlocked. All threads of a model run on one thread of the system and
    /// change in loom's operations only.
    asleep: RefCell<Vec<Thread>>,
    value: UnsafeCell<T>,
}

pub(crate) struct Guard<'a, T> {
    mutex: &'a Mutex<T>,
    value: Option<MutPtr<T>>,
    unlock: Ordering,
}

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        let locked = AtomicBool::new(false);
        Self { locked, asleep: RefCell::default(), value: UnsafeCell::new(value) }
    }

    #[expect(clippy::unnecessary_wraps, reason = "as std's")]
    #[track_caller]
    pub(crate) fn lock(&self) -> LockResult<Guard<'_, T>> {
        let (lock, unlock) = match ordering(Operation::Update, AcqRel) {
            Some(Acquire) => (Acquire, Relaxed),
            Some(Release) => (Relaxed, Release),
            _ => (Acquire, Release),
        };
        // Not a swap: one that finds it locked would be a store that loom cannot order with the
        // unlocking one.
        while self.locked.compare_exchange(false, true, lock, Relaxed).is_err() {
            self.sleep();
        }
        Ok(Guard { mutex: self, value: Some(self.value.get_mut()), unlock })
    }

    /// As std's does. Two that yield instead can pass the turn to each other for ever while the
    /// third has it locked: to be off the processor by a yield costs no preemption.
    fn sleep(&self) {
        let me = current();
        self.asleep.borrow_mut().push(me.clone());
        while self.asleep.borrow().iter().any(|it| it.id() == me.id()) {
            park();
        }
    }
}

impl<T> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        self.value = None;
        self.mutex.locked.store(false, self.unlock);
        // Being woken orders them behind this as well, for loom. With the mutex as it should be they
        // are anyway.
        for sleeper in self.mutex.asleep.take() {
            sleeper.unpark();
        }
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        let value = self.value.as_ref().expect("it is not dropped yet");
        // SAFETY: the mutex is locked; and loom reports whoever comes near.
        unsafe { MutPtr::deref(value) }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        let value = self.value.as_ref().expect("it is not dropped yet");
        // SAFETY: as above.
        unsafe { MutPtr::deref(value) }
    }
}

/// Nobody forks here.
pub(crate) fn in_forked_children(_: extern "C" fn()) {}

macro_rules! global {
    ($($(#[$doc:meta])* static $name:ident: $type:ty = $value:expr;)*) => {
        loom::lazy_static! { $($(#[$doc])* static ref $name: $type = $value;)* }
    };
}

pub(crate) use global;
