//! Open-file-description locks: the kernel's word that somebody lives.
//!
//! Such a lock belongs to an open description of a file, not to a process: closing some other descriptor of the file does
//! not drop it, and it is gone when the last descriptor of that description is, however its process ended.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// Bytes far behind every segment's end, so that locking them never meets data.
const FIRST: i64 = 1 << 40;

/// Locks a slot's byte for writing, unless another description has it. Whether it is locked now.
#[expect(clippy::cast_possible_truncation, reason = "small constants, in a struct of small fields")]
pub(super) fn try_lock(file: impl AsFd, slot: u32) -> io::Result<bool> {
    // SAFETY: all zeros is a value of this struct of integers; some targets have reserved fields in it.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = libc::F_WRLCK as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock.l_start = (FIRST + i64::from(slot)) as libc::off_t;
    lock.l_len = 1;
    // SAFETY: the descriptor is open, and the argument of this command is a pointer to such a struct.
    let answer = unsafe { libc::fcntl(file.as_fd().as_raw_fd(), libc::F_OFD_SETLK, &raw mut lock) };
    if answer != -1 {
        return Ok(true);
    }
    match io::Error::last_os_error() {
        error if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        error if error.kind() == io::ErrorKind::PermissionDenied => Ok(false),
        error => Err(error),
    }
}
