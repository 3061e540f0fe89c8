//! Tickets that were withdrawn far back in the line of a mutex for threads.

use core::fmt;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::PoisonError;

use crate::algorithm::Room;
use crate::atomic::{AtomicU64, Relaxed, const_fn};
use crate::threads::Mutex;

/// Rows of withdrawn tickets. The first one that is noted allocates; they live as long as the lock.
pub struct Rows {
    /// The first ticket of all that are noted, if any are: whoever looks for another need not lock.
    first: AtomicU64,
    noted: Mutex<Option<Box<Noted>>>,
}

/// In the order of the line. Between two rows somebody waits, so that there are no more of them than
/// threads in line, and one, however often some of them come and withdraw.
#[derive(Default)]
struct Noted(VecDeque<Range<u64>>);

impl Noted {
    fn note(&mut self, ticket: u64) {
        let Self(rows) = self;
        let behind = ticket.wrapping_add(1);
        // Tickets wrap, so that what counts is how far one is from the other.
        let at = rows.partition_point(|row| row.start.wrapping_sub(ticket).cast_signed() < 0);
        let joins_last = at > 0 && rows[at - 1].end == ticket;
        let joins_next = rows.get(at).is_some_and(|row| row.start == behind);
        match (joins_last, joins_next) {
            (true, true) => {
                rows[at - 1].end = rows[at].end;
                rows.remove(at);
            }
            (true, false) => rows[at - 1].end = behind,
            (false, true) => rows[at].start = ticket,
            (false, false) => rows.insert(at, ticket..behind),
        }
    }

    fn take(&mut self, ticket: u64) -> Option<u64> {
        Some(self.0.pop_front_if(|row| row.start == ticket)?.end)
    }

    fn behind(&self, ticket: u64) -> Option<u64> {
        let offset = |row: &Range<u64>| ticket.wrapping_sub(row.start);
        let has_it = |row: &&Range<u64>| offset(row) < row.end.wrapping_sub(row.start);
        Some(self.0.iter().find(has_it)?.end)
    }
}

const_fn! {
    /// Room for all tickets that are withdrawn.
    pub(crate) const fn room() -> Rows {
        Rows { first: AtomicU64::new(0), noted: Mutex::new(None) }
    }
}

impl Rows {
    fn with<T>(&self, f: impl FnOnce(&mut Noted) -> T) -> T {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = noted.get_or_insert_default();
        let result = f(noted);
        if let Some(row) = noted.0.front() {
            // Relaxed: the fence that comes before whoever must see it is the queue's.
            self.first.store(row.start, Relaxed);
        }
        result
    }
}

// SAFETY: whoever takes a row removes it, under the lock.
unsafe impl Room for Rows {
    const IS_ROOM: bool = true;

    fn note(&self, ticket: u64) {
        self.with(|noted| noted.note(ticket));
    }

    fn is_first(&self, ticket: u64) -> bool {
        self.first.load(Relaxed) == ticket
    }

    fn take(&self, ticket: u64) -> Option<u64> {
        if !self.is_first(ticket) {
            return None;
        }
        self.with(|noted| {
            let behind = noted.take(ticket)?;
            // One that has been passed: nobody is to look again for what is taken.
            self.first.store(ticket.wrapping_sub(1), Relaxed);
            Some(behind)
        })
    }

    fn behind(&self, ticket: u64) -> Option<u64> {
        self.with(|noted| noted.behind(ticket))
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").finish_non_exhaustive()
    }
}
