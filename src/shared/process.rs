//! What this process is asked for, and what the machine is: from `/proc`.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::OnceLock;

use crate::shared::identity::Process;

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
    use crate::shared::identity::Identity;

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

    #[test]
    fn whose_a_slot_is_can_be_read() {
        let (this, identity) = (Process::this().unwrap(), Identity::new());
        let init = Process { pid: 1, ..this };
        for owner in [this, init, this] {
            assert!(identity.is_free());
            assert_eq!(identity.owner(), None);
            assert!(identity.publish(&owner));
            assert!(!identity.is_free());
            assert!(!identity.publish(&init));
            assert_eq!(identity.owner(), Some(owner));
            identity.clear();
        }
    }
}
