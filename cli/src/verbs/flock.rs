//! `bakery flock`: flock(1), to the letter.
//!
//! The lock is the kernel's flock(2), with the same words, statuses, and descriptors that are inherited;
//! what is added is the order ([`crate::hold::file`]). Like flock(1) it passes no signals on.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, RawFd};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::arguments::options::{
    CLOSE, COMMAND, CONFLICT_EXIT_CODE, EXCLUSIVE, HELP, NO_FORK, NONBLOCK, SHARED, UNLOCK,
    VERSION, WAIT,
};
use crate::arguments::{Id, Opt, Parsed, Verb, parse, values};
use crate::command;
use crate::exit::{self, Failure, Outcome, status};
use crate::hold::file::{self, Mode};
use crate::hold::{Patience, Taken};
use crate::message::{self, shown};
use crate::waiting::{Manner, Watch};

/// flock(1) says it on standard output, and has no letter for it.
static VERBOSE: Opt = Opt {
    id: Id::Verbose,
    letters: "",
    names: &["verbose"],
    value: None,
    help: "say how long it took to get the lock, and what is executed",
};

pub static VERB: Verb = Verb {
    name: "flock",
    forms: &["[options] FILE|DIR COMMAND [ARG...]", "[options] FILE|DIR -c STRING", "[options] FD"],
    about: "flock(1), to the letter, and in order; also when called by that name",
    options: &[
        &SHARED,
        &EXCLUSIVE,
        &UNLOCK,
        &NONBLOCK,
        &WAIT,
        &CONFLICT_EXIT_CODE,
        &CLOSE,
        &NO_FORK,
        &VERBOSE,
        &HELP,
        &VERSION,
    ],
    options_end_at: 1,
    run,
};

fn run(verb: &'static Verb, parsed: &Parsed) -> Outcome {
    if parsed.has(Id::Version) {
        message::print(concat!("flock from bakery ", env!("CARGO_PKG_VERSION"), "\n"))
            .map_err(|error| Failure::new(status::SYSTEM, error))?;
        return Ok(0);
    }
    let wanted = Wanted::of(verb, parsed)?;
    let Some((first, words)) = parsed.operands.split_first() else {
        let what = "it takes a file, a directory or the number of a descriptor";
        return Err(parse::wrong(verb, what));
    };
    if words.is_empty() {
        return on_descriptor(verb, &wanted, first);
    }
    let words = match words[0].to_str() {
        Some(option @ ("-c" | "--command")) => {
            let [string] = &words[1..] else {
                let form = COMMAND.shown();
                let what = format!("{option} takes exactly one argument: quote it ({form})");
                return Err(parse::wrong(verb, what));
            };
            &command::by_shell(string)
        }
        _ => words,
    };
    on_file(&wanted, Path::new(first), words)
}

struct Wanted {
    /// `None`: to let go.
    mode: Option<Mode>,
    time: Option<Duration>,
    conflict: u8,
    is_closed: bool,
    has_no_fork: bool,
    is_verbose: bool,
}

impl Wanted {
    fn of(verb: &Verb, parsed: &Parsed) -> Result<Self, Failure> {
        let mut wanted = Self {
            mode: Some(Mode::Exclusive),
            time: None,
            conflict: status::FLOCK_BUSY,
            is_closed: parsed.has(Id::Close),
            has_no_fork: parsed.has(Id::NoFork),
            is_verbose: parsed.has(Id::Verbose),
        };
        for (id, value) in &parsed.options {
            match id {
                Id::Shared => wanted.mode = Some(Mode::Shared),
                Id::Exclusive => wanted.mode = Some(Mode::Exclusive),
                Id::Unlock => wanted.mode = None,
                Id::Wait => {
                    let time = values::seconds(value).ok_or_else(|| {
                        let what = format!("{} is no time; write seconds, as 1.5", shown(value));
                        parse::wrong(verb, what)
                    })?;
                    wanted.time = Some(time);
                }
                Id::ConflictExitCode => {
                    let code =
                        values::number(value, 0, 255).and_then(|code| u8::try_from(code).ok());
                    wanted.conflict = code.ok_or_else(|| {
                        parse::wrong(
                            verb,
                            format!("{} is no exit status; write 0 to 255", shown(value)),
                        )
                    })?;
                }
                _ => {}
            }
        }
        if parsed.has(Id::Nonblock) {
            wanted.time = Some(Duration::ZERO);
        }
        if wanted.is_closed && wanted.has_no_fork {
            let what = "-F and -o together would let go at once; write one of them";
            return Err(parse::wrong(verb, what));
        }
        Ok(wanted)
    }
}

