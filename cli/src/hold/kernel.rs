//! The kernel's own locks on a file: on the whole of it by flock(2), or on some of its bytes by fcntl(2) with
//! `F_OFD_SETLK`. Both belong to an open description, and end with its last descriptor.

use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use libc::c_int;

/// What is wanted of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Shared,
    Exclusive,
}

/// Some bytes of a file. 0 bytes: up to its end, wherever that will be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bytes {
    pub start: i64,
    pub length: i64,
}

/// What of a file is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// By flock(2). Locks of this kind know nothing of those of the other.
    Whole,
    Bytes(Bytes),
}

/// Locks, and waits until that can be.
///
/// # Errors
///
/// What the kernel answers: `Interrupted` if a signal has come.
pub fn lock(file: BorrowedFd<'_>, extent: Extent, mode: Mode) -> io::Result<()> {
    match extent {
        Extent::Whole => flock(file, operation(mode)),
        Extent::Bytes(bytes) => call(file, libc::F_OFD_SETLKW, kind(mode), bytes).map(|_| ()),
    }
}

/// Locks, if that can be. Whether it is locked now.
///
/// # Errors
///
/// What the kernel answers.
pub fn try_lock(file: BorrowedFd<'_>, extent: Extent, mode: Mode) -> io::Result<bool> {
    loop {
        let tried = match extent {
            Extent::Whole => flock(file, operation(mode) | libc::LOCK_NB),
            Extent::Bytes(bytes) => call(file, libc::F_OFD_SETLK, kind(mode), bytes).map(|_| ()),
        };
        match tried {
            Ok(()) => return Ok(true),
            Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => {
                return Ok(false);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Lets go, whoever has the description besides.
///
/// # Errors
///
/// What the kernel answers.
pub fn unlock(file: BorrowedFd<'_>, extent: Extent) -> io::Result<()> {
    match extent {
        Extent::Whole => flock(file, libc::LOCK_UN),
        Extent::Bytes(bytes) => call(file, libc::F_OFD_SETLK, libc::F_UNLCK, bytes).map(|_| ()),
    }
}

/// Whether others have any of these bytes locked.
///
/// # Errors
///
/// What the kernel answers.
pub fn are_locked(file: BorrowedFd<'_>, bytes: Bytes) -> io::Result<bool> {
    let found = call(file, libc::F_OFD_GETLK, libc::F_WRLCK, bytes)?;
    Ok(c_int::from(found.l_type) != libc::F_UNLCK)
}

/// Whether this description has such a lock already. `None`: that cannot be told.
pub fn has_lock(file: BorrowedFd<'_>, extent: Extent) -> Option<bool> {
    let sort = match extent {
        Extent::Whole => "FLOCK",
        Extent::Bytes(_) => "OFDLCK",
    };
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", file.as_raw_fd())).ok()?;
    Some(info.lines().any(|line| line.starts_with("lock:") && line.contains(sort)))
}

fn operation(mode: Mode) -> c_int {
    match mode {
        Mode::Shared => libc::LOCK_SH,
        Mode::Exclusive => libc::LOCK_EX,
    }
}

fn kind(mode: Mode) -> c_int {
    match mode {
        Mode::Shared => libc::F_RDLCK,
        Mode::Exclusive => libc::F_WRLCK,
    }
}

fn flock(file: BorrowedFd<'_>, operation: c_int) -> io::Result<()> {
    // SAFETY: takes no pointers.
    let answer = unsafe { libc::flock(file.as_raw_fd(), operation) };
    if answer == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[expect(clippy::cast_possible_truncation, reason = "small constants, in a struct of small fields")]
fn call(
    file: BorrowedFd<'_>,
    command: c_int,
    kind: c_int,
    Bytes { start, length }: Bytes,
) -> io::Result<libc::flock> {
    // SAFETY: all zeros is a value of this struct of integers.
    let mut lock: libc::flock = unsafe { MaybeUninit::zeroed().assume_init() };
    lock.l_type = kind as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock.l_start = start;
    lock.l_len = length;
    // SAFETY: the descriptor is open, and the argument of these commands is a pointer to such a
    // struct.
    let answer = unsafe { libc::fcntl(file.as_fd().as_raw_fd(), command, &raw mut lock) };
    if answer == -1 { Err(io::Error::last_os_error()) } else { Ok(lock) }
}
