//! What a lock knows of its past: tokens, deaths, and the figures that tell how fair it has been.

use std::time::Duration;

use crate::algorithm::Slot;
use crate::atomic::{Acquire, AtomicU64, Register32, Register64, Relaxed, Release};
use crate::shared::identity::Process;
use crate::shared::record::Conduct;
use crate::shared::{Death, clock, process};

/// A segment's journal. Written by whoever is inside, and by whoever resets a dead one that was;
/// which of them is one at a time, handed on by the lock itself. Anybody may read.
#[derive(Debug)]
#[repr(C, align(128))]
pub(super) struct Journal {
    /// The token of the last acquisition.
    token: Register64,
    /// In nanoseconds.
    longest_wait: Register64,
    most_bypasses: Register64,
    recoveries: AtomicU64,
    /// Whether somebody died inside and nobody has repaired the data since.
    poisoned: Register32,
    /// Whether a death has stopped a lock that nobody can recover.
    stopped: Register32,
    death: Entry,
}

/// The last one who died inside.
#[derive(Debug)]
#[repr(C)]
struct Entry {
    pid: Register32,
    slot: Register32,
    token: Register64,
    since: Register64,
    command: [Register64; 2],
}

const YES: u32 = 1;
const NO: u32 = 0;

impl Journal {
    /// A token for whoever is inside now. `None` if they are used up, which they never are unless
    /// somebody tampers with them.
    #[inline]
    pub(super) fn next_token(&self) -> Option<u64> {
        let token = self.token.load(Relaxed).checked_add(1)?;
        self.token.store(token, Relaxed);
        Some(token)
    }

    pub(super) fn last_token(&self) -> u64 {
        self.token.load(Relaxed)
    }

    /// To be called inside.
    pub(super) fn note_wait(&self, waited: Duration, bypasses: u64) {
        let waited = u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX);
        if waited > self.longest_wait.load(Relaxed) {
            self.longest_wait.store(waited, Relaxed);
        }
        if bypasses > self.most_bypasses.load(Relaxed) {
            self.most_bypasses.store(bypasses, Relaxed);
        }
    }

    pub(super) fn note_recovery(&self) {
        self.recoveries.fetch_add(1, Relaxed);
    }

    /// To be called by whoever resets one that died inside, before the lock passes on.
    pub(super) fn note_death(&self, slot: Slot, owner: &Process, conduct: Conduct) {
        let Entry { pid, slot: at, token, since, command } = &self.death;
        pid.store(owner.pid, Relaxed);
        at.store(slot.number(), Relaxed);
        token.store(conduct.token, Relaxed);
        since.store(u64::try_from(conduct.since.as_nanos()).unwrap_or(u64::MAX), Relaxed);
        for (register, word) in command.iter().zip(owner.command) {
            register.store(word, Relaxed);
        }
        // Release: whoever sees it poisoned sees by whom.
        self.poisoned.store(YES, Release);
    }

    /// The same for a lock that nobody can recover: it ends here.
    pub(super) fn note_end(&self, slot: Slot, owner: &Process, conduct: Conduct) {
        self.note_death(slot, owner, conduct);
        // Release: as above.
        self.stopped.store(YES, Release);
    }

    /// To be called inside.
    pub(super) fn note_repair(&self) {
        self.poisoned.store(NO, Relaxed);
    }

    #[inline]
    pub(super) fn is_poisoned(&self) -> bool {
        // Acquire: see `note_death`.
        self.poisoned.load(Acquire) != NO
    }

    pub(super) fn is_stopped(&self) -> bool {
        // Acquire: see `note_end`.
        self.stopped.load(Acquire) != NO
    }

    pub(super) fn death(&self) -> Death {
        let Entry { pid, slot, token, since, command } = &self.death;
        Death {
            pid: pid.load(Relaxed),
            command: process::command([command[0].load(Relaxed), command[1].load(Relaxed)]),
            slot: Slot::new(slot.load(Relaxed)),
            token: token.load(Relaxed),
            since: clock::calendar(Duration::from_nanos(since.load(Relaxed))),
        }
    }

    pub(super) fn longest_wait(&self) -> Duration {
        Duration::from_nanos(self.longest_wait.load(Relaxed))
    }

    pub(super) fn most_bypasses(&self) -> u64 {
        self.most_bypasses.load(Relaxed)
    }

    pub(super) fn recoveries(&self) -> u64 {
        self.recoveries.load(Relaxed)
    }
}
