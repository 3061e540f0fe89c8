//! Going on in a slot that another process has handed over.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::fstat;
use rustix::io::{FdFlags, fcntl_setfd};

use crate::algorithm::Slot;
use crate::atomic::crash_point;
use crate::attempt::State;
use crate::shared::Error;
use crate::shared::life::identity::{Hold, Process};
use crate::shared::life::ofd;
use crate::shared::segment::Segment;

/// Makes this process the user of the slot that a descriptor keeps alive. Which one it is, and where it
/// stands.
pub(crate) fn adopt(
    segment: &Segment,
    descriptor: &OwnedFd,
    this: &Process,
) -> Result<(Slot, State), Error> {
    let refuse = |why| Err(Error::NotHandedOver { segment: segment.name().to_owned(), why });
    let is_the_segments = is_same_file(segment, descriptor)
        .map_err(Error::io(segment.name(), "inspect the descriptor"))?;
    if !is_the_segments {
        return refuse("it is that of another file");
    }
    for slot in (0..segment.joined()).map(Slot::new) {
        let identity = &segment.identities()[slot.index()];
        let Some(owner) = identity.owner() else { continue };
        let keeps = owner.hold != Hold::Process
            && keeps_alive(segment, descriptor, slot)
                .map_err(Error::io(segment.name(), "find out which slot it keeps alive"))?;
        if !keeps {
            continue;
        }
        let Hold::HandedOver(state) = owner.hold else {
            return refuse("a process uses the participant, or has died using it");
        };
        // What this process starts does not keep it alive unasked.
        fcntl_setfd(descriptor, FdFlags::CLOEXEC)
            .map_err(Error::io(segment.name(), "have the descriptor closed on exec"))?;
        crash_point("about to adopt a participant");
        if !identity.adopt(&owner, this) {
            return refuse("another process has adopted the participant");
        }
        return Ok((slot, state));
    }
    refuse("it keeps no participant alive that was handed over")
}

fn is_same_file(segment: &Segment, descriptor: &OwnedFd) -> io::Result<bool> {
    let (this, that) = (fstat(segment)?, fstat(descriptor)?);
    Ok((this.st_dev, this.st_ino) == (that.st_dev, that.st_ino))
}

/// Whether this descriptor has the lock on a slot's byte: somebody has it, and not another.
fn keeps_alive(segment: &Segment, descriptor: &OwnedFd, slot: Slot) -> io::Result<bool> {
    Ok(!ofd::is_owned(descriptor.as_fd(), slot)? && ofd::is_owned(segment.as_fd(), slot)?)
}
