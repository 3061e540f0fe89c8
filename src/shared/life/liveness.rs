//! Whether a slot's owner is dead: proved, never guessed.
//!
//! There are two proofs, either of which suffices; for an owner that is held by its descriptor there is
//! the first alone. With neither, the owner is alive, however long it has been silent: one that is
//! stopped, traced, frozen or slow is not dead.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use crate::algorithm::Slot;
use crate::shared::life::identity::{Hold, Owner, Process};
use crate::shared::life::ofd;
use crate::shared::life::process::{Stat, UNKNOWN};

/// Whether the owner of a joined slot is dead. What it says holds for good, for this owner.
///
/// `file` is an open description that has not the lock on the slot's byte; `this` is the process
/// that asks.
pub(crate) fn is_dead(
    file: BorrowedFd<'_>,
    slot: Slot,
    owner: &Owner,
    this: &Process,
) -> io::Result<bool> {
    // It has come to the same memory by another inode, whose locks are not seen from here. Those who
    // have come as it did see to it.
    if owner.process.locks != this.locks {
        return Ok(false);
    }
    // Whoever joins has the byte before, and whoever leaves has it until after: a joined slot whose
    // byte nobody has is a dead one's. The kernel drops the lock with the last descriptor.
    // A child that was forked off may have kept the descriptor, and the lock, over its parent's
    // death: hence the second proof, unless that is what it was meant to do.
    Ok(!ofd::is_owned(file, slot)?
        || owner.hold == Hold::Process && is_contradicted(&owner.process, this))
}

/// Whether there is no such process any more. False where that cannot be told.
fn is_contradicted(owner: &Process, this: &Process) -> bool {
    // Two that are not known need not be the same.
    if owner.pid_namespace != this.pid_namespace || this.pid_namespace == UNKNOWN {
        return false;
    }
    let Some(pid) = i32::try_from(owner.pid).ok().and_then(Pid::from_raw) else { return false };
    // Not `/proc`, which may hide processes, or not be there. (Another user's is a refusal: it is
    // there.)
    if test_kill_process(pid) == Err(Errno::SRCH) {
        return true;
    }
    if owner.time_namespace != this.time_namespace || !proc_is_ours() {
        return false;
    }
    // Gone in between, or hidden.
    let Ok(Some(stat)) = Stat::of(owner.pid) else { return false };
    let is_a_zombie = matches!(stat.state, b'Z' | b'X') && stat.threads <= 1;
    // A zombie is the owner, which is dead; or another that has its number after its death.
    is_a_zombie || (owner.start_time != UNKNOWN && stat.start_time != owner.start_time)
}

/// Whether `/proc` shows the processes of this pid namespace by their numbers in it: one that shows
/// an outer namespace's has more than one number for each in here.
fn proc_is_ours() -> bool {
    /// The process that has looked, and what it saw in the lowest bit. 0: nobody yet. Not a `OnceLock`,
    /// which a child forked at the wrong moment would wait for.
    static SEEN: AtomicU64 = AtomicU64::new(0);

    let this = std::process::id();
    let look = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
        numbers.is_some_and(|numbers| numbers.trim() == this.to_string())
    };
    let seen = SEEN.load(Relaxed);
    // A forked child may have come into another namespace.
    if seen >> 1 == u64::from(this) {
        return seen & 1 != 0;
    }
    let ours = look();
    SEEN.store(u64::from(this) << 1 | u64::from(ours), Relaxed);
    ours
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    #[cfg_attr(miri, ignore = "starts a process")]
    fn what_is_not_known_of_an_owner_contradicts_nothing() {
        let this = Process::this(0).unwrap();
        let mut child = Command::new("true").spawn().unwrap();
        let gone = Process { pid: child.id(), ..this };
        child.wait().unwrap();
        let another = Process { start_time: this.start_time + 1, ..this };
        let nowhere = |of: Process| Process { pid_namespace: UNKNOWN, ..of };
        for (what, owner, by, expected) in [
            ("itself", this, this, false),
            ("its number, with another start", another, this, true),
            (
                "its number, since when is not known",
                Process { start_time: UNKNOWN, ..this },
                this,
                false,
            ),
            ("no such process", gone, this, true),
            ("nor since when", Process { start_time: UNKNOWN, ..gone }, this, true),
            ("none, but nobody knows where", nowhere(gone), nowhere(this), false),
            ("none, but nobody knows where it was", nowhere(gone), this, false),
            ("none, but it does not know where it is", gone, nowhere(this), false),
        ] {
            assert_eq!(is_contradicted(&owner, &by), expected, "{what}");
        }
    }
}
