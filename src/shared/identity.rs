//! Who owns a slot: published before the slot's first attempt, cleared after its last.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};

const FREE: u32 = 0;
const JOINED: u32 = 1;

/// A slot's owner, in the segment.
///
/// Written by whoever holds the lock on the slot's byte ([`super::ofd`]). A slot that is joined
/// while nobody holds its byte belonged to a process that died.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Identity {
    state: AtomicU32,
    pid: AtomicU32,
    /// In clock ticks since the machine started, from `/proc/PID/stat`: with the pid, the same
    /// process and no other.
    start_time: AtomicU64,
    /// The inode of the pid namespace in which `pid` means something.
    pid_namespace: AtomicU64,
}

/// A process, told from every other that this machine runs until it restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Process {
    pid: u32,
    start_time: u64,
    pid_namespace: u64,
}

impl Process {
    pub(super) fn this() -> io::Result<Self> {
        let stat = fs::read_to_string("/proc/self/stat")?;
        let start_time = start_time(&stat)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "/proc/self/stat"))?;
        let pid_namespace = fs::metadata("/proc/self/ns/pid")?.ino();
        Ok(Self { pid: std::process::id(), start_time, pid_namespace })
    }
}

/// Field 22 of a `/proc/PID/stat`. The second field, the program's name in parentheses, may hold
/// anything.
fn start_time(stat: &str) -> Option<u64> {
    let after_name = &stat[stat.rfind(')')? + 1..];
    after_name.split_ascii_whitespace().nth(22 - 3)?.parse().ok()
}

impl Identity {
    /// Whether nobody owns the slot, or its last owner has left it in order.
    pub(super) fn is_free(&self) -> bool {
        // Acquire: takes over the slot's registers as its last owner left them.
        self.state.load(Acquire) == FREE
    }

    pub(super) fn publish(&self, owner: &Process) {
        self.pid.store(owner.pid, Relaxed);
        self.start_time.store(owner.start_time, Relaxed);
        self.pid_namespace.store(owner.pid_namespace, Relaxed);
        // Release: whoever sees the slot joined sees by whom.
        self.state.store(JOINED, Release);
    }

    pub(super) fn clear(&self) {
        // Release: hands the slot's registers to its next owner.
        self.state.store(FREE, Release);
    }
}

/// The kernel's name for this run of the machine.
pub(super) fn boot_id() -> io::Result<[u8; 16]> {
    static BOOT_ID: OnceLock<[u8; 16]> = OnceLock::new();
    if let Some(id) = BOOT_ID.get() {
        return Ok(*id);
    }
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    let id = u128::from_str_radix(&digits, 16)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    Ok(*BOOT_ID.get_or_init(|| id.to_be_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_time_is_found_behind_any_name() {
        let rest = (3..30).map(|field| field.to_string()).collect::<Vec<_>>().join(" ");
        for name in ["cat", "a b", ") 1 2 (", "))", ""] {
            assert_eq!(start_time(&format!("4 ({name}) {rest}")), Some(22), "{name:?}");
        }
        assert_eq!(start_time("4 (cat"), None);
        assert_eq!(start_time("4 (cat) S 1"), None);
    }

    #[test]
    #[cfg_attr(miri, ignore = "reads /proc, which Miri keeps away")]
    fn this_process_is_the_same_each_time() {
        let this = Process::this().unwrap();
        assert_eq!(this, Process::this().unwrap());
        assert_ne!(this.start_time, 0);
        assert_ne!(boot_id().unwrap(), [0; 16]);
    }
}
