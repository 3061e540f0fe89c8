//! The reset of a slot whose owner is dead, in steps that can be taken anew.
//!
//! Whoever takes them may die after any of them. So the death is noted before the token is taken
//! away, which says that there is one to be noted; the token is gone before the lock passes on; and
//! the identity, by which the slot is found to be a dead one's, goes last.

use crate::algorithm::{Reset, Slot};
use crate::shared::life::identity::{Identity, Process};
use crate::shared::segment::journal::Journal;
use crate::shared::segment::record::Record;

/// A slot whose owner is dead, for whoever has the lock on its recovery byte.
pub(crate) struct Dead<'a> {
    pub(crate) slot: Slot,
    pub(crate) owner: &'a Process,
    /// Whether its death inside did no harm.
    pub(crate) is_harmless: bool,
    pub(crate) identity: &'a Identity,
    pub(crate) record: &'a Record,
    pub(crate) journal: &'a Journal,
}

impl Dead<'_> {
    /// Whether the slot is free now; if not, the rest has to wait.
    ///
    /// `take_out` resets the slot in the algorithm.
    pub(crate) fn reset(&self, take_out: impl FnOnce() -> Reset) -> bool {
        let conduct = self.record.read();
        if conduct.token != 0 && !self.is_harmless {
            self.journal.note_death(self.slot, self.owner, conduct);
        }
        self.record.come_out();
        // The algorithm's own release hands on what the dead one did, which the kernel's word that
        // it is dead has brought here, and the journal.
        if take_out() == Reset::Later {
            return false;
        }
        self.identity.clear();
        self.journal.note_recovery();
        true
    }
}
