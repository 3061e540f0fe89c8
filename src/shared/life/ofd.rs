//! Open-file-description locks: the kernel's word that somebody lives.
//!
//! Such a lock belongs to an open description of a file, not to a process: closing some other
//! descriptor of the file does not drop it, and it is gone when the last descriptor of that
//! description is, and the last mapping made from it, however its process ended.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use crate::algorithm::Slot;
use crate::shared::life::claim::Bytes;

/// Where a byte is: far behind every segment's end, so that locking it never meets data.
pub(crate) type Offset = libc::off_t;

/// The first slot's, which its owner holds.
const OWNERS: Offset = 1 << 40;
/// The first slot's, which whoever resets it after its owner's death holds.
const RECOVERERS: Offset = 1 << 41;
/// The one that says that a segment has users ([`crate::shared::segment::deadman`]).
pub(crate) const DEADMAN: Offset = 1 << 42;
/// The first ticket's of those who wait for a slot, which its holder holds meanwhile.
const LINE: Offset = 1 << 43;
// From 1 << 44 on they are whoever's that wants some (`Mutex::reopen`), up to the names'
// ([`crate::shared::segment::anchor`]).

// With narrower offsets the byte would be another one than in programs with wider ones.
const _: () = assert!(size_of::<Offset>() == 8, "`shared` needs 64-bit file offsets");

/// What others hold a byte for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    No,
    ForReading,
    ForWriting,
}

/// For a description that nothing else uses.
impl Bytes for OwnedFd {
    type Error = io::Error;

    /// For writing.
    fn try_lock(&self, slot: Slot) -> io::Result<bool> {
        try_write_lock(self, byte(OWNERS, slot))
    }

    fn unlock(&self, slot: Slot) {
        unlock(self, byte(OWNERS, slot));
    }
}

fn byte(first: Offset, slot: Slot) -> Offset {
    first + Offset::from(slot.number())
}

/// Whether somebody has the lock on a slot's byte, but through this description.
pub(crate) fn is_owned(file: BorrowedFd<'_>, slot: Slot) -> io::Result<bool> {
    Ok(held_by_others(file, byte(OWNERS, slot))? != Held::No)
}

/// The right to reset a slot after its owner's death: one has it at a time, and it ends with its
/// process.
#[derive(Debug)]
pub(crate) struct RecoveryByte<'a> {
    file: BorrowedFd<'a>,
    byte: Offset,
}

impl<'a> RecoveryByte<'a> {
    /// `None` if somebody else has it.
    pub(crate) fn try_lock(file: BorrowedFd<'a>, slot: Slot) -> io::Result<Option<Self>> {
        let byte = byte(RECOVERERS, slot);
        Ok(try_write_lock(file, byte)?.then_some(Self { file, byte }))
    }
}

impl Drop for RecoveryByte<'_> {
    fn drop(&mut self) {
        unlock(self.file, self.byte);
    }
}

/// A place in the line of those who wait for a slot: it ends with its process.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    file: BorrowedFd<'a>,
    ticket: u32,
}

impl<'a> Place<'a> {
    /// Of a ticket that is this process's alone.
    pub(crate) fn take(file: BorrowedFd<'a>, ticket: u32) -> io::Result<Self> {
        // Nobody else holds it, but for one of 2^32 tickets ago: then this place is not seen.
        try_write_lock(file, LINE + Offset::from(ticket))?;
        Ok(Self { file, ticket })
    }

    pub(crate) fn ticket(&self) -> u32 {
        self.ticket
    }

    /// One that is ahead, if there is any.
    pub(crate) fn ahead(&self) -> io::Result<Option<u32>> {
        if self.ticket == 0 { Ok(None) } else { first_in_line(self.file, self.ticket) }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        unlock(self.file, LINE + Offset::from(self.ticket));
    }
}

/// One of those who wait for a slot with a ticket below `end`, but through this description. Mostly the
/// one that has waited longest.
pub(crate) fn first_in_line(file: impl AsFd, end: u32) -> io::Result<Option<u32>> {
    let found = call(file, libc::F_OFD_GETLK, (LINE, end.into()), libc::F_WRLCK)?;
    let is_free = libc::c_int::from(found.l_type) == libc::F_UNLCK;
    Ok(if is_free { None } else { u32::try_from(found.l_start - LINE).ok() })
}

/// Locks a byte unless others hold it for writing. Whether it is locked now.
pub(crate) fn try_read_lock(file: impl AsFd, byte: Offset) -> io::Result<bool> {
    try_set(file, byte, libc::F_RDLCK)
}

/// Locks a byte unless others hold it for anything. Whether it is locked now.
pub(crate) fn try_write_lock(file: impl AsFd, byte: Offset) -> io::Result<bool> {
    try_set(file, byte, libc::F_WRLCK)
}

pub(crate) fn unlock(file: impl AsFd, byte: Offset) {
    // Taking a lock away does not fail.
    let _ = call(file, libc::F_OFD_SETLK, (byte, 1), libc::F_UNLCK);
}

/// What a byte was held for a moment ago, but through this description.
pub(crate) fn held_by_others(file: impl AsFd, byte: Offset) -> io::Result<Held> {
    // Whatever is in the way of writing.
    let found = call(file, libc::F_OFD_GETLK, (byte, 1), libc::F_WRLCK)?;
    Ok(match libc::c_int::from(found.l_type) {
        libc::F_UNLCK => Held::No,
        libc::F_RDLCK => Held::ForReading,
        _ => Held::ForWriting,
    })
}

fn try_set(file: impl AsFd, byte: Offset, what: libc::c_int) -> io::Result<bool> {
    match call(file, libc::F_OFD_SETLK, (byte, 1), what) {
        Ok(_) => Ok(true),
        Err(error) => match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::PermissionDenied => Ok(false),
            _ => Err(error),
        },
    }
}

#[expect(clippy::cast_possible_truncation, reason = "small constants, in a struct of small fields")]
fn call(
    file: impl AsFd,
    command: libc::c_int,
    (start, length): (Offset, Offset),
    what: libc::c_int,
) -> io::Result<libc::flock> {
    // SAFETY: all zeros is a value of this struct of integers; some targets have reserved fields in
    // it.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = what as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock.l_start = start;
    lock.l_len = length;
    // SAFETY: the descriptor is open, and the argument of these commands is a pointer to such a
    // struct.
    let answer = unsafe { libc::fcntl(file.as_fd().as_raw_fd(), command, &raw mut lock) };
    if answer == -1 { Err(io::Error::last_os_error()) } else { Ok(lock) }
}
