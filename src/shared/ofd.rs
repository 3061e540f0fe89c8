//! Open-file-description locks: the kernel's word that somebody lives.
//!
//! Such a lock belongs to an open description of a file, not to a process: closing some other
//! descriptor of the file does not drop it, and it is gone when the last descriptor of that
//! description is, however its process ended.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use crate::algorithm::Slot;
use crate::shared::claim::Bytes;

/// Bytes far behind every segment's end, so that locking them never meets data. One for each slot,
/// locked by its owner.
const OWNERS: libc::off_t = 1 << 40;
/// One for each slot, locked by whoever resets it after its owner's death.
const RECOVERERS: libc::off_t = 1 << 41;

// With narrower offsets the byte would be another one than in programs with wider ones.
const _: () = assert!(size_of::<libc::off_t>() == 8, "`shared` needs 64-bit file offsets");

/// For a description that nothing else uses.
impl Bytes for OwnedFd {
    type Error = io::Error;

    fn try_lock(&self, slot: Slot) -> io::Result<bool> {
        try_lock(self, OWNERS, slot)
    }

    fn unlock(&self, slot: Slot) {
        unlock(self, OWNERS, slot);
    }
}

/// Whether somebody has the lock on a slot's byte: never this description, which would not see its
/// own.
pub(super) fn is_owned(file: BorrowedFd<'_>, slot: Slot) -> io::Result<bool> {
    let mut lock = describe(OWNERS, slot, libc::F_WRLCK);
    control(file, libc::F_OFD_GETLK, &mut lock)?;
    Ok(libc::c_int::from(lock.l_type) != libc::F_UNLCK)
}

/// The right to reset a slot after its owner's death: one has it at a time, and it ends with its
/// process.
#[derive(Debug)]
pub(super) struct RecoveryByte<'a> {
    file: BorrowedFd<'a>,
    slot: Slot,
}

impl<'a> RecoveryByte<'a> {
    /// `None` if somebody else has it.
    pub(super) fn try_lock(file: BorrowedFd<'a>, slot: Slot) -> io::Result<Option<Self>> {
        Ok(try_lock(file, RECOVERERS, slot)?.then_some(Self { file, slot }))
    }
}

impl Drop for RecoveryByte<'_> {
    fn drop(&mut self) {
        unlock(self.file, RECOVERERS, self.slot);
    }
}

/// For writing.
fn try_lock(file: impl AsFd, first: libc::off_t, slot: Slot) -> io::Result<bool> {
    let lock = &mut describe(first, slot, libc::F_WRLCK);
    match control(file.as_fd(), libc::F_OFD_SETLK, lock) {
        Ok(()) => Ok(true),
        Err(error) => match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::PermissionDenied => Ok(false),
            _ => Err(error),
        },
    }
}

fn unlock(file: impl AsFd, first: libc::off_t, slot: Slot) {
    // Taking a lock away does not fail.
    let _ = control(file.as_fd(), libc::F_OFD_SETLK, &mut describe(first, slot, libc::F_UNLCK));
}

#[expect(clippy::cast_possible_truncation, reason = "small constants, in a struct of small fields")]
fn describe(first: libc::off_t, slot: Slot, what: libc::c_int) -> libc::flock {
    // SAFETY: all zeros is a value of this struct of integers; some targets have reserved fields in
    // it.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = what as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock.l_start = first + libc::off_t::from(slot.number());
    lock.l_len = 1;
    lock
}

fn control(file: BorrowedFd<'_>, command: libc::c_int, lock: &mut libc::flock) -> io::Result<()> {
    // SAFETY: the descriptor is open, and the argument of these commands is a pointer to such a
    // struct.
    let answer = unsafe { libc::fcntl(file.as_raw_fd(), command, &raw mut *lock) };
    if answer == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
