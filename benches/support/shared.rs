//! This library's locks between processes, used within one.

use bakery_lock::shared::{Kind, Mutex, Options, Participant};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::Subject;

/// A segment in anonymous memory, with a lock of the kind that has this place in [`Kind::ALL`]; and with a
/// doorbell or without.
pub(crate) struct Shared<const KIND: usize, const SLOTS: u32, const BELL: bool = true>(Mutex<u64>);

pub(crate) type SharedBakery<const SLOTS: u32 = 8> = Shared<{ Kind::Bakery as usize }, SLOTS>;
pub(crate) type SharedTicket<const SLOTS: u32 = 8> = Shared<{ Kind::Ticket as usize }, SLOTS>;
pub(crate) type SharedBypass<const SLOTS: u32 = 8> = Shared<{ Kind::Bypass as usize }, SLOTS>;

impl<const KIND: usize, const SLOTS: u32, const BELL: bool> Default for Shared<KIND, SLOTS, BELL> {
    fn default() -> Self {
        let options = Options::new().kind(Kind::ALL[KIND]).slots(SLOTS).doorbell(BELL);
        Self(options.anonymous(0).expect("memory can be made"))
    }
}

impl<const KIND: usize, const SLOTS: u32, const BELL: bool> Subject for Shared<KIND, SLOTS, BELL> {
    type Seat<'a> = Participant<u64>;

    fn sit(&self) -> Self::Seat<'_> {
        self.0.join().expect("room for every thread of a benchmark")
    }

    #[inline]
    fn pass<R>(&self, seat: &mut Self::Seat<'_>, section: impl FnOnce(&mut u64) -> R) -> R {
        section(&mut seat.lock().expect("nobody dies, and nobody tampers"))
    }
}

/// Lets this process have as many participants as it may: each has a descriptor of its own.
pub(crate) fn allow_many() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let limit = Rlimit { current: maximum, maximum };
    setrlimit(Resource::Nofile, limit).expect("a process may do what it is allowed to");
}
