//! A name with a slash: a file, for those who use flock(1) as well.

use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Instant;

use crate::exit::{Outcome, status};
use crate::held;
use crate::hold::file::{self, Mode};
use crate::hold::{Patience, Taken, is_interrupted};
use crate::message;
use crate::report::Account;
use crate::signals::{Noted, Received};
use crate::verbs::run::INTERRUPTED;
use crate::verbs::run::refuse::system;
use crate::verbs::run::under::{self, Hold, Told};
use crate::verbs::run::wanted::Wanted;
use crate::waiting::{Manner, Watch};

pub fn run(wanted: &Wanted, path: &Path, account: &mut Account) -> Outcome {
    let file = file::open(path)?;
    let failed = |error| system(&format!("lock {}", wanted.name.shown()), &error);
    let key = file::line_of(file.as_fd()).map_err(failed)?;
    if held::by_ancestors(OsStr::new(&key)).is_some() && file::is_locked(file.as_fd()) {
        return under::within(wanted, account);
    }
    let begin = Instant::now();
    let name = wanted.name.shown();
    let mode = if wanted.together.is_some() { Mode::Shared } else { Mode::Exclusive };
    let watch = Watch { name: &name, manner: wanted.manner };
    let noted = Noted::begin();
    let taken = file::lock(file.as_fd(), mode, Patience::of(wanted.time), watch);
    let signals = Received::begin();
    drop(noted);
    account.waited = begin.elapsed();
    match taken.map_err(failed)? {
        Taken::In(passage) if !is_interrupted() => {
            if let Some(why) = passage.without.filter(|_| wanted.is_verbose) {
                message::say(format!(
                    "{name}: without a line of its own, in the kernel's order: {why}"
                ));
            }
        }
        Taken::In(_) | Taken::Interrupted => {
            account.outcome = INTERRUPTED;
            return Ok(status::SYSTEM);
        }
        Taken::Busy => {
            let is_over = wanted.time.is_some_and(|time| !time.is_zero());
            account.outcome = if is_over { "timed-out" } else { "busy" };
            if wanted.manner != Manner::Silent && !wanted.is_skipped {
                message::say(format!("{name}: somebody else has it locked"));
            }
            return Ok(wanted.conflict);
        }
    }
    let told = Told { key: OsStr::new(&key), token: None, death: None };
    under::run(wanted, Hold::File(file), &told, &signals, account)
}
