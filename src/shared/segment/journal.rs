//! What a lock knows of its past: tokens, deaths, and the figures that tell how fair it has been.

use crate::algorithm::Slot;
use crate::atomic::{
    Acquire, AtomicU64, Register32, Register64, Relaxed, Release, array, const_fn, death_fence,
};
use crate::shared::life::identity::Process;
use crate::shared::segment::record::Conduct;

/// A segment's journal. Written by whoever is inside, and by whoever resets a dead one that was;
/// which of them is one at a time, handed on by the lock itself. Anybody may read.
#[derive(Debug)]
#[repr(C, align(128))]
pub(crate) struct Journal {
    /// The token of the last acquisition. Stays the first thing here, in every format.
    token: Register64,
    /// The one before the first.
    before_first: Register64,
    /// When the segment's clock said 0, in nanoseconds since 1970.
    clock_began: Register64,
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

/// The same, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Obituary {
    pub(crate) pid: u32,
    pub(crate) slot: u32,
    pub(crate) conduct: Conduct,
    pub(crate) command: [u64; 2],
}

const YES: u32 = 1;
const NO: u32 = 0;

impl Journal {
    const_fn! {
        #[allow(dead_code, reason = "they are mapped; the models make some")]
        pub(crate) const fn new() -> Self {
            Self {
                token: Register64::new(0),
                before_first: Register64::new(0),
                clock_began: Register64::new(0),
                longest_wait: Register64::new(0),
                most_bypasses: Register64::new(0),
                recoveries: AtomicU64::new(0),
                poisoned: Register32::new(NO),
                stopped: Register32::new(NO),
                death: Entry {
                    pid: Register32::new(0),
                    slot: Register32::new(0),
                    token: Register64::new(0),
                    since: Register64::new(0),
                    command: array![Register64::new(0); 2],
                },
            }
        }
    }

    /// A token for whoever is inside now. `None` if they are used up, which they never are unless
    /// somebody tampers with them.
    #[inline]
    pub(crate) fn next_token(&self) -> Option<u64> {
        let token = self.token.load(Relaxed).checked_add(1)?;
        self.token.store(token, Relaxed);
        // Orders the count before the token's use, as far as this process's own death can tell: no
        // token is given out twice.
        death_fence();
        Some(token)
    }

    pub(crate) fn last_token(&self) -> u64 {
        self.token.load(Relaxed)
    }

    /// How many tokens have been given out since the segment was made, or made ready again.
    pub(crate) fn acquisitions(&self) -> u64 {
        self.last_token().saturating_sub(self.before_first.load(Relaxed))
    }

    /// In nanoseconds since 1970.
    pub(crate) fn clock_began(&self) -> u64 {
        self.clock_began.load(Relaxed)
    }

    /// Begins to count, after this token. To be called by whoever has the segment for itself; may be
    /// repeated.
    pub(crate) fn begin(&self, last_token: u64, clock_began: u64) {
        // A lock that has stopped is poisoned, though nobody may have been inside.
        if self.is_stopped() && self.obituary().conduct.token == 0 {
            self.note_repair();
            // Orders the two flags, as far as this process's own death can tell: whoever repeats this
            // finds why the first one was set.
            death_fence();
        }
        self.stopped.store(NO, Relaxed);
        self.longest_wait.store(0, Relaxed);
        self.most_bypasses.store(0, Relaxed);
        self.recoveries.store(0, Relaxed);
        self.clock_began.store(clock_began, Relaxed);
        self.before_first.store(last_token, Relaxed);
        self.token.store(last_token, Relaxed);
    }

    /// To be called inside.
    pub(crate) fn note_wait(&self, waited: u64, bypasses: u64) {
        if waited > self.longest_wait.load(Relaxed) {
            self.longest_wait.store(waited, Relaxed);
        }
        if bypasses > self.most_bypasses.load(Relaxed) {
            self.most_bypasses.store(bypasses, Relaxed);
        }
    }

    /// Writes down when the last death was in a way that outlives a restart: see [`note_death`].
    ///
    /// [`note_death`]: Self::note_death
    pub(crate) fn keep_death(&self, keep: impl FnOnce(u64) -> u64) {
        self.death.since.store(keep(self.death.since.load(Relaxed)), Relaxed);
    }

    pub(crate) fn note_recovery(&self) {
        self.recoveries.fetch_add(1, Relaxed);
    }

    /// To be called by whoever resets one that died inside, before the lock passes on.
    pub(crate) fn note_death(&self, slot: Slot, owner: &Process, conduct: Conduct) {
        let Entry { pid, slot: at, token, since, command } = &self.death;
        pid.store(owner.pid, Relaxed);
        at.store(slot.number(), Relaxed);
        token.store(conduct.token, Relaxed);
        since.store(conduct.since, Relaxed);
        for (register, word) in command.iter().zip(owner.command) {
            register.store(word, Relaxed);
        }
        // Orders the entry before the flag, as far as this process's own death can tell: one that
        // takes over writes all of it anew.
        death_fence();
        self.poisoned.store(YES, Relaxed);
    }

    /// The same for a lock that nobody can recover: it ends here.
    pub(crate) fn note_end(&self, slot: Slot, owner: &Process, conduct: Conduct) {
        // Of one that died inside, and was not repaired after, the next run of the machine has to be told.
        if conduct.token != 0 || !self.is_poisoned() {
            self.note_death(slot, owner, conduct);
        }
        // Release: whoever sees it stopped sees by whom.
        self.stopped.store(YES, Release);
    }

    /// To be called inside.
    pub(crate) fn note_repair(&self) {
        self.poisoned.store(NO, Relaxed);
    }

    #[inline]
    pub(crate) fn is_poisoned(&self) -> bool {
        self.poisoned.load(Relaxed) != NO
    }

    pub(crate) fn is_stopped(&self) -> bool {
        // Acquire: see `note_end`.
        self.stopped.load(Acquire) != NO
    }

    /// To be called inside, or when the lock has stopped; else it may be of several deaths.
    pub(crate) fn obituary(&self) -> Obituary {
        let Entry { pid, slot, token, since, command } = &self.death;
        Obituary {
            pid: pid.load(Relaxed),
            slot: slot.load(Relaxed),
            conduct: Conduct { token: token.load(Relaxed), since: since.load(Relaxed) },
            command: [command[0].load(Relaxed), command[1].load(Relaxed)],
        }
    }

    /// In nanoseconds.
    pub(crate) fn longest_wait(&self) -> u64 {
        self.longest_wait.load(Relaxed)
    }

    pub(crate) fn most_bypasses(&self) -> u64 {
        self.most_bypasses.load(Relaxed)
    }

    pub(crate) fn recoveries(&self) -> u64 {
        self.recoveries.load(Relaxed)
    }
}
