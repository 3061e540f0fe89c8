//! What is done about a participant that has died.
//!
//! One that died in the doorway, in line, or on its way out is withdrawn silently, and the line
//! closes up. One that died inside is written into the journal first, for the next owner to be
//! told. Then its slot is free.

use std::os::fd::BorrowedFd;

use crate::algorithm::{Reset, Slot, Standing, Wake};
use crate::atomic::crash_point;
use crate::shared::Error;
use crate::shared::dead::reset::Dead;
use crate::shared::life::identity::{Owner, Process};
use crate::shared::life::liveness::is_dead;
use crate::shared::life::ofd::RecoveryByte;
use crate::shared::segment::Segment;

/// What became of a slot that somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Its owner lives, as far as anybody can prove.
    Wait,
    /// Its owner is dead, or was a moment ago, and somebody else sees to it, or its turn has to come
    /// first.
    Busy,
    /// It has no owner.
    Nobody,
    /// Its owner was dead; it has none now.
    Recovered,
    /// Its owner is dead, and the algorithm cannot do without it.
    Stopped,
}

/// Who looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look<'a> {
    /// An open description that owns none of the slots that are looked at.
    pub(crate) file: BorrowedFd<'a>,
    pub(crate) by: &'a Process,
}

/// Resets a slot if its owner is dead.
pub(crate) fn look_after(
    segment: &Segment,
    look: Look<'_>,
    slot: Slot,
    wake: &impl Wake,
) -> Result<Outcome, Error> {
    let io = |doing| Error::io(segment.name(), doing);
    // Damaged registers may name a slot that nobody has joined yet.
    if slot.number() >= segment.joined() {
        return Ok(Outcome::Nobody);
    }
    let identity = &segment.identities()[slot.index()];
    let Some(owner) = identity.owner() else { return Ok(Outcome::Nobody) };
    let is_dead = is_dead(look.file, slot, &owner, look.by)
        .map_err(io("find out whether a participant lives"))?;
    if !is_dead || !identity.is_still(&owner) {
        return Ok(Outcome::Wait);
    }
    let byte =
        RecoveryByte::try_lock(look.file, slot).map_err(io("lock a slot's recovery byte"))?;
    let Some(byte) = byte else { return Ok(Outcome::Busy) };
    // Another may have recovered it meanwhile, and a newcomer have joined.
    let outcome = if identity.is_still_for_certain(&owner) {
        reset(segment, slot, &owner, wake)
    } else {
        Outcome::Busy
    };
    crash_point("looked after one, but for its recovery byte");
    drop(byte);
    Ok(outcome)
}

/// To be called under the slot's recovery byte, for an owner that is dead.
fn reset(segment: &Segment, slot: Slot, owner: &Owner, wake: &impl Wake) -> Outcome {
    let dead = Dead {
        slot,
        owner: &owner.process,
        is_harmless: owner.is_harmless,
        identity: &segment.identities()[slot.index()],
        record: &segment.records()[slot.index()],
        journal: segment.journal(),
    };
    let registers = segment.registers();
    if !segment.kind().can_recover() && registers.standing(slot) != Standing::Outside {
        dead.journal.note_end(slot, dead.owner, dead.record.read());
        return Outcome::Stopped;
    }
    // One that cannot be recovered has nothing to be reset when it was outside.
    let is_free = dead.reset(|| {
        let reset = registers.reset(slot, wake).unwrap_or(Reset::Done);
        if reset == Reset::Done {
            // Behind the reset: whoever listened looks for another to listen to.
            segment.bells()[slot.index()].silence();
            if registers.keeps_a_place(slot) {
                // A newcomer would go before those behind it.
                return Reset::Later;
            }
        }
        reset
    });
    if is_free { Outcome::Recovered } else { Outcome::Busy }
}

/// Resets all joined slots whose owners are dead: those that compete, or every one. Whether there was one,
/// be it that somebody else sees to it.
pub(crate) fn reap(
    segment: &Segment,
    look: Look<'_>,
    me: Option<Slot>,
    wake: &impl Wake,
) -> Result<bool, Error> {
    let mut found = false;
    for slot in (0..segment.joined()).map(Slot::new) {
        // A participant that looks for its own sake looks at those in its way only.
        let concerns = me
            .is_none_or(|me| slot != me && segment.registers().standing(slot) != Standing::Outside);
        if concerns {
            let outcome = look_after(segment, look, slot, wake)?;
            found |= matches!(outcome, Outcome::Recovered | Outcome::Busy);
        }
    }
    Ok(found)
}
