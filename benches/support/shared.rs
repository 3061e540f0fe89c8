//! This library's locks between processes, used within one.

use bakery_lock::shared::{Kind, Mutex, Options, Participant};

use super::Subject;

/// A segment in anonymous memory, with room for eight.
pub(crate) struct Shared<const TICKET: bool>(Mutex<u64>);

pub(crate) type SharedBakery = Shared<false>;
pub(crate) type SharedTicket = Shared<true>;

impl<const TICKET: bool> Default for Shared<TICKET> {
    fn default() -> Self {
        let kind = if TICKET { Kind::Ticket } else { Kind::Bakery };
        Self(Options::new().kind(kind).slots(8).anonymous(0).expect("memory can be made"))
    }
}

impl<const TICKET: bool> Subject for Shared<TICKET> {
    type Seat<'a> = Participant<'a, u64>;

    fn sit(&self) -> Self::Seat<'_> {
        self.0.join().expect("room for every thread of a benchmark")
    }

    #[inline]
    fn pass<R>(&self, seat: &mut Self::Seat<'_>, section: impl FnOnce(&mut u64) -> R) -> R {
        section(&mut seat.lock().expect("nobody dies, and nobody tampers"))
    }
}
