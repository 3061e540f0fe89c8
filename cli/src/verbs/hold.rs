//! `bakery hold`: holds a lock over several commands. (`bakery pause` holds so that nobody goes in.)
//!
//! A process that holds says its token when it is in, and lets go when its standard input ends, or
//! another process does, or at a signal. Detached, it is a child that stays behind until it is
//! [released](crate::verbs::release).

#[cfg(feature = "between-machines")]
mod between;

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::ptr;
use std::time::Duration;

use bakery_lock::shared::Options;

use crate::arguments::options::{
    CONFLICT_EXIT_CODE, DETACH, DIR, ENGINE, HELP, NONBLOCK, PID, TTL, WAIT, WHY,
};
use crate::arguments::{Id, Parsed, Verb, parse, values};
use crate::between::address;
use crate::exit::{Failure, Outcome, status};
use crate::hold::line::{self, Inside};
use crate::hold::{Patience, Taken, bytes, is_interrupted};
use crate::looking::names::use_directory;
use crate::looking::refused;
use crate::message::{self, shown};
use crate::name::Name;
#[cfg(feature = "between-machines")]
use crate::name::between_machines;
use crate::signals::{self, Noted};
use crate::verbs::path::one_name;
use crate::verbs::wait::{conflict, time};

pub static VERB: Verb = Verb {
    name: "hold",
    forms: &["NAME [options]", "NAME --detach [options]"],
    about: "hold the lock NAME until standard input ends; prints the token",
    options: &[
        &NONBLOCK,
        &WAIT,
        &CONFLICT_EXIT_CODE,
        &PID,
        &DETACH,
        &WHY,
        &DIR,
        &ENGINE,
        &TTL,
        &HELP,
    ],
    options_end_at: usize::MAX,
    run,
};

/// How often it looks whether another process is there, where the kernel does not tell.
const LOOK_EVERY: Duration = Duration::from_millis(100);

fn run(verb: &'static Verb, parsed: &Parsed) -> Outcome {
    let pid = match parsed.value(Id::Pid) {
        None => None,
        Some(value) => {
            let pid = values::number(value, 1, i32::MAX.unsigned_abs());
            Some(pid.ok_or_else(|| {
                parse::wrong(verb, format!("{} is no process's number", shown(value)))
            })?)
        }
    };
    let is_detached = parsed.has(Id::Detach);
    let until = match pid {
        Some(pid) => Until::Process(Watched::of(pid)?),
        None if is_detached => Until::Signal,
        None => Until::Input,
    };
    if let Some(between) = address::of(verb, parsed)? {
        // Nobody could release it by its token from another machine.
        address::refuse(verb, parsed, &[&DIR, &DETACH])?;
        #[cfg(not(feature = "between-machines"))]
        match between {}
        #[cfg(feature = "between-machines")]
        {
            let name = between_machines(verb, &one_name(verb, parsed)?)?;
            let time = patience(verb, parsed)?;
            return between::run(&between, &name, time, conflict(verb, parsed)?, until);
        }
    }
    if is_detached { detached(verb, parsed, until) } else { here(verb, parsed, &until) }
}

/// When to let go, if no signal comes before.
pub enum Until {
    Input,
    Process(Watched),
    Signal,
}

/// Another process.
pub struct Watched {
    pid: libc::pid_t,
    /// It is this one, whatever process has its number later.
    descriptor: OwnedFd,
}

impl Watched {
    fn of(pid: u32) -> Result<Self, Failure> {
        let pid = libc::pid_t::try_from(pid).unwrap_or(libc::pid_t::MAX);
        // SAFETY: takes no pointers.
        let descriptor = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        match libc::c_int::try_from(descriptor) {
            Ok(descriptor) if descriptor >= 0 => {
                // SAFETY: the kernel has just opened it for this process.
                Ok(Self { pid, descriptor: unsafe { OwnedFd::from_raw_fd(descriptor) } })
            }
            _ => {
                let error = io::Error::last_os_error();
                Err(Failure::new(status::CANNOT_OPEN, format!("--pid {pid}: {error}")))
            }
        }
    }

