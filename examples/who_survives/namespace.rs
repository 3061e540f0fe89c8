//! A pid namespace for one process.

use std::fs;
use std::io::{Error, ErrorKind};

use anyhow::{Context, Result};
use rustix::process::{Pid, WaitOptions, geteuid, waitpid};
use rustix::thread::{UnshareFlags, unshare_unsafe};

/// Goes on in a process that is number 1 of a new pid namespace. The one that was there before
/// waits for it, and ends with it.
pub fn enter() -> Result<()> {
    make().context("cannot make a pid namespace")?;
    // SAFETY: this process has one thread, so the child finds nothing half done.
    match unsafe { libc::fork() } {
        -1 => Err(Error::last_os_error()).context("cannot fork"),
        0 => Ok(()),
        child => {
            waitpid(Pid::from_raw(child), WaitOptions::empty()).context("cannot wait")?;
            // SAFETY: ends this process at once; what is left to do at the end was the child's.
            unsafe { libc::_exit(0) }
        }
    }
}

/// Makes one for the children of this process: as one who may, or as everybody may in a user
/// namespace, where this user keeps its number.
fn make() -> Result<(), Error> {
    let user = geteuid();
    match unshare(UnshareFlags::NEWPID) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWPID)?;
            fs::write("/proc/self/uid_map", format!("{user} {user} 1", user = user.as_raw()))
        }
        outcome => outcome,
    }
}

fn unshare(what: UnshareFlags) -> Result<(), Error> {
    // SAFETY: neither descriptors nor memory are parted from anybody by these.
    Ok(unsafe { unshare_unsafe(what) }?)
}
