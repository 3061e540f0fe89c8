//! A participant on its way from one process to another.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::{FdFlags, fcntl_setfd};

use crate::algorithm::Slot;
use crate::shared::Error;

/// A participant that was [handed over](crate::shared::Participant::hand_over): its descriptor, on which
/// its life hangs.
///
/// Pass it to a child as its standard input for instance (`Stdio::from(OwnedFd::from(handle))`), over
/// a Unix socket, over a fork, or over `exec`; there, [adopt](crate::shared::Mutex::adopt) it. Whoever
/// does not adopt it keeps it as it stands, until the last descriptor is closed.
///
/// Dropped, it is closed: if it was the last one, the participant has died.
#[derive(Debug)]
#[must_use = "if its last descriptor is closed, the participant has died"]
pub struct Handle {
    descriptor: OwnedFd,
    slot: Slot,
}

impl Handle {
    pub(super) fn new(descriptor: OwnedFd, slot: Slot) -> Self {
        Self { descriptor, slot }
    }

    /// Keeps the descriptor open when this process becomes another program (`exec`), or starts one: from
    /// here on every child inherits it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the operating system will not do it.
    pub fn keep_over_exec(&self) -> Result<(), Error> {
        fcntl_setfd(&self.descriptor, FdFlags::empty())
            .map_err(Error::io("a participant's descriptor", "keep it open over exec"))
    }

    /// The slot that the participant owns.
    #[must_use]
    pub fn slot(&self) -> Slot {
        self.slot
    }
}

impl AsFd for Handle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl From<Handle> for OwnedFd {
    fn from(handle: Handle) -> Self {
        handle.descriptor
    }
}
