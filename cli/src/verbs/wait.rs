//! `bakery wait`: until a lock is free. It takes nothing.

#[cfg(feature = "between-machines")]
mod between;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

use bakery_lock::shared::{Error, Options};

use crate::arguments::options::{CONFLICT_EXIT_CODE, DIR, ENGINE, HELP, WAIT};
use crate::arguments::{Id, Parsed, Verb, parse, values};
use crate::between::address;
use crate::exit::{Failure, Outcome, status};
use crate::hold::{Patience, bytes, file};
use crate::looking;
use crate::looking::descriptors::FileId;
use crate::looking::names::{self, Place, use_directory};
use crate::looking::refused;
use crate::message::shown;
#[cfg(feature = "between-machines")]
use crate::name::between_machines;
use crate::verbs::path::one_name;

pub static VERB: Verb = Verb {
    name: "wait",
    forms: &["NAME [-w TIME]"],
    about: "wait until nobody has the lock or is in line for it; takes nothing",
    options: &[&WAIT, &CONFLICT_EXIT_CODE, &DIR, &ENGINE, &HELP],
    options_end_at: usize::MAX,
    run,
};

/// The pause between two looks, which grows; and how much longer than a look it is.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
const LOOKS_A_PAUSE: u32 = 50;

fn run(verb: &'static Verb, parsed: &Parsed) -> Outcome {
    let name = one_name(verb, parsed)?;
    let time = time(verb, parsed)?;
    let conflict = conflict(verb, parsed)?;
    if let Some(between) = address::of(verb, parsed)? {
        address::refuse(verb, parsed, &[&DIR])?;
        #[cfg(not(feature = "between-machines"))]
        match between {}
        #[cfg(feature = "between-machines")]
        return between::run(&between, &between_machines(verb, &name)?, time, conflict);
    }
    let patience = Patience::of(time);
    use_directory(parsed);
    let mut pause = FIRST_PAUSE;
    loop {
        let begin = Instant::now();
        if is_free(&name)? {
            return Ok(0);
        }
        if patience.is_over() {
            return Ok(conflict);
        }
        pause = pause.max(begin.elapsed() * LOOKS_A_PAUSE);
        let left = match patience {
            Patience::Until(deadline) => deadline.saturating_duration_since(Instant::now()),
            Patience::None | Patience::Forever => pause,
        };
        thread::sleep(pause.min(left));
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// `-w`.
pub fn time(verb: &Verb, parsed: &Parsed) -> Result<Option<Duration>, Failure> {
    let Some(value) = parsed.value(Id::Wait) else { return Ok(None) };
    values::time(value).map(Some).ok_or_else(|| {
        let what = format!("{} is no time; write 1.5, 90s, 10m, or 2h", shown(value));
        parse::wrong(verb, what)
    })
}

/// `-E`.
pub fn conflict(verb: &Verb, parsed: &Parsed) -> Outcome {
    let Some(value) = parsed.value(Id::ConflictExitCode) else { return Ok(status::BUSY) };
    let code = values::number(value, 0, 255).and_then(|code| u8::try_from(code).ok());
    code.ok_or_else(|| {
        parse::wrong(verb, format!("{} is no exit status; write 0 to 255", shown(value)))
    })
}

/// Whether nobody has it, and nobody is in line. One that there is not is free.
fn is_free(name: &OsStr) -> Result<bool, Failure> {
    let is_line_empty = |status: bakery_lock::shared::Status| {
        // A dead one is none, but whoever comes has to clear it away.
        let is_dead = |slot| status.dead.iter().any(|dead| dead.slot == slot);
        !status.holder.iter().chain(&status.queue).any(|one| !is_dead(one.slot))
    };
    match names::find(name)? {
        Place::Segment(path) => {
            let status = match Options::status_at(&path) {
                Err(Error::NotFound { .. }) => return Ok(true),
                found => found.map_err(refused)?,
            };
            let is_held = File::open(&path).and_then(|file| bytes::are_held(file.as_fd()));
            Ok(is_line_empty(status) && !is_held.unwrap_or(false))
        }
        Place::File(path) => {
            let Ok(file) = file::open_to_look(&path) else {
                // Not to be opened, as another user's, or not there.
                return match fs::metadata(&path) {
                    Ok(_) => Err(Failure::new(
                        status::CANNOT_OPEN,
                        format!("cannot open {}", shown(&path)),
                    )),
                    Err(_) => Ok(true),
                };
            };
            let line = file.metadata().map(|metadata| names::line_of(FileId::of(&metadata)));
            let line = line.ok().and_then(|line| Options::status(&line).ok());
            if file::is_locked(file.as_fd()) || !line.is_none_or(is_line_empty) {
                return Ok(false);
            }
            // The kernel's list is read a page at a time, and may leave out one that moves meanwhile. So
            // whoever has the file open is asked as well.
            let look = looking::at_one(name)?;
            Ok(look.is_none_or(|look| look.is_free() && look.queue.is_empty()))
        }
    }
}
