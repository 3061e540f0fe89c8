//! A name with a slash: a file, for those who use flock(1) as well.

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Instant;

use bakery_lock::shared::Options;

use crate::exit::{Failure, Outcome, status};
use crate::held;
use crate::hold::file::{self, Want};
use crate::hold::kernel::Mode;
use crate::hold::{Patience, Taken, is_interrupted};
use crate::looking;
use crate::message;
use crate::report::Account;
use crate::signals::{Noted, Received};
use crate::verbs::run::INTERRUPTED;
use crate::verbs::run::late::{self, Late};
use crate::verbs::run::place::{self, Waited};
use crate::verbs::run::refuse::system;
use crate::verbs::run::under::{self, Got, Hold, Told};
use crate::verbs::run::wanted::Wanted;
use crate::waiting::Watch;

pub fn run(wanted: &Wanted, path: &Path, account: &mut Account) -> Outcome {
    let file = file::open(path)?;
    let failed = |error| system(&format!("lock {}", wanted.name.shown()), &error);
    let key = file::line_of(file.as_fd()).map_err(failed)?;
    if held::by_ancestors(OsStr::new(&key)).is_some() && is_held(&file, path)? {
        return under::within(wanted, account);
    }
    let begin = Instant::now();
    let name = wanted.name.shown();
    let watch = Watch { name: &name, manner: wanted.manner };
    let patience = Patience::of(wanted.time);
    let noted = Noted::begin();
    let look = || Options::status(&key).ok();
    let which = || Ok(key.clone().into_bytes());
    let mut late = Late::default();
    let taken = match place::wait(wanted, which, patience, watch, look)? {
        Waited::In { hold, .. } => {
            Ok(Taken::In(Got { hold: Hold::File(hold.into()), token: None, death: None }))
        }
        Waited::Late(found) => {
            late = found;
            Ok(Taken::Busy)
        }
        Waited::Interrupted => Ok(Taken::Interrupted),
        Waited::Alone => obtain(wanted, file, patience, watch),
    };
    let signals = Received::begin();
    drop(noted);
    account.waited = begin.elapsed();
    let hold = match taken? {
        Taken::In(Got { hold, .. }) if !is_interrupted() => hold,
        Taken::In(_) | Taken::Interrupted => {
            account.outcome = INTERRUPTED;
            return Ok(status::SYSTEM);
        }
        Taken::Busy => {
            return Ok(late::tell(wanted, None, late, account));
        }
    };
    let told = Told { key: OsStr::new(&key), token: None, death: None };
    under::run(wanted, hold, &told, &signals, account)
}

/// The kernel's list of locks may leave out one that moves meanwhile, so whoever has the file open is asked as
/// well.
fn is_held(file: &File, path: &Path) -> Result<bool, Failure> {
    if file::is_locked(file.as_fd()) {
        return Ok(true);
    }
    Ok(looking::at_one(path.as_os_str())?.is_some_and(|look| !look.is_free()))
}

/// Which lock it is, whatever the file is called.
pub fn identity(path: &Path) -> Result<Vec<u8>, Failure> {
    let file = file::open(path)?;
    let failed = |error| system("look at the file", &error);
    Ok(file::line_of(file.as_fd()).map_err(failed)?.into_bytes())
}

/// Waits as a place-holder.
pub fn queue(wanted: &Wanted, path: &Path) -> Result<Taken<Got>, Failure> {
    let watch = Watch { name: "", manner: wanted.manner };
    obtain(wanted, file::open(path)?, Patience::Forever, watch)
}

fn obtain(
    wanted: &Wanted,
    file: File,
    patience: Patience,
    watch: Watch<'_>,
) -> Result<Taken<Got>, Failure> {
    let mode = if wanted.together.is_some() { Mode::Shared } else { Mode::Exclusive };
    let name = wanted.name.shown();
    let taken = file::lock(file.as_fd(), Want::whole(mode), patience, watch);
    Ok(match taken.map_err(|error| system(&format!("lock {name}"), &error))? {
        Taken::In(passage) => {
            if let Some(why) = passage.without.filter(|_| wanted.is_verbose) {
                message::say(format!(
                    "{name}: without a line of its own, in the kernel's order: {why}"
                ));
            }
            Taken::In(Got { hold: Hold::File(file), token: None, death: None })
        }
        Taken::Busy => Taken::Busy,
        Taken::Interrupted => Taken::Interrupted,
    })
}
