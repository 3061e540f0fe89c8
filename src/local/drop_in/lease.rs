//! The index that each thread leases for its life, small and dense, so that it can serve as a slot
//! in every lock.

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::PoisonError;

use crate::threads::{Mutex, global, thread_local};

/// The indices that no thread has.
struct Free {
    returned: BinaryHeap<Reverse<u32>>,
    never_used: u32,
}

global! {
    static FREE: Mutex<Free> = Mutex::new(Free { returned: BinaryHeap::new(), never_used: 0 });
}

impl Free {
    fn with<T>(f: impl FnOnce(&mut Self) -> T) -> T {
        f(&mut FREE.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The smallest: few threads then mean few slots to scan.
    fn take(&mut self) -> u32 {
        self.returned.pop().map_or_else(
            || {
                self.never_used += 1;
                self.never_used - 1
            },
            |Reverse(index)| index,
        )
    }
}

#[derive(Clone, Copy)]
enum Lease {
    NotYet,
    Index(u32),
    /// Given back: the thread is running its last destructors.
    Over,
}

thread_local! {
    // Without destructors, so that they can be read until the very end of the thread.
    static LEASE: Cell<Lease> = const { Cell::new(Lease::NotYet) };
    static HELD: Cell<usize> = const { Cell::new(0) };
    static END: End = const { End };
}

/// Gives the index back at the end of the thread.
struct End;

impl Drop for End {
    fn drop(&mut self) {
        // An index in use (a guard was leaked, or is dropped by a later destructor) is never given
        // to another thread.
        if let (Lease::Index(index), 0) = (LEASE.get(), HELD.get()) {
            LEASE.set(Lease::Over);
            Free::with(|free| free.returned.push(Reverse(index)));
        }
    }
}

/// This thread's index; `None` in its last destructors, after the lease is over.
#[inline]
pub(crate) fn index() -> Option<u32> {
    match LEASE.get() {
        Lease::Index(index) => Some(index),
        Lease::NotYet => lease(),
        Lease::Over => None,
    }
}

#[cold]
fn lease() -> Option<u32> {
    // Asks for `End` to be run. It cannot be over already, so no test sees an answer of `None`: it
    // is asked for here only, and whoever has asked once has an index, or had one.
    END.try_with(|_| ()).ok()?;
    let index = Free::with(Free::take);
    LEASE.set(Lease::Index(index));
    Some(index)
}

/// Counts the locks that this thread holds or waits for with its index.
#[inline]
pub(crate) fn hold() {
    HELD.set(HELD.get() + 1);
}

/// The opposite of [`hold`], on the same thread.
#[inline]
pub(crate) fn release() {
    HELD.set(HELD.get() - 1);
}
