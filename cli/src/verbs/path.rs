//! `bakery path`: where a lock is.

use bakery_lock::shared::Options;

use crate::arguments::options::{DIR, HELP};
use crate::arguments::{Parsed, Verb, parse};
use crate::exit::{Failure, Outcome, status};
use crate::looking::names::use_directory;
use crate::looking::refused;
use crate::name::Name;
use crate::screen;

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStringExt;

pub static VERB: Verb = Verb {
    name: "path",
    forms: &["NAME"],
    about: "print the file of the lock NAME, which is made if need be",
    options: &[&DIR, &HELP],
    options_end_at: usize::MAX,
    run,
};

fn run(verb: &'static Verb, parsed: &Parsed) -> Outcome {
    let name = one_name(verb, parsed)?;
    use_directory(parsed);
    screen::end_when_closed();
    let path = match Name::new(name)? {
        // A shell that redirects to it would make an empty file there, which is no lock.
        Name::Segment(name) => {
            Options::new().open_any(&name).map_err(refused)?;
            Options::path_of(&name).map_err(refused)?
        }
        Name::File(path) => std::path::absolute(&path).unwrap_or(path),
    };
    let mut line = path.into_os_string().into_vec();
    line.push(b'\n');
    std::io::stdout().write_all(&line).map_err(|error| {
        Failure::new(status::SYSTEM, format!("cannot write to standard output: {error}"))
    })?;
    Ok(0)
}

/// The one name that a verb takes.
pub fn one_name(verb: &Verb, parsed: &Parsed) -> Result<OsString, Failure> {
    match parsed.operands.as_slice() {
        [name] => Ok(name.clone()),
        [] => {
            let what = format!("which lock? write bakery {} {}", verb.name, verb.forms[0]);
            Err(parse::wrong(verb, what))
        }
        [_, ..] => {
            let what = format!("it takes one name: write bakery {} {}", verb.name, verb.forms[0]);
            Err(parse::wrong(verb, what))
        }
    }
}
