//! What this process is, and in which run of the machine: from `/proc`, as far as that is there.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use crate::shared::life::identity::Process;

/// What is not known: no process has started then, and no namespace has that number.
pub(crate) const UNKNOWN: u64 = 0;

impl Process {
    /// As one whose locks are on a file system of this kind.
    ///
    /// Without `/proc`, less is known of it: when it has started, perhaps its pid namespace; and its
    /// name is the one that it was started by.
    pub(crate) fn this(locks: u32) -> io::Result<Self> {
        let stat = unless_missing(Stat::of("self"))?;
        let name = match unless_missing(read("/proc/self/comm"))? {
            Some(name) => name.strip_suffix(b"\n").unwrap_or(&name).to_vec(),
            None => own_name(),
        };
        let mut command = [0; 16];
        let kept = name.len().min(NAME_MAX);
        command[..kept].copy_from_slice(&name[..kept]);
        let words = command.as_chunks().0;
        Ok(Self {
            pid: std::process::id(),
            start_time: stat.flatten().map_or(UNKNOWN, |stat| stat.start_time),
            pid_namespace: match unless_missing(fs::metadata("/proc/self/ns/pid"))? {
                Some(file) => file.ino(),
                None => pid_namespace().unwrap_or(UNKNOWN),
            },
            // Kernels before 5.6 have none. Without `/proc` the start time is not known either.
            time_namespace: fs::metadata("/proc/self/ns/time").map_or(0, |file| file.ino()),
            locks,
            command: [u64::from_ne_bytes(words[0]), u64::from_ne_bytes(words[1])],
        })
    }

    /// The program's name.
    pub(crate) fn command(&self) -> String {
        command(self.command)
    }
}

/// As the kernel keeps it.
const NAME_MAX: usize = 15;

/// `None` if there is no such file: where `/proc` is not mounted, in part or at all.
fn unless_missing<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};

    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) if matches!(error.kind(), NotFound | NotADirectory | PermissionDenied) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn own_name() -> Vec<u8> {
    let path = std::env::args_os().next().map(PathBuf::from).unwrap_or_default();
    path.file_name().unwrap_or_default().as_bytes().to_vec()
}

/// The inode of this process's pid namespace, from the kernel (Linux 6.11).
fn pid_namespace() -> Option<u64> {
    use rustix::process::{PidfdFlags, getpid, pidfd_open};

    const PIDFD_GET_PID_NAMESPACE: rustix::ioctl::Opcode = rustix::ioctl::opcode::none(0xff, 5);

    let this = pidfd_open(getpid(), PidfdFlags::empty()).ok()?;
    #[allow(clippy::cast_lossless, clippy::cast_possible_wrap, reason = "as each C library has it")]
    let request = PIDFD_GET_PID_NAMESPACE as libc::Ioctl;
    // SAFETY: the descriptor is open, and this request has no argument but 0.
    let answer = unsafe { libc::ioctl(this.as_raw_fd(), request, 0) };
    // SAFETY: the kernel has just opened it for this process, and nobody else knows it.
    let namespace = (answer >= 0).then(|| unsafe { OwnedFd::from_raw_fd(answer) })?;
    Some(rustix::fs::fstat(namespace).ok()?.st_ino)
}

/// A program's name as it stands in a segment.
pub(crate) fn command(words: [u64; 2]) -> String {
    let bytes: Vec<u8> = words.into_iter().flat_map(u64::to_ne_bytes).collect();
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// What is of use in a `/proc/PID/stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    /// A letter: `Z` and `X` are dead.
    pub(crate) state: u8,
    /// A dead main thread is no dead process while there are others.
    pub(crate) threads: u64,
    pub(crate) start_time: u64,
}

impl Stat {
    /// `None` if it cannot be made sense of.
    pub(crate) fn of(process: impl fmt::Display) -> io::Result<Option<Self>> {
        Ok(Self::parse(&read(&format!("/proc/{process}/stat"))?))
    }

    /// The fields 3, 20 and 22. The second field, the program's name in parentheses, may hold
    /// anything.
    fn parse(stat: &[u8]) -> Option<Self> {
        let name_end = stat.iter().rposition(|byte| *byte == b')')?;
        let mut fields = str::from_utf8(&stat[name_end + 1..]).ok()?.split_ascii_whitespace();
        let state = *fields.next()?.as_bytes().first()?;
        let threads = fields.nth(20 - 4)?.parse().ok()?;
        let start_time = fields.nth(22 - 21)?.parse().ok()?;
        Some(Self { state, threads, start_time })
    }
}

/// A short file of `/proc`, which comes whole at one read. Whoever looks at a thousand participants reads
/// as many.
fn read(path: &str) -> io::Result<Vec<u8>> {
    let mut text = vec![0; 1024];
    let length = File::open(path)?.read(&mut text)?;
    text.truncate(length);
    Ok(text)
}

/// The kernel's name for this run of the machine.
pub(crate) fn boot_id() -> io::Result<[u8; 16]> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    u128::from_str_radix(&digits, 16)
        .map(u128::to_be_bytes)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::life::identity::Identity;

    #[test]
    fn fields_are_found_behind_any_name() {
        let rest = (4..30).map(|field| field.to_string()).collect::<Vec<_>>().join(" ");
        for name in ["cat", "a b", ") 1 2 (", "))", ""] {
            let stat = Stat::parse(format!("4 ({name}) Z {rest}").as_bytes());
            let expected = Stat { state: b'Z', threads: 20, start_time: 22 };
            assert_eq!(stat, Some(expected), "{name:?}");
        }
        for torn in ["", "4 (cat", "4 (cat)", "4 (cat) S", "4 (cat) S 1"] {
            assert_eq!(Stat::parse(torn.as_bytes()), None, "{torn:?}");
        }
        let invalid_name = [b"4 (\xff) S ".as_slice(), rest.as_bytes()].concat();
        assert_eq!(Stat::parse(&invalid_name).unwrap().state, b'S');
    }

    #[test]
    #[cfg_attr(miri, ignore = "reads /proc, which Miri keeps away")]
    fn this_process_is_the_same_each_time() {
        let this = Process::this(0).unwrap();
        assert_eq!(this, Process::this(0).unwrap());
        assert_ne!(this.start_time, 0);
        assert!(!this.command().is_empty());
        assert_ne!(boot_id().unwrap(), [0; 16]);
        // Kernels before 6.11 do not tell it but in `/proc`.
        assert!(pid_namespace().is_none_or(|namespace| namespace == this.pid_namespace));
    }

    #[test]
    fn whose_a_slot_is_can_be_read() {
        let (this, identity) = (Process::this(0).unwrap(), Identity::new());
        let init = Process { pid: 1, ..this };
        for owner in [this, init, this] {
            assert!(identity.is_free());
            assert_eq!(identity.owner(), None);
            assert!(identity.publish(&owner));
            assert!(!identity.is_free());
            assert!(!identity.publish(&init));
            let found = identity.owner().unwrap();
            assert_eq!(found.process, owner);
            assert!(identity.is_still(&found));
            identity.clear();
            assert!(!identity.is_still(&found));
        }
    }
}
