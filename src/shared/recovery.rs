//! What is done about a participant that has died.
//!
//! One that died in the doorway, in line, or on its way out is withdrawn silently, and the line
//! closes up. One that died inside is written into the journal first, for the next owner to be
//! told. Then its slot is free.
//!
//! The steps are in such an order that whoever takes them may die after any of them, and another
//! takes them anew: the death is noted before the token is taken away, which says that there is one
//! to be noted; the token is gone before the lock passes on; and the identity, by which the slot is
//! found to be a dead one's, goes last.

use std::os::fd::BorrowedFd;

use crate::algorithm::{Reset, Slot, Standing, Wake};
use crate::atomic::{SeqCst, fence};
use crate::shared::Error;
use crate::shared::identity::Owner;
use crate::shared::liveness::is_dead;
use crate::shared::ofd::RecoveryByte;
use crate::shared::segment::Segment;

/// What became of a slot that somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Its owner lives, as far as anybody can prove; or somebody else sees to it.
    Wait,
    /// It has no owner.
    Nobody,
    /// Its owner was dead; it has none now.
    Recovered,
    /// Its owner is dead, and the algorithm cannot do without it.
    Stopped,
}

/// Resets a slot if its owner is dead.
///
/// `file` is an open description that does not own that slot.
pub(super) fn look_after(
    segment: &Segment,
    file: BorrowedFd<'_>,
    slot: Slot,
    wake: &impl Wake,
) -> Result<Outcome, Error> {
    let io = |doing| Error::io(segment.name(), doing);
    let identity = &segment.identities()[slot.index()];
    let Some(owner) = identity.owner() else { return Ok(Outcome::Nobody) };
    let is_dead =
        is_dead(file, slot, &owner.process).map_err(io("find out whether a participant lives"))?;
    if !is_dead || !identity.is_still(&owner) {
        return Ok(Outcome::Wait);
    }
    let byte = RecoveryByte::try_lock(file, slot).map_err(io("lock a slot's recovery byte"))?;
    let Some(byte) = byte else { return Ok(Outcome::Wait) };
    // Another may have recovered it meanwhile, and a newcomer have joined.
    let outcome =
        if identity.is_still(&owner) { reset(segment, slot, &owner, wake) } else { Outcome::Wait };
    drop(byte);
    Ok(outcome)
}

/// To be called under the slot's recovery byte, for an owner that is dead.
fn reset(segment: &Segment, slot: Slot, owner: &Owner, wake: &impl Wake) -> Outcome {
    let (journal, record) = (segment.journal(), &segment.records()[slot.index()]);
    let conduct = record.read();
    if segment.kind().can_recover() {
        if conduct.token != 0 {
            journal.note_death(slot, &owner.process, conduct);
        }
        record.come_out();
        // Orders the dead one's last steps, which the kernel's word that it is dead has brought
        // here, and the journal before the reset, which lets the next one in.
        fence(SeqCst);
        if segment.registers().reset(slot, wake) == Some(Reset::Later) {
            return Outcome::Wait;
        }
    } else if segment.registers().standing(slot) != Standing::Outside || conduct.token != 0 {
        journal.note_end(slot, &owner.process, conduct);
        return Outcome::Stopped;
    }
    segment.identities()[slot.index()].clear();
    journal.note_recovery();
    Outcome::Recovered
}

/// Resets all slots whose owners are dead: those that compete, or every one. Whether there was one.
pub(super) fn reap(
    segment: &Segment,
    file: BorrowedFd<'_>,
    me: Option<Slot>,
    wake: &impl Wake,
) -> Result<bool, Error> {
    let mut recovered = false;
    for slot in (0..segment.slots()).map(Slot::new) {
        // A participant that looks for its own sake looks at those in its way only.
        let concerns = me
            .is_none_or(|me| slot != me && segment.registers().standing(slot) != Standing::Outside);
        recovered |= concerns && look_after(segment, file, slot, wake)? == Outcome::Recovered;
    }
    Ok(recovered)
}
