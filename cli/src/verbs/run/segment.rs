//! A name without a slash: a segment.

use std::cell::Cell;
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::time::Instant;

use bakery_lock::shared::{Competitor, Mutex, Options};

use crate::exit::{Failure, Outcome, status};
use crate::held::{self, Held};
use crate::hold::death::Death;
use crate::hold::line::{self, Inside};
use crate::hold::{Patience, Taken, bytes, is_interrupted};
use crate::message;
use crate::report::Account;
use crate::signals::{Noted, Received};
use crate::verbs::run::INTERRUPTED;
use crate::verbs::run::late::{self, Late, Place};
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
    let begin = Instant::now();
    let patience = Patience::of(wanted.time);
    let line = Line::default();
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
        Waited::Alone => obtain(wanted, name, &mutex, patience, &line),
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
        Taken::Busy if line.has_collapsed.get() => {
            account.outcome = "collapsed";
            if wanted.is_verbose {
                message::say(format!("{}: one waits already; left to it", wanted.name.shown()));
            }
            return Ok(0);
        }
        Taken::Busy => {
            let status = mutex.status().ok();
            let before = line.before.take();
            let left = || Some(Place::left(status.as_ref()?, before.as_ref()?));
            late.place = late.place.or_else(left);
            return Ok(late::tell(wanted, status.as_ref(), late, account));
        }
    };
    account.token = token;
    account.after_death.clone_from(&death);
    let told = Told { key: OsStr::new(name), token, death };
    under::run(wanted, hold, &told, &signals, account)
}

/// What one in line has seen when it came.
#[derive(Default)]
struct Line {
    /// Somebody waited already, and that was to be left to it.
    has_collapsed: Cell<bool>,
    /// Who was before it, if its time may be over.
    before: Cell<Option<Vec<Competitor>>>,
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
    obtain(wanted, name, &mutex, Patience::Forever, &Line::default())
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
    line: &Line,
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
            if !wanted.collapses && !matches!(patience, Patience::Until(_)) {
                return Ok(true);
            }
            let mut queue = mutex.status()?.queue;
            let before = queue.iter().position(is_me).unwrap_or(0);
            queue.truncate(before);
            // Whoever waits already will begin after this one has come.
            line.has_collapsed.set(wanted.collapses && !queue.is_empty());
            line.before.set(Some(queue));
            Ok(!line.has_collapsed.get())
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
