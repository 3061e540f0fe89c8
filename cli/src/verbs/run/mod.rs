//! `bakery run`: one command under a lock.

#[cfg(feature = "between-machines")]
mod between;
mod dry;
mod file;
mod late;
mod left;
pub mod place;
mod refuse;
mod segment;
mod under;
mod wanted;

use std::env;

use crate::arguments::options::{
    CLOSE, COLLAPSE, COMMAND, CONFLICT_EXIT_CODE, DIR, DRY_RUN, ENGINE, EXCLUSIVE, GRACE, HELP,
    JOBS, KEEP_FOR, KEEP_PLACE, KILL_AFTER, KIND, MAX_TIME, NESTED, NO_FORK, NONBLOCK,
    ON_OWNER_DIED, QUIET, REPORT, SHARED, SKIP, SLOTS, TTL, UNTIL, VERBOSE, WAIT, WHY,
};
use crate::arguments::{Opt, Parsed, Verb};
use crate::exit::Outcome;
use crate::name::Name;
use crate::report::{Account, Report};
use crate::signals;
use wanted::Wanted;

pub static VERB: Verb = Verb {
    name: "run",
    forms: &["NAME [options] -- COMMAND [ARG...]", "NAME [options] -c STRING"],
    about: "run a command under the lock NAME, first come, first served",
    options: OPTIONS,
    options_end_at: 2,
    run,
};

static OPTIONS: &[&Opt] = &[
    &NONBLOCK,
    &WAIT,
    &CONFLICT_EXIT_CODE,
    &SHARED,
    &EXCLUSIVE,
    &JOBS,
    &COMMAND,
    &CLOSE,
    &NO_FORK,
    &VERBOSE,
    &QUIET,
    &SKIP,
    &COLLAPSE,
    &KEEP_PLACE,
    &KEEP_FOR,
    &MAX_TIME,
    &KILL_AFTER,
    &UNTIL,
    &ON_OWNER_DIED,
    &NESTED,
    &WHY,
    &REPORT,
    &SLOTS,
    &KIND,
    &DIR,
    &ENGINE,
    &TTL,
    &GRACE,
    &DRY_RUN,
    &HELP,
];

fn run(verb: &'static Verb, parsed: &Parsed) -> Outcome {
    let wanted = Wanted::of(verb, parsed)?;
    use_directory(&wanted);
    if wanted.is_dry {
        return dry::run(&wanted);
    }
    let mut report = wanted.report.as_deref().map(Report::open).transpose()?;
    loop {
        let mut account = Account::default();
        let outcome = match &wanted.name {
            #[cfg(feature = "between-machines")]
            Name::Segment(name) if let Some(between) = &wanted.between => {
                between::run(&wanted, between, name, &mut account)
            }
            Name::Segment(name) => segment::run(&wanted, name, &mut account),
            Name::File(path) => file::run(&wanted, path, &mut account),
        };
        // Stopped in line by a terminal, it has left the line; continued, it comes again.
        let comes_again = account.outcome == INTERRUPTED && !signals::is_ending();
        if let Some(report) = &mut report
            && !comes_again
        {
            account.status = match &outcome {
                Ok(status) => *status,
                Err(failure) => failure.status,
            };
            report.write(wanted.name.as_os_str(), &account);
        }
        if account.outcome != INTERRUPTED {
            return outcome;
        }
        signals::obey();
    }
}

/// To be called before there is another thread.
fn use_directory(wanted: &Wanted) {
    if let Some(dir) = &wanted.dir {
        // SAFETY: this process has one thread so far.
        unsafe { env::set_var("BAKERY_LOCK_DIR", dir) };
    }
}

/// The outcome of one that a signal has called out of the line.
const INTERRUPTED: &str = "interrupted";
