//! A name without a slash: a segment.

use std::cell::Cell;
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::time::{Instant, SystemTime};

use bakery_lock::shared::{Competitor, Mutex, Options};

use crate::exit::{Failure, Outcome, status};
use crate::held::{self, Held};
use crate::hold::death::Death;
use crate::hold::line::{self, Inside, position};
use crate::hold::{Patience, Taken, bytes, is_interrupted};
use crate::message;
use crate::report::Account;
use crate::signals::{Noted, Received};
use crate::verbs::run::INTERRUPTED;
use crate::verbs::run::late::{self, Late};
use crate::verbs::run::place::{self, Waited};
use crate::verbs::run::refuse::{library, system};
use crate::verbs::run::under::{self, Got, Hold, Told};
use crate::verbs::run::wanted::Wanted;
use crate::waiting::{self, Manner, Watch};

pub fn run(wanted: &Wanted, name: &str, account: &mut Account) -> Outcome {
    let mutex = wanted.options.open_any(name).map_err(library)?;
    if let Some(held) = held::by_ancestors(OsStr::new(name))
        && is_still(&mutex, held)?
    {
        return under::within(wanted, account);
    }
    let (begin, since) = (Instant::now(), SystemTime::now());
    let patience = Patience::of(wanted.time);
    let has_collapsed = Cell::new(false);
    let noted = Noted::begin();
    let watch = Watch { name, manner: wanted.manner };
    let look = || mutex.status().ok();
    let mut late = Late::default();
    let taken = match place::wait(wanted, || identity(name), patience, watch, look)? {
        Waited::In { hold, token, death } => {
            let hold = adopt(wanted, &mutex, hold, death.clone());
            hold.map(|hold| Taken::In(Got { hold, token, death }))
        }
        Waited::Late(found) => {
            late = found;
            Ok(Taken::Busy)
        }
        Waited::Interrupted => Ok(Taken::Interrupted),
        Waited::Alone => obtain(wanted, name, &mutex, patience, &has_collapsed),
    };
    let signals = Received::begin();
    drop(noted);
    account.waited = begin.elapsed();
    let Got { hold, token, death } = match taken? {
        Taken::In(got) if !is_interrupted() => got,
        Taken::In(_) | Taken::Interrupted => {
            account.outcome = INTERRUPTED;
            return Ok(status::SYSTEM);
        }
        Taken::Busy if has_collapsed.get() => {
            account.outcome = "collapsed";
            if wanted.is_verbose {
                message::say(format!("{}: one waits already; left to it", wanted.name.shown()));
            }
            return Ok(0);
        }
        Taken::Busy => {
            let status = mutex.status().ok();
            let status = status.as_ref();
            return Ok(late::tell(wanted, status, status, since, late, account));
        }
    };
    account.token = token;
    account.after_death.clone_from(&death);
    let told = Told { key: OsStr::new(name), token, death };
    under::run(wanted, hold, &told, &signals, account)
}

/// Whether an ancestor that has said so is still inside. One whose descendant has outlived it is not.
fn is_still(mutex: &Mutex<()>, held: Held) -> Result<bool, Failure> {
    if held.is_together {
        return bytes::are_held(mutex.as_fd()).map_err(|error| system("look at the lock", &error));
    }
    let status = mutex.status().map_err(library)?;
    Ok(status.holder.is_some_and(|holder| holder.token == held.token))
}

/// Which lock it is, wherever its name is looked for.
pub fn identity(name: &str) -> Result<Vec<u8>, Failure> {
    Ok(Options::path_of(name).map_err(library)?.as_os_str().as_bytes().to_vec())
}

/// Waits as a place-holder.
pub fn queue(wanted: &Wanted, name: &str) -> Result<Taken<Got>, Failure> {
    let mutex = wanted.options.open_any(name).map_err(library)?;
    obtain(wanted, name, &mutex, Patience::Forever, &Cell::new(false))
}

/// What a place-holder has handed over.
fn adopt(
    wanted: &Wanted,
    mutex: &Mutex<()>,
    hold: OwnedFd,
    death: Option<Death>,
) -> Result<Hold, Failure> {
    match wanted.together {
        None => Inside::adopt(mutex, hold, death).map(Hold::Alone).map_err(library),
        Some(_) => Ok(Hold::Together(hold)),
    }
}

fn obtain(
    wanted: &Wanted,
    name: &str,
    mutex: &Mutex<()>,
    patience: Patience,
    has_collapsed: &Cell<bool>,
) -> Result<Taken<Got>, Failure> {
    let Some(participant) = line::join(mutex, patience).map_err(library)? else {
        return Ok(Taken::Busy);
    };
    let slot = participant.slot();
    let watch =
        Watch { name, manner: if patience.is_over() { Manner::Silent } else { wanted.manner } };
    let is_me = |one: &Competitor| one.slot == slot;
    let see = || mutex.status().ok();
    waiting::during(watch, see, is_me, || {
        let look = || {
            // Whoever waits already will begin after this one has come.
            if wanted.collapses && position(&mutex.status()?, is_me).is_some_and(|place| place > 1)
            {
                has_collapsed.set(true);
            }
            Ok(!has_collapsed.get())
        };
        let inside = match line::go_in(participant, patience, look).map_err(library)? {
            Taken::In(inside) => inside,
            Taken::Busy => return Ok(Taken::Busy),
            Taken::Interrupted => return Ok(Taken::Interrupted),
        };
        let (token, death) = (inside.token, inside.death.clone());
        let failed = |error| system("lock the segment's file", &error);
        let (outcome, hold) = match wanted.together {
            None => {
                let outcome = bytes::wait_until_free(mutex.as_fd(), patience).map_err(failed)?;
                (outcome, Hold::Alone(inside))
            }
            Some(together) => {
                let file = mutex.reopen().map_err(library)?;
                let outcome = bytes::take(file.as_fd(), together, patience).map_err(failed)?;
                // The next one may come to the head.
                drop(inside);
                (outcome, Hold::Together(file))
            }
        };
        Ok(match outcome {
            Taken::In(()) => Taken::In(Got { hold, token: Some(token), death }),
            Taken::Busy => Taken::Busy,
            Taken::Interrupted => Taken::Interrupted,
        })
    })
}
