//! How slots change hands.

use crate::algorithm::Slot;
use crate::atomic::crash_point;
use crate::shared::life::identity::{Identity, Process};

/// The locks on the slots' bytes, for one claim: held by it until it unlocks them, or until the
/// process that made it is gone.
pub(crate) trait Bytes {
    type Error;

    /// Whether it is this claim's now; never if it is another's.
    fn try_lock(&self, slot: Slot) -> Result<bool, Self::Error>;

    fn unlock(&self, slot: Slot);
}

/// Claims a free slot, if there is one: first its byte, which says that its owner lives, then its
/// identity.
pub(crate) fn claim<B: Bytes>(
    identities: &[Identity],
    bytes: &B,
    owner: &Process,
) -> Result<Option<Slot>, B::Error> {
    for (slot, identity) in (0..).map(Slot::new).zip(identities) {
        if !identity.is_free() || !bytes.try_lock(slot)? {
            continue;
        }
        if identity.publish(owner) {
            return Ok(Some(slot));
        }
        // It has been joined in between, by a process that has died since.
        bytes.unlock(slot);
    }
    Ok(None)
}

/// Gives a slot back. Its byte last: a slot that is joined while nobody has its byte is a dead
/// one's.
pub(crate) fn give_back(identities: &[Identity], bytes: &impl Bytes, slot: Slot) {
    identities[slot.index()].clear();
    crash_point("a slot that is free, but for its byte");
    bytes.unlock(slot);
}