    fn has_ended(&self) -> bool {
        let mut poll =
            libc::pollfd { fd: self.descriptor.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        let time = libc::c_int::try_from(LOOK_EVERY.as_millis()).unwrap_or(0);
        // SAFETY: there is one such struct.
        let answer = unsafe { libc::poll(&raw mut poll, 1, time) };
        answer > 0 && self.pid > 0
    }
}

/// Holds in this process.
fn here(verb: &'static Verb, parsed: &Parsed, until: &Until) -> Outcome {
    match take(verb, parsed)? {
        Got::In(inside, noted) => {
            let said = message::print(&format!("{}\n", inside.token));
            said.map_err(|error| Failure::new(status::SYSTEM, error))?;
            if matches!(until, Until::Input) && io::stdin().is_terminal() {
                message::say("held until the end of input: Ctrl-D lets go");
            }
            stay(until);
            let is_interrupted = is_interrupted();
            drop(inside);
            drop(noted);
            if is_interrupted {
                signals::obey();
                // Stopped, and continued, it has the lock no longer.
                return Ok(status::BUSY);
            }
            Ok(0)
        }
        Got::Status(status) => Ok(status),
    }
}

fn stay(until: &Until) {
    while !is_interrupted() {
        match until {
            Until::Input => {
                let mut some = [0; 4096];
                match io::stdin().read(&mut some) {
                    Ok(0) => return,
                    Err(error) if error.kind() != io::ErrorKind::Interrupted => return,
                    _ => {}
                }
            }
            Until::Process(watched) => {
                if watched.has_ended() {
                    return;
                }
            }
            // SAFETY: there are no descriptors. It returns when a signal has come.
            Until::Signal => drop(unsafe { libc::poll(ptr::null_mut(), 0, -1) }),
        }
    }
}

/// What came of trying to get in.
#[expect(clippy::large_enum_variant, reason = "there is one")]
enum Got {
    /// Signals are noted as long as it holds.
    In(Inside, Noted),
    Status(u8),
}

/// `-n` and `-w`.
fn patience(verb: &Verb, parsed: &Parsed) -> Result<Option<Duration>, Failure> {
    if parsed.has(Id::Nonblock) { Ok(Some(Duration::ZERO)) } else { time(verb, parsed) }
}

/// Goes in, in order and alone.
fn take(verb: &'static Verb, parsed: &Parsed) -> Result<Got, Failure> {
    let name = match Name::new(one_name(verb, parsed)?)? {
        Name::Segment(name) => name,
        Name::File(path) => {
            let path = shown(&path);
            return Err(parse::wrong(
                verb,
                format!(
                    "it takes a name without a slash; for a file write: exec 9<>{path}; bakery flock 9"
                ),
            ));
        }
    };
    let (patience, conflict) = (Patience::of(patience(verb, parsed)?), conflict(verb, parsed)?);
    use_directory(parsed);
    let mutex = Options::new().open_any(&name).map_err(refused)?;
    let noted = Noted::begin();
    let Some(participant) = line::join(&mutex, patience).map_err(refused)? else {
        return Ok(Got::Status(conflict));
    };
    let taken = line::go_in(participant, patience, || Ok(true)).map_err(refused)?;
    let taken = match taken {
        Taken::In(inside) => match bytes::wait_until_free(mutex.as_fd(), patience) {
            Ok(Taken::In(())) => Taken::In(inside),
            Ok(Taken::Busy) => Taken::Busy,
            Ok(Taken::Interrupted) => Taken::Interrupted,
            Err(error) => return Err(Failure::new(status::SYSTEM, error)),
        },
        other => other,
    };
    Ok(match taken {
        Taken::In(mut inside) => {
            inside.begin().map_err(refused)?;
            if let Some(death) = &inside.death {
                message::say(format!(
                    "{}: the last one inside did not come to its end: {death}",
                    shown(&name)
                ));
            }
            Got::In(inside, noted)
        }
        Taken::Busy => Got::Status(conflict),
        Taken::Interrupted => {
            drop(noted);
            signals::obey();
            // Stopped, and continued: it has left the line.
            Got::Status(conflict)
        }
    })
}

/// Leaves a child behind that holds, and says the token when it is in.
pub fn detached(verb: &'static Verb, parsed: &Parsed, until: Until) -> Outcome {
    match fork()? {
        Side::Parent { child, mut from_child } => {
            let mut token = String::new();
            let read = from_child.read_to_string(&mut token);
            if read.is_ok() && token.ends_with('\n') {
                return message::print(&token)
                    .map(|()| 0)
                    .map_err(|error| Failure::new(status::SYSTEM, error));
            }
            ended(child)
        }
        Side::Child(mut to_parent) => {
            // Nobody would know of it if the parent were gone before it is in.
            end_with_parent(true);
            let outcome = take(verb, parsed);
            let status = match outcome {
                Ok(Got::In(inside, _noted)) => {
                    end_with_parent(false);
                    leave_the_caller();
                    let said = to_parent.write_all(format!("{}\n", inside.token).as_bytes());
                    drop(to_parent);
                    if said.is_ok() {
                        stay(&until);
                    }
                    drop(inside);
                    0
                }
                Ok(Got::Status(status)) => status,
                Err(failure) => {
                    message::say(&failure);
                    failure.status
                }
            };
            drop(until);
            Ok(status)
        }
    }
}

enum Side {
    Parent { child: libc::pid_t, from_child: File },
    Child(File),
}

fn fork() -> Result<Side, Failure> {
    let failed = |error: io::Error| Failure::new(status::SYSTEM, format!("cannot detach: {error}"));
    let (read, write) = io::pipe().map_err(failed)?;
    // SAFETY: this process has one thread, so the child may do whatever it could do.
    match unsafe { libc::fork() } {
        -1 => Err(failed(io::Error::last_os_error())),
        0 => Ok(Side::Child(OwnedFd::from(write).into())),
        child => Ok(Side::Parent { child, from_child: OwnedFd::from(read).into() }),
    }
}

/// Waits for a child, and answers as it does.
fn ended(child: libc::pid_t) -> Outcome {
    let mut how = 0;
    loop {
        // SAFETY: there is room for the answer.
        let answer = unsafe { libc::waitpid(child, &raw mut how, 0) };
        if answer == child {
            break;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(Failure::new(status::SYSTEM, error));
        }
    }
    Ok(crate::exit::of_command(std::os::unix::process::ExitStatusExt::from_raw(how)))
}

/// Whether to get a signal when the parent ends.
fn end_with_parent(is_so: bool) {
    let signal = if is_so { libc::SIGTERM } else { 0 };
    // SAFETY: takes no pointers.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, signal) };
}

/// No terminal's signals, and none of the caller's files: who reads what this has written would wait for
/// its end.
pub fn leave_the_caller() {
    // SAFETY: takes no pointers.
    unsafe { libc::setsid() };
    let Ok(nothing) = File::options().read(true).write(true).open("/dev/null") else { return };
    for standard in 0..=2 {
        // SAFETY: both are open, or the second becomes so; nothing in this process has it besides.
        unsafe { libc::dup2(nothing.as_raw_fd(), standard) };
    }
}
