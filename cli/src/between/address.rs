//! Where an engine is: `--engine URL`, or the variable `BAKERY_ENGINE`.

use std::env;
use std::ffi::{OsStr, OsString};
#[cfg(feature = "between-machines")]
use std::time::Duration;

#[cfg(feature = "between-machines")]
use crate::arguments::values;
use crate::arguments::{Id, Opt, Parsed, Verb, parse};
use crate::exit::Failure;
#[cfg(feature = "between-machines")]
use crate::message::shown;

/// The variable.
const VARIABLE: &str = "BAKERY_ENGINE";

/// The address that is none: this machine's locks, whatever the variable says.
const LOCAL: &str = "local";

/// How long a session lives without an answer.
#[cfg(feature = "between-machines")]
const TTL: Duration = Duration::from_secs(10);

/// Where locks between machines are, and how they are held.
#[cfg(feature = "between-machines")]
pub struct Between {
    /// There may be a password in it: it is never shown.
    pub(super) url: String,
    pub ttl: Duration,
    /// How long before the lock is lost the command is told so.
    pub grace: Duration,
    /// What it is held for.
    pub why: Option<OsString>,
}

/// There is none of them.
#[cfg(not(feature = "between-machines"))]
pub enum Between {}

/// What is asked for; `None` is this machine's locks.
///
/// # Errors
///
/// Wrong usage; and any address, if no engine has been compiled in.
pub fn of(verb: &Verb, parsed: &Parsed) -> Result<Option<Between>, Failure> {
    let wrong = |what: String| parse::wrong(verb, what);
    let from_environment = || env::var_os(VARIABLE).filter(|value| !value.is_empty());
    let given = parsed.value(Id::Engine).map(OsString::from).or_else(from_environment);
    let Some(url) = given.filter(|url| url != LOCAL) else {
        if let Some((_, name)) =
            [(Id::Ttl, "ttl"), (Id::Grace, "grace")].iter().find(|(id, _)| parsed.has(*id))
        {
            return Err(wrong(format!("--{name} goes with --engine URL")));
        }
        return Ok(None);
    };
    at(verb, parsed, &url).map(Some)
}

#[cfg(not(feature = "between-machines"))]
fn at(verb: &Verb, _: &Parsed, _: &OsStr) -> Result<Between, Failure> {
    let what = "this bakery was built without locks between machines";
    Err(parse::wrong(
        verb,
        format!(
            "{what}; write cargo install --path cli --features engines, or --engine {LOCAL} for this machine's locks"
        ),
    ))
}

#[cfg(feature = "between-machines")]
fn at(verb: &Verb, parsed: &Parsed, url: &OsStr) -> Result<Between, Failure> {
    let wrong = |what: String| parse::wrong(verb, what);
    let Some(url) = url.to_str() else {
        return Err(wrong(format!(
            "--engine is no text; write etcd://HOST:PORT/PREFIX or the like, or --engine {LOCAL}"
        )));
    };
    let time = |id, least: Duration, most: Duration, hint: &str| match parsed.value(id) {
        None => Ok(None),
        Some(value) => values::time(value)
            .filter(|time| (least..=most).contains(time))
            .map(Some)
            .ok_or_else(|| wrong(format!("{} is no such time; write {hint}", shown(value)))),
    };
    let hour = Duration::from_hours(1);
    let ttl = time(Id::Ttl, Duration::from_secs(1), hour, "--ttl 10s, and 1s to 1h")?;
    let ttl = ttl.unwrap_or(TTL);
    // Renewals come each quarter of the time, and one that is late is no reason to end anything.
    let half = "--grace 3s, and half of --ttl at the most";
    let grace = time(Id::Grace, Duration::ZERO, ttl / 2, half)?.unwrap_or(ttl / 3);
    let why = parsed.value(Id::Why).map(OsStr::to_owned);
    Ok(Between { url: url.to_owned(), ttl, grace, why })
}

/// Refuses options that are about this machine's locks only.
///
/// # Errors
///
/// Wrong usage, if one of them was given.
pub fn refuse(verb: &Verb, parsed: &Parsed, local: &[&Opt]) -> Result<(), Failure> {
    match local.iter().find(|option| parsed.has(option.id)) {
        None => Ok(()),
        Some(option) => Err(parse::wrong(
            verb,
            format!(
                "--{} is for locks of one machine, and --engine (or {VARIABLE}) is between machines; leave one out, or write --engine {LOCAL}",
                option.names[0]
            ),
        )),
    }
}

/// Refuses a file.
///
/// # Errors
///
/// Always.
pub fn refuse_file(verb: &Verb, name: &str) -> Failure {
    parse::wrong(
        verb,
        format!(
            "{name} is a file of this machine, and --engine (or {VARIABLE}) is between machines; write a name without a slash, or --engine {LOCAL}"
        ),
    )
}
