//! `bakery flock`: flock(1), to the letter.
//!
//! The lock is the kernel's (flock(2), or bytes by fcntl(2)), with the same words, statuses, and descriptors that are inherited;
//! what is added is the order ([`crate::hold::file`]). Like flock(1) it passes no signals on.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, RawFd};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::arguments::options::{
    CLOSE, COMMAND, CONFLICT_EXIT_CODE, EXCLUSIVE, FCNTL, FD, HELP, LENGTH, NO_FORK, NONBLOCK,
    SHARED, START, UNLOCK, VERSION, WAIT,
};
use crate::arguments::{Id, Opt, Parsed, Verb, parse, values};
use crate::command;
use crate::exit::{self, Failure, Outcome, status};
use crate::hold::file::{self, Want};
use crate::hold::kernel::{self, Bytes, Extent, Mode};
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
    forms: &[
        "[options] FILE|DIR COMMAND [ARG...]",
        "[options] FILE|DIR -c STRING",
        "[options] FD",
        "[options] --fd FD COMMAND [ARG...]",
        "[options] --fd FD -c STRING",
    ],
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
        &FD,
        &FCNTL,
        &START,
        &LENGTH,
        &COMMAND,
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
    if let Some(number) = parsed.value(Id::Fd) {
        return on_descriptor(verb, &wanted, number, &words_of(verb, parsed)?);
    }
    if parsed.has(Id::Command) {
        let what = "-c stands behind the file: write FILE -c STRING, or --fd FD -c STRING";
        return Err(parse::wrong(verb, what));
    }
    let Some((first, words)) = parsed.operands.split_first() else {
        let what = "it takes a file, a directory or the number of a descriptor";
        return Err(parse::wrong(verb, what));
    };
    if words.is_empty() {
        return on_descriptor(verb, &wanted, first, &[]);
    }
    let words = match words[0].to_str() {
        Some(option @ ("-c" | "--command")) => {
            let [string] = &words[1..] else { return Err(not_one_string(verb, option)) };
            &command::by_shell(string)
        }
        _ => words,
    };
    on_file(&wanted, Path::new(first), words)
}

fn not_one_string(verb: &Verb, option: &str) -> Failure {
    let form = COMMAND.shown();
    parse::wrong(verb, format!("{option} takes exactly one argument: quote it ({form})"))
}

/// The command of `--fd`. Empty: there is none.
fn words_of(verb: &Verb, parsed: &Parsed) -> Result<Vec<OsString>, Failure> {
    match (parsed.value(Id::Command), parsed.operands.as_slice()) {
        (None, words) => Ok(words.to_vec()),
        (Some(string), []) => Ok(command::by_shell(string)),
        (Some(_), _) => Err(not_one_string(verb, "-c")),
    }
}

struct Wanted {
    /// `None`: to let go.
    mode: Option<Mode>,
    extent: Extent,
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
            extent: extent(verb, parsed)?,
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

fn extent(verb: &Verb, parsed: &Parsed) -> Result<Extent, Failure> {
    let size = |id| match parsed.value(id) {
        None => Ok(0),
        Some(value) => values::size(value).ok_or_else(|| {
            let what = format!("{} is no number of bytes; write 4096, 4K or 0x1000", shown(value));
            parse::wrong(verb, what)
        }),
    };
    let bytes = Bytes { start: size(Id::Start)?, length: size(Id::Length)? };
    let is_of_bytes = [Id::Fcntl, Id::Start, Id::Length].iter().any(|id| parsed.has(*id));
    Ok(if is_of_bytes { Extent::Bytes(bytes) } else { Extent::Whole })
}

/// `flock FD`: the lock stays with the caller's descriptor, also when there was a command.
fn on_descriptor(verb: &Verb, wanted: &Wanted, number: &OsStr, words: &[OsString]) -> Outcome {
    let number = number.to_str().and_then(|number| number.trim_start().parse::<RawFd>().ok());
    let number = number.ok_or_else(|| {
        parse::wrong(
            verb,
            "without a command it takes a descriptor's number: flock 9; else write FILE COMMAND, or --fd 9 COMMAND",
        )
    })?;
    let bad = |error| Failure::new(status::BAD_DESCRIPTOR, format!("{number}: {error}"));
    // SAFETY: whether it is open is asked before it is borrowed.
    if number < 0 || unsafe { libc::fcntl(number, libc::F_GETFD) } == -1 {
        return Err(bad(io::Error::from_raw_os_error(libc::EBADF)));
    }
    // SAFETY: it is open, and nothing in this process closes it.
    let file = unsafe { BorrowedFd::borrow_raw(number) };
    let taken = take(wanted, file, |file, want, patience| {
        // One that has the lock already changes or repeats it, and must not wait for those who wait for
        // it.
        if kernel::has_lock(file, want.extent) == Some(false) {
            in_order(file, want, patience)
        } else {
            file::plainly(file, want, patience, None)
        }
    });
    match taken {
        Err(error) => Err(failed(&number.to_string(), &error)),
        Ok(false) => Ok(wanted.conflict),
        Ok(true) if words.is_empty() => Ok(0),
        Ok(true) => {
            if wanted.is_closed {
                // SAFETY: takes no pointers. The descriptors of whoever has started this one stay as they are.
                unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
            }
            execute(wanted, file, words)
        }
    }
}

/// `flock FILE COMMAND`.
fn on_file(wanted: &Wanted, path: &Path, words: &[OsString]) -> Outcome {
    let is_for_one = wanted.mode == Some(Mode::Exclusive);
    let mut file = match wanted.extent {
        Extent::Bytes(_) if is_for_one => file::open_to_write(path)?,
        _ => file::open(path)?,
    };
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
    execute(wanted, file.as_fd(), words)
}

fn execute(wanted: &Wanted, file: BorrowedFd<'_>, words: &[OsString]) -> Outcome {
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
        return Err(failed(&command::become_it(&mut command, file)));
    }
    let inherited = (!wanted.is_closed).then_some(file);
    command::wait(&mut command, inherited).map(exit::of_command).map_err(|error| failed(&error))
}

/// In silence, as flock(1) waits.
fn in_order(
    file: BorrowedFd<'_>,
    want: Want,
    patience: Patience,
) -> io::Result<Taken<file::Passage>> {
    file::lock(file, want, patience, Watch { name: "", manner: Manner::Silent })
}

/// Locks, or lets go. Whether it has what was wanted.
fn take(
    wanted: &Wanted,
    file: BorrowedFd<'_>,
    lock: impl FnOnce(BorrowedFd<'_>, Want, Patience) -> io::Result<Taken<file::Passage>>,
) -> io::Result<bool> {
    let begin = Instant::now();
    let Some(mode) = wanted.mode else {
        kernel::unlock(file, wanted.extent)?;
        return Ok(true);
    };
    let want = Want { mode, extent: wanted.extent };
    let taken = lock(file, want, Patience::of(wanted.time))?;
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
