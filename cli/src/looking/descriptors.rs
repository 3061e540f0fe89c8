//! Which processes have a file open, and what locks their descriptors have: a lock on an open file
//! description lives as long as anybody has a descriptor of it, and only `fdinfo` tells who has.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;

use crate::looking::processes;

/// What a file is, whatever it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId {
    pub device: u64,
    pub inode: u64,
}

impl FileId {
    pub fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// A lock that a descriptor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// By flock(2).
    Whole { is_shared: bool },
    /// On a byte, by `F_OFD_SETLK`.
    Byte { at: i64 },
}

/// A descriptor of a process.
#[derive(Clone, Debug)]
pub struct Descriptor {
    pub file: FileId,
    pub pid: u32,
    pub number: u32,
    pub locks: Vec<Lock>,
}

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    pub descriptors: Vec<Descriptor>,
    /// Processes that do not show their descriptors.
    pub closed: Vec<u32>,
    /// Whether there may be processes that are not to be seen at all (`hidepid`).
    pub has_hidden: bool,
}

impl Scan {
    /// Looks at all processes but these for descriptors of these files.
    pub fn of(files: &HashSet<FileId>, but: &HashSet<u32>) -> Self {
        let mut scan = Self::default();
        if files.is_empty() {
            return scan;
        }
        scan.has_hidden = fs::metadata("/proc/1").is_err();
        let this = std::process::id();
        for pid in processes::all() {
            if pid == this || but.contains(&pid) {
                continue;
            }
            match scan.look_at(pid, files) {
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    scan.closed.push(pid);
                }
                // It is gone.
                _ => {}
            }
        }
        scan.descriptors.sort_by_key(|descriptor| (descriptor.pid, descriptor.number));
        scan
    }

    /// Looks at these processes only.
    pub fn among(pids: Vec<u32>, files: &HashSet<FileId>) -> Self {
        let mut scan = Self::default();
        for pid in pids {
            // Gone, or another user's.
            let _ = scan.look_at(pid, files);
        }
        scan
    }

    fn look_at(&mut self, pid: u32, files: &HashSet<FileId>) -> io::Result<()> {
        for entry in fs::read_dir(format!("/proc/{pid}/fd"))? {
            let entry = entry?;
            let Ok(metadata) = fs::metadata(entry.path()) else { continue };
            let file = FileId::of(&metadata);
            let number = entry.file_name().to_str().and_then(|number| number.parse().ok());
            let Some(number) = number.filter(|_| files.contains(&file)) else { continue };
            let info = fs::read_to_string(format!("/proc/{pid}/fdinfo/{number}"));
            let locks = info.unwrap_or_default().lines().filter_map(lock).collect();
            self.descriptors.push(Descriptor { file, pid, number, locks });
        }
        Ok(())
    }

    /// Those of a file that have a lock of this sort.
    pub fn with(&self, file: FileId, is_it: impl Fn(Lock) -> bool) -> Vec<&Descriptor> {
        let has = |descriptor: &&Descriptor| {
            descriptor.file == file && descriptor.locks.iter().any(|lock| is_it(*lock))
        };
        self.descriptors.iter().filter(has).collect()
    }
}

/// A line of `fdinfo`, or of `/proc/locks`: `lock: 1: OFDLCK ADVISORY WRITE -1 fe:00:77 5 5`.
fn lock(line: &str) -> Option<Lock> {
    let mut words = line.strip_prefix("lock:")?.split_ascii_whitespace().skip(1);
    let sort = words.next()?;
    let is_shared = words.nth(1)? == "READ";
    match sort {
        "FLOCK" => Some(Lock::Whole { is_shared }),
        "OFDLCK" => Some(Lock::Byte { at: words.nth(2)?.parse().ok()? }),
        _ => None,
    }
}

/// A process that sleeps in flock(2), or has a lock by it, as `/proc/locks` has it: by the process that
/// asked for it, which may be gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Booked {
    pub pid: u32,
    pub is_waiting: bool,
    pub is_shared: bool,
}

/// Who is booked for a lock of flock(2) on this file.
pub fn booked(file: FileId) -> Vec<Booked> {
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    of_file(&locks, file)
}

fn of_file(locks: &str, file: FileId) -> Vec<Booked> {
    let (major, minor) = (libc::major(file.device), libc::minor(file.device));
    let id = format!("{major:02x}:{minor:02x}:{}", file.inode);
    let of = |line: &str| {
        let is_waiting = line.contains("->");
        let mut words = line.split_ascii_whitespace().filter(|word| *word != "->").skip(1);
        let is_flock = words.next()? == "FLOCK";
        let is_shared = words.nth(1)? == "READ";
        let pid = words.next()?.parse().ok()?;
        (is_flock && words.next()? == id).then_some(Booked { pid, is_waiting, is_shared })
    };
    locks.lines().filter_map(of).collect()
}

/// What a process calls a file that it has open.
pub fn path(pid: u32, file: FileId) -> Option<OsString> {
    let mut entries = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten();
    entries
        .find_map(|entry| {
            let metadata = fs::metadata(entry.path()).ok()?;
            (FileId::of(&metadata) == file).then(|| fs::read_link(entry.path()).ok())?
        })
        .map(OsString::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_kernels_are_understood() {
        let line = "lock:\t1: OFDLCK ADVISORY  WRITE -1 fe:00:10821636 1099511627776 1099511627776";
        assert_eq!(lock(line), Some(Lock::Byte { at: 1 << 40 }));
        let line = "lock:\t1: FLOCK  ADVISORY  READ 77 fe:00:10821636 0 EOF";
        assert_eq!(lock(line), Some(Lock::Whole { is_shared: true }));
        for line in
            ["", "lock:", "lock: 1: FLOCK", "pos:\t0", "lock: 1: POSIX ADVISORY READ 7 x 0 0"]
        {
            assert_eq!(lock(line), None, "{line}");
        }
        let locks = "1: FLOCK  ADVISORY  WRITE 31715 fe:00:7 0 EOF\n\
                     1: -> FLOCK  ADVISORY  READ 31716 fe:00:7 0 EOF\n\
                     2: FLOCK  ADVISORY  WRITE 9 fe:00:8 0 EOF\n\
                     3: OFDLCK ADVISORY  READ -1 fe:00:7 5 5\n4:\n";
        let file = FileId { device: libc::makedev(0xfe, 0), inode: 7 };
        let holder = Booked { pid: 31715, is_waiting: false, is_shared: false };
        let waiter = Booked { pid: 31716, is_waiting: true, is_shared: true };
        assert_eq!(of_file(locks, file), [holder, waiter]);
    }
}
