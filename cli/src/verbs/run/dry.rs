//! `--dry-run`: what would happen, and nothing taken.

use std::fs::File;
use std::os::fd::AsFd;

use bakery_lock::shared::{Error, Options};

use crate::exit::{Failure, Outcome, status};
use crate::hold::{bytes, file};
use crate::message::{self, ordinal, shown};
use crate::name::Name;
#[cfg(feature = "between-machines")]
use crate::verbs::run::between;
use crate::verbs::run::refuse::{library, system};
use crate::verbs::run::wanted::Wanted;
use crate::waiting::who;

pub fn run(wanted: &Wanted) -> Outcome {
    let name = wanted.name.shown();
    let command = wanted.words.iter().map(shown).collect::<Vec<_>>().join(" ");
    let busy = match &wanted.name {
        #[cfg(feature = "between-machines")]
        Name::Segment(segment) if let Some(between) = &wanted.between => {
            between::dry(wanted, between, segment)?
        }
        Name::Segment(segment) => in_segment(wanted, segment)?,
        Name::File(path) => match file::open_to_look(path) {
            Ok(file) => file::is_locked(file.as_fd()).then(|| "somebody has it locked".to_owned()),
            Err(_) => None,
        },
    };
    let (text, status) = match busy {
        None => (format!("{name} is free: would run {command}\n"), 0),
        Some(why) if wanted.time.is_some_and(|time| time.is_zero()) => {
            (format!("{name}: {why}; would leave with {}\n", wanted.conflict), wanted.conflict)
        }
        Some(why) => (format!("{name}: {why}; would wait, then run {command}\n"), wanted.conflict),
    };
    message::print(&text).map_err(|error| Failure::new(status::SYSTEM, error))?;
    Ok(status)
}

/// Why it would have to wait, if it would.
fn in_segment(wanted: &Wanted, name: &str) -> Result<Option<String>, Failure> {
    let found = match Options::status(name) {
        Err(Error::NotFound { .. }) => return Ok(None),
        found => found.map_err(library)?,
    };
    let line = match found.queue.len() {
        0 => String::new(),
        others => format!(", {} in line", ordinal(others + 1)),
    };
    if let Some(holder) = &found.holder {
        return Ok(Some(format!("held by {}{line}", who(holder))));
    }
    let path = Options::path_of(name).map_err(library)?;
    let looked = File::open(path).and_then(|file| match wanted.together {
        Some(bytes::Together::Shared) => Ok(false),
        Some(bytes::Together::Jobs(jobs)) => Ok(bytes::jobs_inside(file.as_fd(), jobs)? >= jobs),
        None => bytes::are_held(file.as_fd()),
    });
    let is_held = looked.map_err(|error| system("look at the lock", &error))?;
    Ok(is_held.then(|| format!("held by others together{line}")))
}
