//! Who has outlived the command, and has the lock's descriptor still.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::os::fd::{AsRawFd, BorrowedFd};

use crate::looking::descriptors::{Descriptor, FileId, Scan};
use crate::looking::processes;
use crate::message::{self, shown};
use crate::verbs::run::wanted::Wanted;

/// Says so, once, before the lock is let go.
pub fn tell(wanted: &Wanted, lock: BorrowedFd<'_>, command: u32) {
    let keepers = keepers(lock, command);
    let Some(first) = keepers.first() else { return };
    let names = |pid: &u32| shown(processes::name(*pid).unwrap_or_default());
    let mut text = format!(
        "{}: {first} ({}) has outlived the command and has the lock's descriptor",
        wanted.name.shown(),
        names(first)
    );
    if keepers.len() > 1 {
        let _ = write!(text, ", as have {} others", keepers.len() - 1);
    }
    text.push_str("; the lock is let go all the same (--until closed keeps it until they end)");
    message::say(text);
}

fn keepers(lock: BorrowedFd<'_>, command: u32) -> Vec<u32> {
    let later = processes::after(command);
    if later.is_empty() {
        return later;
    }
    let Ok(stat) = rustix::fs::fstat(lock) else { return Vec::new() };
    let file = FileId { device: stat.st_dev, inode: stat.st_ino };
    let scan = Scan::among(later, &HashSet::from([file]));
    let mut pids: Vec<u32> = scan
        .descriptors
        .iter()
        .filter(|descriptor| is_same(lock, descriptor))
        .map(|descriptor| descriptor.pid)
        .collect();
    pids.sort_unstable();
    pids.dedup();
    pids
}

/// Whether it is a duplicate of this one, and not another description of the same file. Where the kernel does
/// not tell, it is none.
fn is_same(lock: BorrowedFd<'_>, other: &Descriptor) -> bool {
    const FILE: libc::c_int = 0;
    let (this, number) = (std::process::id(), lock.as_raw_fd());
    // SAFETY: takes no pointers.
    let answer =
        unsafe { libc::syscall(libc::SYS_kcmp, this, other.pid, FILE, number, other.number) };
    answer == 0
}
