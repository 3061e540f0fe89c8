//! Room for what a queue of tickets cannot keep in its own words.

/// Where a [`TicketQueue`](super::TicketQueue) notes tickets that were withdrawn far back in the line,
/// for which it has no marks of its own.
///
/// In a queue with [`NoRoom`] an attempt that may be withdrawn gets no ticket behind a long line.
///
/// # Safety
///
/// What is [noted](Self::note) is [taken](Self::take) once at the most, and nothing is taken that was
/// not noted.
pub unsafe trait Room {
    /// Whether there is any.
    const IS_ROOM: bool;

    /// Notes a ticket of one queue, which waits to be served or is served.
    fn note(&self, ticket: u64);

    /// Whether this ticket is the first of all that are noted: for whoever looks, and may look again.
    fn is_first(&self, ticket: u64) -> bool;

    /// Takes the row of tickets that begins with this one, if it was noted. The first ticket behind
    /// the row.
    fn take(&self, ticket: u64) -> Option<u64>;

    /// The first ticket behind a row, without taking it: for whoever looks on.
    fn behind(&self, ticket: u64) -> Option<u64>;
}

/// There is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRoom;

// SAFETY: it answers that there is nothing.
unsafe impl Room for NoRoom {
    const IS_ROOM: bool = false;

    fn note(&self, _: u64) {}

    fn is_first(&self, _: u64) -> bool {
        false
    }

    fn take(&self, _: u64) -> Option<u64> {
        None
    }

    fn behind(&self, _: u64) -> Option<u64> {
        None
    }
}
