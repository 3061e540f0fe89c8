//! What a participant is about: one record for each slot, written by its owner while it competes.

use std::time::Duration;

use crate::atomic::{Acquire, Register64, Relaxed, Release, death_fence};
use crate::shared::clock;

/// A slot's record. All zeros: outside.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Record {
    /// The token with which the slot's owner is inside; 0 while it is not. What a death leaves here
    /// says whether the data may be half-written.
    token: Register64,
    /// Since when it waits, or is inside: nanoseconds of [`clock::now`]. 0: it does neither, or has
    /// not been kept waiting yet.
    since: Register64,
}

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Conduct {
    /// 0: not inside.
    pub(super) token: u64,
    pub(super) since: Duration,
}

impl Record {
    /// To be called by the slot's owner, when it finds that it has to wait.
    pub(super) fn wait_begins(&self) {
        self.since.store(clock::now_as_stamp(), Relaxed);
    }

    /// To be called by the slot's owner when it is its turn, before it touches the data. How long
    /// it has been waiting, if it has.
    #[inline]
    pub(super) fn go_in(&self, token: u64) -> Option<Duration> {
        let now = clock::now_as_stamp();
        let since = self.since.load(Relaxed);
        self.since.store(now, Relaxed);
        self.token.store(token, Relaxed);
        // Orders the token before whatever is done inside, as far as this process's own death can
        // tell.
        death_fence();
        (since != 0).then(|| Duration::from_nanos(now.saturating_sub(since)))
    }

    /// To be called by the slot's owner when it is done with the data, or with waiting.
    #[inline]
    pub(super) fn come_out(&self) {
        // Release: orders what was done inside before the end of the token, for the compiler as
        // above.
        self.token.store(0, Release);
        self.since.store(0, Relaxed);
    }

    pub(super) fn read(&self) -> Conduct {
        let token = self.token.load(Acquire);
        Conduct { token, since: Duration::from_nanos(self.since.load(Relaxed)) }
    }
}
