//! Opening a segment's file anew: locks belong to the open description, so each participant needs
//! one of its own.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::fs::{CWD, Mode, OFlags, fstat, openat};
use rustix::io::Errno;

use crate::shared::Error;
use crate::shared::segment::Segment;

/// Another description of the segment's file.
pub(crate) fn reopen(segment: &Segment) -> Result<OwnedFd, Error> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    let path = format!("/proc/self/fd/{}", segment.as_fd().as_raw_fd());
    let errno = match openat(CWD, path, flags, Mode::empty()) {
        Ok(file) => return Ok(file),
        // No `/proc`, or another than ours.
        Err(Errno::NOENT | Errno::NOTDIR) => match by_name(segment) {
            Some(reopened) => return reopened,
            None => Errno::NOENT,
        },
        Err(errno) => errno,
    };
    let doing = match errno {
        Errno::NOENT => {
            "open it anew through /proc/self/fd, which memory without a name needs; mount /proc, or use a segment with a name"
        }
        Errno::ACCESS | Errno::PERM => {
            "open it anew: this process's user may not use it; join before `setuid`, or make it for several users (`Options::access`)"
        }
        _ => "open it anew through /proc/self/fd",
    };
    Err(Error::io(segment.name(), doing)(errno))
}

/// By its name, where it has one.
fn by_name(segment: &Segment) -> Option<Result<OwnedFd, Error>> {
    let anchor = segment.anchor()?;
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let open = || {
        let file = anchor.open(flags)?;
        let (ours, found) = (fstat(segment.as_fd())?, fstat(&file)?);
        // An open file's number is not given to another.
        let is_same = (ours.st_dev, ours.st_ino) == (found.st_dev, found.st_ino);
        if is_same { Ok(file) } else { Err(Errno::STALE) }
    };
    let doing = "open it anew by its name, as there is no /proc: somebody has taken the file away, or may not use it";
    Some(open().map_err(Error::io(segment.name(), doing)))
}
