//! `bakery`: locks for shell scripts, cron and CI; first come, first served.
//!
//! `main` finds the verb. [`arguments`] has its words and reads them, [`verbs`] does what it says.
//! What they have in common: [`name`] (what is locked), [`hold`] (how), [`waiting`] (what is said
//! meanwhile), [`signals`], [`command`] (what runs under it), [`ending`] (until when), [`held`] (what that is told), [`report`],
//! [`message`], [`exit`].

mod arguments;
mod between;
mod clock;
mod command;
mod ending;
mod exit;
#[cfg(feature = "between-machines")]
mod guardian;
mod held;
mod hold;
mod json;
mod looking;
mod message;
mod name;
mod report;
mod screen;
mod signals;
mod verbs;
mod waiting;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

use arguments::{VERBS, Verb, help, parse};
use exit::{Failure, Outcome, status};

fn main() -> ExitCode {
    signals::outlive_long_files();
    let mut arguments = std::env::args_os();
    let program = arguments.next().unwrap_or_default();
    let outcome = if Path::new(&program).file_name() == Some(OsStr::new("flock")) {
        verb(&verbs::flock::VERB, arguments)
    } else {
        bakery(arguments)
    };
    ExitCode::from(outcome.unwrap_or_else(|failure| {
        message::say(&failure);
        failure.status
    }))
}

/// The first word says what is to be done.
fn bakery(mut arguments: impl Iterator<Item = OsString>) -> Outcome {
    let first = arguments.next().unwrap_or_default();
    match first.to_str() {
        Some("-h" | "--help" | "help") => match arguments.next() {
            None => print(&help::all()),
            Some(name) => named(&name).and_then(|verb| print(&help::of(verb))),
        },
        Some("-V" | "--version") => print(concat!("bakery ", env!("CARGO_PKG_VERSION"), "\n")),
        _ => named(&first).and_then(|known| verb(known, arguments)),
    }
}

fn named(name: &OsStr) -> Result<&'static Verb, Failure> {
    name.to_str().and_then(arguments::verb).ok_or_else(|| {
        let text = name.to_string_lossy();
        if text.is_empty() {
            let what = "what is to be done? write bakery run NAME -- COMMAND";
            return Failure::usage(format!("{what} (`bakery --help` has all verbs)"));
        }
        let shown = message::shown(name);
        let near = VERBS.iter().map(|verb| (parse::distance(verb.name, &text), verb.name)).min();
        let verb = match near {
            Some((distance, known)) if distance <= 2 => format!("bakery {known}, or "),
            _ => String::new(),
        };
        Failure::usage(format!(
            "there is no verb {shown}; write {verb}bakery run {shown} -- COMMAND to lock that name (`bakery --help` has all verbs)"
        ))
    })
}

fn verb(verb: &'static Verb, arguments: impl Iterator<Item = OsString>) -> Outcome {
    let parsed = parse::parse(verb, arguments)?;
    if parsed.has(arguments::Id::Help) {
        return print(&help::of(verb));
    }
    (verb.run)(verb, &parsed)
}

/// Data, on standard output.
fn print(text: &str) -> Outcome {
    message::print(text).map(|()| 0).map_err(|error| {
        Failure::new(status::SYSTEM, format!("cannot write to standard output: {error}"))
    })
}
