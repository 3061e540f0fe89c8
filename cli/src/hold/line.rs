//! The line of a segment: one participant for this process, in order.

use std::mem;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use bakery_lock::shared::{Competitor, Error, Guard, Mutex, Participant, Resumed, Status};

use crate::hold::death::Death;
use crate::hold::{Patience, Taken};
use crate::signals::CAUGHT;

/// How long somebody who does not wait is in line: two who come to a free lock at one moment know after
/// that which of them was first.
pub const AT_ONCE: Duration = Duration::from_millis(5);

/// How often one that waits looks around. Neither a hand-over nor a signal nor, mostly, a death waits for it:
/// only the end of a command whose wrapper was killed. And hundreds may wait.
pub const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Inside, until it is dropped; and about to [begin](Self::begin).
#[derive(Debug)]
pub struct Inside {
    participant: Participant<()>,
    pub token: u64,
    /// Who died inside right before.
    pub death: Option<Death>,
}

impl Inside {
    /// Goes on where another process has left to a descriptor what it had.
    ///
    /// # Errors
    ///
    /// The library's.
    pub fn adopt(
        mutex: &Mutex<()>,
        descriptor: OwnedFd,
        death: Option<Death>,
    ) -> Result<Self, Error> {
        let mut participant = mutex.adopt(descriptor)?;
        let guard = match participant.resume()? {
            Resumed::Inside(guard) => guard,
            Resumed::Waiting(waiting) => waiting.request().even_if_poisoned().lock()?,
            Resumed::Outside(me) => me.request().even_if_poisoned().lock()?,
        };
        let (token, _) = keep(guard);
        Ok(Self { participant, token, death })
    }

    /// What is to be done inside begins. Until then its death is nobody's business, and what it has been told
    /// of another's is left for the next one.
    ///
    /// # Errors
    ///
    /// The library's.
    pub fn begin(&mut self) -> Result<(), Error> {
        self.participant.set_harmless(false)
    }

    /// From here on its end inside is the ordinary way out, as of one that keeps the lock until its descriptor
    /// is closed.
    ///
    /// # Errors
    ///
    /// The library's.
    pub fn end_with_descriptor(&mut self) -> Result<(), Error> {
        self.participant.set_harmless(true)
    }

    /// From here on whoever has the descriptor keeps it inside.
    ///
    /// # Errors
    ///
    /// The library's.
    pub fn hold_by_descriptor(&mut self) -> Result<BorrowedFd<'_>, Error> {
        self.participant.hold_by_descriptor()
    }

    /// Stays inside until the last process that has the descriptor is gone. It is closed on exec.
    ///
    /// # Errors
    ///
    /// The library's.
    pub fn leave_to_descriptor(self) -> Result<OwnedFd, Error> {
        self.participant.hand_over().map(OwnedFd::from)
    }
}

/// Where in line somebody is.
pub fn position(status: &Status, is_it: impl Fn(&Competitor) -> bool) -> Option<usize> {
    status.queue.iter().position(is_it).map(|before| before + 1)
}

/// Joins the line of a segment; `None` if there is no room in time.
///
/// # Errors
///
/// The library's.
pub fn join(mutex: &Mutex<()>, patience: Patience) -> Result<Option<Participant<()>>, Error> {
    /// As good as never.
    const LONG: Duration = Duration::from_hours(24 * 365);
    let joined = match patience {
        Patience::None => mutex.join(),
        Patience::Until(deadline) => mutex.join_until(deadline),
        Patience::Forever => mutex.join_for(LONG),
    };
    match joined {
        Ok(participant) => Ok(Some(participant)),
        Err(Error::Full { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Goes through the line. `look` is asked once it has its place, and may have it leave again.
///
/// # Errors
///
/// The library's.
pub fn go_in(
    mut participant: Participant<()>,
    patience: Patience,
    look: impl FnOnce() -> Result<bool, Error>,
) -> Result<Taken<Inside>, Error> {
    participant.set_harmless(true)?;
    let waiting = participant.enter()?;
    if !look()? {
        return Ok(Taken::Busy);
    }
    let request = waiting.request().even_if_poisoned().unless_interrupted(&CAUGHT);
    let request = match patience {
        Patience::None => request.within(AT_ONCE),
        Patience::Until(deadline) => request.until(deadline.max(Instant::now() + AT_ONCE)),
        Patience::Forever => request,
    };
    let kept = match request.lock() {
        Ok(guard) => Some(keep(guard)),
        Err(Error::TimedOut { .. }) if matches!(patience, Patience::None) => None,
        Err(Error::TimedOut { .. }) => return Ok(Taken::Busy),
        Err(Error::Cancelled { .. }) => return Ok(Taken::Interrupted),
        Err(error) => return Err(error),
    };
    let (token, death) = match kept {
        Some(kept) => kept,
        // It has waited too short a time to have looked whether those before it live.
        None => match participant.request().even_if_poisoned().try_lock()? {
            Some(guard) => keep(guard),
            None => return Ok(Taken::Busy),
        },
    };
    Ok(Taken::In(Inside { participant, token, death }))
}

/// Stays inside: the participant leaves when it is dropped.
fn keep(guard: Guard<'_, ()>) -> (u64, Option<Death>) {
    let told = (guard.token(), guard.death().map(Death::from));
    mem::forget(guard);
    told
}
