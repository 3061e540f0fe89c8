//! The index that each thread leases for its life, small and dense, so that it can serve as a slot
//! in every lock.
//!
//! Nothing here waits for another thread: a forked child does not have its parent's threads, and would
//! wait for ever.

use std::cell::Cell;

use crate::atomic::{Acquire, AtomicU64, Relaxed, Release, array};
use crate::threads::{global, in_forked_children, thread_local};

/// Room for 1,024 threads. More have no index.
const WORDS: usize = 16;

global! {
    /// A bit for each index: raised while a thread has it.
    static LEASED: [AtomicU64; WORDS] = array![AtomicU64::new(0); WORDS];
    /// A bit for each index: raised for good when a thread gives it back while it is inside a lock, or
    /// has left one locked for ever.
    static LEFT_IN_USE: [AtomicU64; WORDS] = array![AtomicU64::new(0); WORDS];
}

/// Which word an index has its bit in, and the bit.
fn place(index: u32) -> (usize, u64) {
    ((index / u64::BITS) as usize, 1 << (index % u64::BITS))
}

/// The smallest, if nobody takes or gives back another meanwhile: few threads then mean few slots to
/// scan.
fn take() -> Option<u32> {
    (0..).zip(LEASED.iter()).find_map(|(word, leased)| {
        let mut seen = 0_u64;
        while seen != u64::MAX {
            let free = seen.trailing_ones();
            // Acquire: takes over the registers of each lock's slot as the last thread that had it has
            // left them. Forbids: the new one's accesses before those.
            seen = leased.fetch_or(1 << free, Acquire);
            if seen & (1 << free) == 0 {
                return Some(word * u64::BITS + free);
            }
        }
        None
    })
}

fn give_back(index: u32) {
    let (word, bit) = place(index);
    // Release: hands the registers of each lock's slot on. Forbids: an access to them behind it.
    LEASED[word].fetch_and(!bit, Release);
}

/// A forked child has one thread, the one that forked and that runs this; so its parent's other
/// threads have no index in it.
extern "C" fn forget_the_others() {
    let mine = match LEASE.get() {
        Lease::Index(index) => Some(place(index)),
        Lease::NotYet | Lease::None => None,
    };
    for (word, (leased, left)) in LEASED.iter().zip(LEFT_IN_USE.iter()).enumerate() {
        let kept = mine.filter(|place| place.0 == word).map_or(0, |place| place.1);
        // They may have been inside anything.
        left.store(left.load(Relaxed) | leased.load(Relaxed) & !kept, Relaxed);
        leased.store(kept, Relaxed);
    }
}

#[derive(Clone, Copy)]
enum Lease {
    NotYet,
    Index(u32),
    /// Given back, for the thread is running its last destructors; or there was none left.
    None,
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
        if let Lease::Index(index) = LEASE.get() {
            LEASE.set(Lease::None);
            // A guard was leaked, or is dropped by a later destructor. Its lock knows that the slot is
            // in use; the next thread that has the index has to know that it may not be by itself.
            if HELD.get() != 0 {
                let (word, bit) = place(index);
                LEFT_IN_USE[word].fetch_or(bit, Relaxed);
            }
            give_back(index);
        }
    }
}

/// This thread's index; `None` in its last destructors, after the lease is over, and for a thread that
/// found 1,024 others with an index when it began to lock.
#[inline]
pub(crate) fn index() -> Option<u32> {
    match LEASE.get() {
        Lease::Index(index) => Some(index),
        Lease::NotYet => lease(),
        Lease::None => None,
    }
}

#[cold]
fn lease() -> Option<u32> {
    // Asks for `End` to be run. It cannot be over already, so no test sees an answer of `None`: it
    // is asked for here only, and whoever has asked once has an index, or had one.
    END.try_with(|_| ()).ok()?;
    // Before the index is taken: a child that is forked behind that forgets it.
    in_forked_children(forget_the_others);
    let index = take();
    LEASE.set(index.map_or(Lease::None, Lease::Index));
    index
}

/// Whether a thread that had this thread's index before may still be inside a lock by it.
#[cold]
pub(crate) fn was_left_in_use(index: u32) -> bool {
    let (word, bit) = place(index);
    // Relaxed: raised before the index was given back.
    LEFT_IN_USE[word].load(Relaxed) & bit != 0
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
