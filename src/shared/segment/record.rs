//! What a participant is about: one record for each slot, written by its owner while it competes.

use crate::atomic::{Register64, Relaxed, const_fn, death_fence};

/// A slot's record. All zeros: outside.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Record {
    /// The token with which the slot's owner is inside; 0 while it is not. What a death leaves here
    /// says whether the data may be half-written.
    token: Register64,
    /// Since when it waits, or is inside. 0: it does neither, or has not been kept waiting yet.
    since: Register64,
}

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Conduct {
    /// 0: not inside.
    pub(crate) token: u64,
    /// In nanoseconds of the segment's clock.
    pub(crate) since: u64,
}

impl Record {
    const_fn! {
        #[allow(dead_code, reason = "they are mapped; the models make some")]
        pub(crate) const fn new() -> Self {
            Self { token: Register64::new(0), since: Register64::new(0) }
        }
    }

    /// To be called by the slot's owner, when it finds that it has to wait.
    pub(crate) fn wait_begins(&self, now: u64) {
        self.since.store(now, Relaxed);
    }

    /// To be called by the slot's owner when it is its turn, before it touches the data. For how
    /// many nanoseconds it has been waiting, if it has.
    #[inline]
    pub(crate) fn go_in(&self, token: u64, now: u64) -> Option<u64> {
        let since = self.since.load(Relaxed);
        self.since.store(now, Relaxed);
        self.token.store(token, Relaxed);
        // Orders the token before whatever is done inside, as far as this process's own death can
        // tell.
        death_fence();
        (since != 0).then(|| now.saturating_sub(since))
    }

    /// To be called by the slot's owner when it is done with the data, or with waiting; or, once it
    /// is dead, by the one who has the lock on the slot's recovery byte.
    #[inline]
    pub(crate) fn come_out(&self) {
        // Orders whatever was done inside before the end of the token, as above.
        death_fence();
        self.token.store(0, Relaxed);
        self.since.store(0, Relaxed);
    }

    pub(crate) fn read(&self) -> Conduct {
        Conduct { token: self.token.load(Relaxed), since: self.since.load(Relaxed) }
    }
}
