//! `bakery release`: ends a hold that `bakery hold --detach` has left behind.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use crate::arguments::options::{DIR, HELP, TOKEN};
use crate::arguments::{Id, Parsed, Verb, parse};
use crate::exit::{Failure, Outcome, status};
use crate::looking::names::use_directory;
use crate::looking::wrapper::Wrapper;
use crate::looking::{self, Holder};
use crate::message::{self, shown};
use crate::verbs::path::one_name;
use crate::verbs::status::{NO_SUCH_LOCK, in_use_by};

pub static VERB: Verb = Verb {
    name: "release",
    forms: &["NAME --token T"],
    about: "end a hold of bakery hold, whose token is T",
    options: &[&TOKEN, &DIR, &HELP],
    options_end_at: usize::MAX,
    run,
};

/// It is not held, or not by such a hold.
const NOT_HELD: u8 = 1;

fn run(verb: &'static Verb, parsed: &Parsed) -> Outcome {
    let name = one_name(verb, parsed)?;
    let token: Option<u64> = parsed.value(Id::Token).and_then(|token| token.to_str()?.parse().ok());
    let Some(token) = token else {
        let what = format!(
            "whose hold? write bakery release {} --token T, with the number that bakery hold has said",
            shown(&name)
        );
        return Err(parse::wrong(verb, what));
    };
    use_directory(parsed);
    end(&name, "hold", |holder| holder.token == Some(token), &format!("with token {token}"))
}

/// Ends the hold of this verb that this is, and comes back when it has ended.
pub fn end(name: &OsStr, verb: &str, is_it: impl Fn(&Holder) -> bool, which: &str) -> Outcome {
    let find = || -> Result<Option<u32>, u8> {
        let look = looking::at_one(name).map_err(|failure| {
            message::say(&failure);
            failure.status
        })?;
        let Some(look) = look else {
            message::say(format!("{}: there is no such lock", shown(name)));
            return Err(NO_SUCH_LOCK);
        };
        let pid = look.holders.iter().find(|holder| is_it(holder)).and_then(|holder| holder.pid);
        let pid = pid.filter(|pid| Wrapper::of(*pid).is_some_and(|found| found.verb == verb));
        if pid.is_none() {
            let held = in_use_by(&look);
            message::say(format!("{} has no {verb} {which}: {held}", shown(name)));
        }
        Ok(pid)
    };
    let pid = match find() {
        Ok(Some(pid)) => pid,
        Ok(None) => return Ok(NOT_HELD),
        Err(status) => return Ok(status),
    };
    let failed = |error: &io::Error| {
        Failure::new(status::SYSTEM, format!("cannot end {pid}, which has it: {error}"))
    };
    let process = open(pid).map_err(|error| failed(&error))?;
    // Asked again, it is the process that has just been opened, and not one that has got its number.
    match find() {
        Ok(Some(again)) if again == pid => {}
        Ok(_) => return Ok(NOT_HELD),
        Err(status) => return Ok(status),
    }
    terminate(&process).map_err(|error| failed(&error))?;
    wait(&process).map_err(|error| failed(&error))?;
    Ok(0)
}

/// This process, whatever process has its number later.
pub fn open(pid: u32) -> io::Result<OwnedFd> {
    // SAFETY: takes no pointers.
    let descriptor = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    match libc::c_int::try_from(descriptor) {
        // SAFETY: the kernel has just opened it for this process.
        Ok(descriptor) if descriptor >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(descriptor) }),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Sends it TERM.
pub fn terminate(process: &OwnedFd) -> io::Result<()> {
    let no_info: *const libc::siginfo_t = std::ptr::null();
    // SAFETY: no information is passed.
    let answer = unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), libc::SIGTERM, no_info, 0)
    };
    if answer == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn wait(process: &OwnedFd) -> io::Result<()> {
    let mut poll = libc::pollfd { fd: process.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    loop {
        // SAFETY: there is one such struct.
        match unsafe { libc::poll(&raw mut poll, 1, -1) } {
            -1 => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
            _ => return Ok(()),
        }
    }
}
