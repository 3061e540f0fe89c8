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

/// How many of the slots have been joined so far: no other is looked at.
pub(crate) trait Joined {
    type Error;

    fn mark(&self) -> u32;

    /// Lets a slot be joined that is the first at or above the mark: has its memory there, and then
    /// raises the mark over it.
    fn raise(&self, over: Slot) -> Result<(), Self::Error>;
}

/// Claims a free slot: one that has been joined before if there is one; else one more, if there are any
/// and `may_grow` lets the mark rise.
///
/// Each time round the mark is a higher one, or `may_grow` was asked to think about it.
pub(crate) fn claim<B: Bytes>(
    identities: &[Identity],
    joined: &impl Joined<Error = B::Error>,
    bytes: &B,
    owner: &Process,
    mut may_grow: impl FnMut(u32) -> Result<bool, B::Error>,
) -> Result<Option<Slot>, B::Error> {
    loop {
        let mark = joined.mark();
        let claimed = claim_below(mark, identities, bytes, owner)?;
        if claimed.is_some() || mark as usize >= identities.len() {
            return Ok(claimed);
        }
        if may_grow(mark)? {
            joined.raise(Slot::new(mark))?;
        }
    }
}

/// First the slot's byte, which says that its owner lives, then its identity.
fn claim_below<B: Bytes>(
    mark: u32,
    identities: &[Identity],
    bytes: &B,
    owner: &Process,
) -> Result<Option<Slot>, B::Error> {
    let joined = (0..mark).map(Slot::new).zip(identities);
    for (slot, identity) in joined {
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
