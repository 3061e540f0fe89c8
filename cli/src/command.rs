//! The command that runs under a lock: started, waited for, told what this process is told, ended when
//! its time is over.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use libc::{SIGCONT, SIGKILL, c_int};

use crate::ending::{Ending, Limit, Loss, Step};
#[cfg(feature = "between-machines")]
use crate::guardian::Guardian;
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

/// How it ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    pub status: ExitStatus,
    /// Its number, which is another process's by now, perhaps.
    pub pid: u32,
    pub is_time_over: bool,
    /// It was told to end, because of what it needs; or that is lost, and nobody knows since when.
    pub is_lost: bool,
    pub ran: Duration,
}

/// What is done in the child before it becomes the command. No allocation, nothing but system calls.
fn prepare(
    command: &mut Command,
    inherited: Option<RawFd>,
    mask: Option<Set>,
    parent: Option<libc::pid_t>,
) {
    let in_child = move || {
        if let Some(parent) = parent {
            end_with(parent)?;
        }
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

/// Has this process killed when its parent ends. Async-signal-safe.
fn end_with(parent: libc::pid_t) -> io::Result<()> {
    // SAFETY: takes no pointers.
    if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, SIGKILL) } == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: takes no pointers.
    if unsafe { libc::getppid() } != parent {
        // It has ended before.
        return Err(io::Error::from_raw_os_error(libc::ESRCH));
    }
    Ok(())
}

/// Starts it, waits for its end, and does nothing else, as flock(1) does.
///
/// # Errors
///
/// It cannot be started.
pub fn wait(command: &mut Command, inherited: Option<BorrowedFd<'_>>) -> io::Result<ExitStatus> {
    prepare(command, inherited.map(|descriptor| descriptor.as_raw_fd()), None, None);
    command.spawn()?.wait()
}

/// Becomes it. What it returns is why not.
pub fn become_it(command: &mut Command, inherited: BorrowedFd<'_>) -> io::Error {
    prepare(command, Some(inherited.as_raw_fd()), None, None);
    command.exec()
}

/// The same, with no descriptor.
pub fn become_without(command: &mut Command) -> io::Error {
    prepare(command, None, None, None);
    command.exec()
}

/// Starts it, passes on the signals that this process gets, and waits for its end. What it needs, and loses,
/// it does not outlive, nor this process: see `guardian`.
///
/// # Errors
///
/// It cannot be started.
pub fn run(
    command: &mut Command,
    inherited: Option<BorrowedFd<'_>>,
    signals: &Received,
    limit: Limit,
    loss: Option<Loss<'_>>,
) -> io::Result<Ended> {
    // A group of its own, so that all of it can be ended; but not in a terminal's foreground, where
    // it would be cut off from the terminal.
    let is_ended_early = limit.max_time.is_some() || loss.is_some();
    let has_own_group = is_ended_early && !is_in_foreground();
    if has_own_group {
        command.process_group(0);
    }
    // SAFETY: takes no pointers.
    let parent = loss.map(|_| unsafe { libc::getpid() });
    let inherited = inherited.map(|descriptor| descriptor.as_raw_fd());
    prepare(command, inherited, Some(signals.before()), parent);
    #[cfg(feature = "between-machines")]
    let mut guardian = loss.map(|_| Guardian::start()).transpose()?;
    let begin = Instant::now();
    let mut child = command.spawn()?;
    let pid = libc::pid_t::try_from(child.id()).unwrap_or(libc::pid_t::MAX);
    let target = if has_own_group { -pid } else { pid };
    let mut ending = Ending::new(begin, limit, loss);
    loop {
        if let Some(status) = child.try_wait()? {
            // They were for the command, and would end this process instead of telling its status.
            signals.forget();
            let (is_time_over, is_lost) = (ending.is_time_over, ending.is_lost());
            let ran = begin.elapsed();
            return Ok(Ended { status, pid: child.id(), is_time_over, is_lost, ran });
        }
        let time = match ending.step(Instant::now()) {
            Step::Send(signal) => {
                send(&child, target, signal);
                send(&child, target, SIGCONT);
                continue;
            }
            Step::Wait { time, left } => {
                #[cfg(feature = "between-machines")]
                if let (Some(guardian), Some(left)) = (&mut guardian, left) {
                    guardian.guard(target, left);
                }
                let _ = left;
                time
            }
        };
        match signals.next(time) {
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