/// `flock FD`: the lock stays with the caller's descriptor.
fn on_descriptor(verb: &Verb, wanted: &Wanted, number: &OsStr) -> Outcome {
    let number = number.to_str().and_then(|number| number.trim_start().parse::<RawFd>().ok());
    let number = number.ok_or_else(|| {
        parse::wrong(
            verb,
            "without a command it takes a descriptor's number: flock 9; else write FILE COMMAND",
        )
    })?;
    let bad = |error| Failure::new(status::BAD_DESCRIPTOR, format!("{number}: {error}"));
    // SAFETY: whether it is open is asked before it is borrowed.
    if number < 0 || unsafe { libc::fcntl(number, libc::F_GETFD) } == -1 {
        return Err(bad(io::Error::from_raw_os_error(libc::EBADF)));
    }
    // SAFETY: it is open, and nothing in this process closes it.
    let file = unsafe { BorrowedFd::borrow_raw(number) };
    match take(wanted, file, |file, mode, patience| {
        // One that has the lock already changes or repeats it, and must not wait for those who wait for
        // it.
        if file::has_lock(file) == Some(false) {
            in_order(file, mode, patience)
        } else {
            file::plainly(file, mode, patience, None)
        }
    }) {
        Ok(is_in) => Ok(if is_in { 0 } else { wanted.conflict }),
        Err(error) => Err(failed(&number.to_string(), &error)),
    }
}

/// `flock FILE COMMAND`.
fn on_file(wanted: &Wanted, path: &Path, words: &[OsString]) -> Outcome {
    let mut file = file::open(path)?;
    let is_in = match take(wanted, file.as_fd(), in_order) {
        Err(error) if asks_for_writing(&error, wanted) => match file::reopen_for_writing(path) {
            Ok(writable) => {
                file = writable;
                take(wanted, file.as_fd(), in_order)
            }
            Err(_) => Err(error),
        },
        taken => taken,
    };
    match is_in {
        Ok(true) => {}
        Ok(false) => return Ok(wanted.conflict),
        Err(error) => return Err(failed(&shown(path), &error)),
    }
    execute(wanted, &file, words)
}

fn execute(wanted: &Wanted, file: &File, words: &[OsString]) -> Outcome {
    if wanted.is_verbose {
        let _ = message::print(&format!("flock: executing {}\n", words[0].display()));
    }
    let mut command = command::of(words);
    let failed = |error: &io::Error| {
        let status = match error.raw_os_error() {
            Some(libc::ENOMEM | libc::EAGAIN | libc::EMFILE | libc::ENFILE) => status::SYSTEM,
            _ => status::FLOCK_NO_COMMAND,
        };
        Failure::new(status, format!("failed to execute {}: {error}", shown(&words[0])))
    };
    if wanted.has_no_fork {
        return Err(failed(&command::become_it(&mut command, file.as_fd())));
    }
    let inherited = (!wanted.is_closed).then(|| file.as_fd());
    command::wait(&mut command, inherited).map(exit::of_command).map_err(|error| failed(&error))
}

/// In silence, as flock(1) waits.
fn in_order(
    file: BorrowedFd<'_>,
    mode: Mode,
    patience: Patience,
) -> io::Result<Taken<file::Passage>> {
    file::lock(file, mode, patience, Watch { name: "", manner: Manner::Silent })
}

/// Locks, or lets go. Whether it has what was wanted.
fn take(
    wanted: &Wanted,
    file: BorrowedFd<'_>,
    lock: impl FnOnce(BorrowedFd<'_>, Mode, Patience) -> io::Result<Taken<file::Passage>>,
) -> io::Result<bool> {
    let begin = Instant::now();
    let Some(mode) = wanted.mode else {
        file::unlock(file)?;
        return Ok(true);
    };
    let taken = lock(file, mode, Patience::of(wanted.time))?;
    if !wanted.is_verbose {
        return Ok(matches!(taken, Taken::In(_)));
    }
    match taken {
        Taken::In(passage) => {
            let took = begin.elapsed();
            let (seconds, micros) = (took.as_secs(), took.subsec_micros());
            let text = format!("flock: getting lock took {seconds}.{micros:06} seconds\n");
            let _ = message::print(&text);
            if let Some(why) = passage.without.filter(|why| !why.is_empty()) {
                message::say(format!("without a line of its own, in the kernel's order: {why}"));
            }
            Ok(true)
        }
        Taken::Busy | Taken::Interrupted => {
            let is_timed = wanted.time.is_some_and(|time| !time.is_zero());
            let what =
                if is_timed { "timeout while waiting to get lock" } else { "failed to get lock" };
            message::say(what);
            Ok(false)
        }
    }
}

/// Whether the file has to be open for writing (NFS).
fn asks_for_writing(error: &io::Error, wanted: &Wanted) -> bool {
    wanted.mode != Some(Mode::Shared)
        && matches!(error.raw_os_error(), Some(libc::EBADF | libc::EIO))
}

fn failed(what: &str, error: &io::Error) -> Failure {
    let status = match error.raw_os_error() {
        Some(libc::ENOLCK | libc::ENOMEM) => status::SYSTEM,
        _ => status::BAD_DESCRIPTOR,
    };
    Failure::new(status, format!("{what}: {error}"))
}
