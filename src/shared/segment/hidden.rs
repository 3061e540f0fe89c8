//! Hidden names: those of what is being made, and has not its own name yet.
//!
//! Whoever makes it has a lock on it, which is gone when the maker is. So what nobody has a lock on is
//! left of one that died, and the next to make something there removes it.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use rustix::fs::{
    AtFlags, Dir, FileType, FlockOperation, Mode, OFlags, Stat, flock, fstat, openat, statat,
    unlinkat,
};
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};

const PREFIX: &str = ".bakery-lock-";

/// A name that nobody has had before, and that no segment has.
pub(crate) fn new() -> OsString {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let (id, number) = (std::process::id(), NUMBER.fetch_add(1, Relaxed));
    // Process numbers come again, and mean something else in another pid namespace.
    let now = clock_gettime(ClockId::Monotonic);
    format!("{PREFIX}{id}-{number}-{}-{}", now.tv_sec, now.tv_nsec).into()
}

/// Whether a name is of that form.
fn is_hidden(name: &[u8]) -> bool {
    let is_number = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    name.strip_prefix(PREFIX.as_bytes()).is_some_and(|numbers| {
        let mut parts = numbers.split(|byte| *byte == b'-');
        parts.by_ref().take(4).filter(|part| is_number(part)).count() == 4 && parts.next().is_none()
    })
}

/// Keeps others from removing what this process has just made under a hidden name, until the description
/// is closed. `false`: it has been removed, or is about to be.
pub(crate) fn keep(directory: impl AsFd, name: &OsStr, made: impl AsFd) -> Result<bool, Errno> {
    Ok(try_lock(&made)? && leads_to(directory, name, &fstat(&made)?))
}

/// Removes what is left of those that died before they could give it its name, as far as the caller
/// may. What somebody is making stays.
pub(crate) fn clear(directory: &OwnedFd) {
    let Ok(entries) = Dir::read_from(directory) else { return };
    for entry in entries.filter_map(Result::ok) {
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if is_hidden(name.as_bytes()) {
            // Another's, perhaps, or gone already.
            let _ = remove_if_left(directory, name);
        }
    }
}

fn remove_if_left(directory: &OwnedFd, name: &OsStr) -> Result<(), Errno> {
    // NONBLOCK: a named pipe would wait for a peer.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let left = openat(directory, name, flags, Mode::empty())?;
    let stat = fstat(&left)?;
    let how = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => AtFlags::empty(),
        FileType::Directory => AtFlags::REMOVEDIR,
        _ => return Ok(()),
    };
    // In this order: whoever made it has the lock until it has its own name, and then this one leads
    // nowhere. No name is given twice.
    if try_lock(&left)? && leads_to(directory, name, &stat) {
        unlinkat(directory, name, how)?;
    }
    Ok(())
}

/// Whether nobody else has the lock.
fn try_lock(file: impl AsFd) -> Result<bool, Errno> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(errno) => Err(errno),
    }
}

fn leads_to(directory: impl AsFd, name: &OsStr, file: &Stat) -> bool {
    statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|found| (found.st_dev, found.st_ino) == (file.st_dev, file.st_ino))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::*;

    fn open(path: &Path) -> OwnedFd {
        File::open(path).unwrap().into()
    }

    fn names(directory: &Path) -> Vec<OsString> {
        let mut names: Vec<_> =
            fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri has no such locks")]
    fn what_is_being_made_stays_and_what_is_left_goes() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &OsStr| directory.path().join(name);
        let [file, empty, full, link, left_file, left_empty] = [(); 6].map(|()| new());
        for name in [&file, &left_file] {
            fs::write(at(name), "half of a segment").unwrap();
        }
        for name in [&empty, &full, &left_empty] {
            fs::create_dir(at(name)).unwrap();
        }
        fs::write(at(&full).join("a"), "").unwrap();
        symlink(at(&file), at(&link)).unwrap();
        let mut stay = vec![file.clone(), empty.clone(), full, link];
        for name in [".bakery-lock-1-2-3", ".bakery-lock-1-2-3-x", ".bakery-lock-1-2-3-4-5", "1"] {
            fs::write(at(name.as_ref()), "").unwrap();
            stay.push(name.into());
        }
        stay.sort();
        let makers = [&file, &empty].map(|name| {
            let made = open(&at(name));
            assert!(keep(open(directory.path()), name, &made).unwrap());
            made
        });

        clear(&open(directory.path()));
        assert_eq!(names(directory.path()), stay);
        drop(makers);
        clear(&open(directory.path()));
        stay.retain(|name| *name != file && *name != empty);
        assert_eq!(names(directory.path()), stay);
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri has no such locks")]
    fn whoever_comes_too_late_to_keep_it_finds_out() {
        let directory = tempfile::tempdir().unwrap();
        let name = new();
        let path = directory.path().join(&name);
        fs::write(&path, "").unwrap();
        let (made, removing) = (open(&path), open(&path));
        assert!(try_lock(&removing).unwrap());
        assert!(!keep(open(directory.path()), &name, &made).unwrap());
        fs::remove_file(&path).unwrap();
        drop(removing);
        assert!(!keep(open(directory.path()), &name, &made).unwrap());
    }
}
