//! `bakery rm`: takes locks away that nobody uses.

use std::ffi::{OsStr, OsString};

use bakery_lock::shared::{Error, Options};

use crate::arguments::options::{DIR, HELP, UNUSED, VERBOSE};
use crate::arguments::{Id, Parsed, Verb, parse};
use crate::exit::{Outcome, status};
use crate::looking::names::{self, Place, use_directory};
use crate::looking::{self, refused};
use crate::message::{self, shown};
use crate::screen;
use crate::verbs::status::{NO_SUCH_LOCK, in_use_by};

pub static VERB: Verb = Verb {
    name: "rm",
    forms: &["NAME...", "--unused"],
    about: "remove locks that nobody uses; refuses while somebody does",
    options: &[&UNUSED, &VERBOSE, &DIR, &HELP],
    options_end_at: usize::MAX,
    run,
};

fn run(verb: &'static Verb, parsed: &Parsed) -> Outcome {
    use_directory(parsed);
    screen::end_when_closed();
    match (parsed.operands.as_slice(), parsed.has(Id::Unused)) {
        ([], true) => unused(parsed.has(Id::Verbose)),
        ([_, ..], true) => {
            Err(parse::wrong(verb, "--unused is all that nobody uses: leave the names or it out"))
        }
        ([], false) => {
            Err(parse::wrong(verb, "which lock? write bakery rm NAME, or bakery rm --unused"))
        }
        (names, false) => {
            let mut greatest = 0;
            for name in names {
                greatest = greatest.max(remove(verb, name)?);
            }
            Ok(greatest)
        }
    }
}

fn remove(verb: &Verb, name: &OsStr) -> Outcome {
    let path = match names::find(name)? {
        Place::Segment(path) => path,
        Place::File(path) => {
            let path = shown(&path);
            let what = format!(
                "{path} is a file, and no lock of bakery's: it can stay (removed while somebody has it locked, it lets in two); rm {path} removes it"
            );
            return Err(parse::wrong(verb, what));
        }
    };
    match Options::remove_at(path) {
        Ok(()) => Ok(0),
        Err(Error::InUse { .. } | Error::BeingRemoved { .. }) => {
            let who = match looking::at_one(name) {
                Ok(Some(look)) => in_use_by(&look),
                _ => "somebody has it open".to_owned(),
            };
            message::say(format!("{} is in use: {who}. It was not removed.", shown(name)));
            Ok(status::BUSY)
        }
        Err(Error::NotFound { .. }) => {
            message::say(format!("{}: there is no such lock", shown(name)));
            Ok(NO_SUCH_LOCK)
        }
        Err(error) => Err(refused(error)),
    }
}

/// All that nobody uses: names, and lines of files that were left behind.
fn unused(is_verbose: bool) -> Outcome {
    let directory = names::directory().map_err(refused)?;
    let mut failed = None;
    for name in names::in_directory(&directory).into_iter().chain(names::lines_in(&directory)) {
        match Options::remove(&name) {
            Ok(()) if is_verbose => {
                message::say(format!("removed {}", shown(OsString::from(&name))));
            }
            // What is no lock is not bakery's to remove.
            Ok(())
            | Err(Error::InUse { .. } | Error::NotFound { .. } | Error::NotASegment { .. }) => {}
            Err(error) => {
                let failure = refused(error);
                failed = Some(failure.status);
                message::say(failure);
            }
        }
    }
    Ok(failed.unwrap_or(0))
}
