//! The command that runs under a lock: started, waited for, told what this process is told, ended when
//! its time is over.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use libc::{SIGCONT, SIGKILL, SIGTERM, c_int};

use crate::signals::{self, Received, Set};

/// The shell for `-c`: as flock(1) has it.
fn shell() -> OsString {
    env::var_os("SHELL").filter(|shell| !shell.is_empty()).unwrap_or_else(|| "/bin/sh".into())
}

/// `$SHELL -c STRING`.
pub fn by_shell(string: &OsStr) -> Vec<OsString> {
    vec![shell(), "-c".into(), string.to_owned()]
}

/// A command of these words, of which there is one at least.
pub fn of(words: &[OsString]) -> Command {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command
}

/// When to end it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limit {
    pub max_time: Option<Duration>,
    pub kill_after: Duration,
}

/// How it ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    pub status: ExitStatus,
    /// Its number, which is another process's by now, perhaps.
    pub pid: u32,
    pub is_time_over: bool,
    pub ran: Duration,
}

/// What is done in the child before it becomes the command. No allocation, nothing but system calls.
fn prepare(command: &mut Command, inherited: Option<RawFd>, mask: Option<Set>) {
    let in_child = move || {
        if let Some(descriptor) = inherited {
            // SAFETY: takes no pointers.
            if unsafe { libc::fcntl(descriptor, libc::F_SETFD, 0) } == -1 {
                return Err(io::Error::last_os_error());
            }
        }
        if let Some(mask) = mask {
            mask.block();
        }
        signals::give_back();
        Ok(())
    };
    // SAFETY: only makes async-signal-safe system calls. (It also has std start the command by `execvp`,
    // which runs a script without `#!`.)
    unsafe { command.pre_exec(in_child) };
}

/// Starts it, waits for its end, and does nothing else, as flock(1) does.
///
/// # Errors
///
/// It cannot be started.
pub fn wait(command: &mut Command, inherited: Option<BorrowedFd<'_>>) -> io::Result<ExitStatus> {
    prepare(command, inherited.map(|descriptor| descriptor.as_raw_fd()), None);
    command.spawn()?.wait()
}

/// Becomes it. What it returns is why not.
pub fn become_it(command: &mut Command, inherited: BorrowedFd<'_>) -> io::Error {
    prepare(command, Some(inherited.as_raw_fd()), None);
    command.exec()
}

/// The same, with no descriptor.
pub fn become_without(command: &mut Command) -> io::Error {
    prepare(command, None, None);
    command.exec()
}

/// Starts it, passes on the signals that this process gets, and waits for its end.
///
/// # Errors
///
/// It cannot be started.
pub fn run(
    command: &mut Command,
    inherited: Option<BorrowedFd<'_>>,
    signals: &Received,
    limit: Limit,
) -> io::Result<Ended> {
    // A group of its own, so that all of it can be ended; but not in a terminal's foreground, where
    // it would be cut off from the terminal.
    let has_own_group = limit.max_time.is_some() && !is_in_foreground();
    if has_own_group {
        command.process_group(0);
    }
    prepare(command, inherited.map(|descriptor| descriptor.as_raw_fd()), Some(signals.before()));
    let begin = Instant::now();
    let mut child = command.spawn()?;
    let pid = libc::pid_t::try_from(child.id()).unwrap_or(libc::pid_t::MAX);
    let target = if has_own_group { -pid } else { pid };
    let mut is_time_over = false;
    let mut deadline = limit.max_time.map(|time| begin + time);
    loop {
        if let Some(status) = child.try_wait()? {
            // They were for the command, and would end this process instead of telling its status.
            signals.forget();
            return Ok(Ended { status, pid: child.id(), is_time_over, ran: begin.elapsed() });
        }
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            send(&child, target, if is_time_over { SIGKILL } else { SIGTERM });
            send(&child, target, SIGCONT);
            deadline = (!is_time_over).then(|| Instant::now() + limit.kill_after);
            is_time_over = true;
            continue;
        }
        match signals.next(left) {
            Some(signal) if !signal.is_of_child() && !signal.is_from_kernel => {
                send(&child, target, signal.number);
            }
            _ => {}
        }
    }
}

/// It has not been waited for yet, so it is it.
fn send(_child: &Child, target: libc::pid_t, signal: c_int) {
    // SAFETY: takes no pointers. That there is nobody any more is no error.
    unsafe { libc::kill(target, signal) };
}

/// Whether this process is in the foreground of the terminal that it has open.
fn is_in_foreground() -> bool {
    [io::stdin().as_fd(), io::stdout().as_fd(), io::stderr().as_fd()].iter().any(|descriptor| {
        // SAFETY: take no pointers.
        unsafe { libc::tcgetpgrp(descriptor.as_raw_fd()) == libc::getpgrp() }
    })
}
