//! Open-file-description locks: the kernel's word that somebody lives.
//!
//! Such a lock belongs to an open description of a file, not to a process: closing some other
//! descriptor of the file does not drop it, and it is gone when the last descriptor of that
//! description is, however its process ended.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use crate::algorithm::Slot;
use crate::shared::claim::Bytes;

/// Bytes far behind every segment's end, so that locking them never meets data.
const FIRST: libc::off_t = 1 << 40;

// With narrower offsets the byte would be another one than in programs with wider ones.
const _: () = assert!(size_of::<libc::off_t>() == 8, "`shared` needs 64-bit file offsets");

/// For a description that nothing else uses.
impl Bytes for OwnedFd {
    type Error = io::Error;

    /// For writing.
    fn try_lock(&self, slot: Slot) -> io::Result<bool> {
        match set(self, slot, libc::F_WRLCK) {
            Ok(()) => Ok(true),
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::PermissionDenied => Ok(false),
                _ => Err(error),
            },
        }
    }

    fn unlock(&self, slot: Slot) {
        // Taking a lock away does not fail.
        let _ = set(self, slot, libc::F_UNLCK);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "small constants, in a struct of small fields")]
fn set(file: &OwnedFd, slot: Slot, what: libc::c_int) -> io::Result<()> {
    // SAFETY: all zeros is a value of this struct of integers; some targets have reserved fields in
    // it.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = what as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock.l_start = FIRST + libc::off_t::from(slot.number());
    lock.l_len = 1;
    // SAFETY: the descriptor is open, and the argument of this command is a pointer to such a
    // struct.
    let answer = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw mut lock) };
    if answer == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
