//! A name without a slash: a segment.

use std::cell::Cell;
use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::time::Instant;

use bakery_lock::shared::{Death, Mutex};

use crate::exit::{Failure, Outcome, status};
use crate::held::{self, Held};
use crate::hold::line::{self, position};
use crate::hold::{Patience, Taken, bytes, is_interrupted};
use crate::message;
use crate::report::Account;
use crate::signals::{Noted, Received};
use crate::verbs::run::INTERRUPTED;
use crate::verbs::run::refuse::{library, system};
use crate::verbs::run::under::{self, Hold, Told};
use crate::verbs::run::wanted::{Until, Wanted};
use crate::waiting::{self, Manner, Watch, who};

/// What a process is called that holds a lock until its descriptor is closed: its end is no death.
const UNTIL_CLOSED: &str = "bakery-closed";

/// What has been got.
struct Got {
    hold: Hold,
    token: u64,
    death: Option<Death>,
}

pub fn run(wanted: &Wanted, name: &str, account: &mut Account) -> Outcome {
    let mutex = wanted.options.open_any(name).map_err(library)?;
    if let Some(held) = held::by_ancestors(OsStr::new(name))
        && is_still(&mutex, held)?
    {
        return under::within(wanted, account);
    }
    let begin = Instant::now();
    let has_collapsed = Cell::new(false);
    let noted = Noted::begin();
    let taken = obtain(wanted, name, &mutex, &has_collapsed);
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
        Taken::Busy => return Ok(busy(wanted, &mutex, account)),
    };
    account.token = Some(token);
    account.after_death.clone_from(&death);
    let told = Told { key: OsStr::new(name), token: Some(token), death };
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

fn obtain(
    wanted: &Wanted,
    name: &str,
    mutex: &Mutex<()>,
    has_collapsed: &Cell<bool>,
) -> Result<Taken<Got>, Failure> {
    let patience = Patience::of(wanted.time);
    if wanted.until == Until::Closed && wanted.together.is_none() {
        under::be_called(UNTIL_CLOSED);
    }
    let Some(participant) = line::join(mutex, patience).map_err(library)? else {
        return Ok(Taken::Busy);
    };
    let slot = participant.slot();
    let watch =
        Watch { name, manner: if patience.is_over() { Manner::Silent } else { wanted.manner } };
    waiting::during(watch, mutex, slot, || {
        let look = || {
            // Whoever waits already will begin after this one has come.
            if wanted.collapses && position(&mutex.status()?, slot).is_some_and(|place| place > 1) {
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
        let death = death.filter(|death| death.command != UNTIL_CLOSED);
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
            Taken::In(()) => Taken::In(Got { hold, token, death }),
            Taken::Busy => Taken::Busy,
            Taken::Interrupted => Taken::Interrupted,
        })
    })
}

fn busy(wanted: &Wanted, mutex: &Mutex<()>, account: &mut Account) -> u8 {
    let is_over = wanted.time.is_some_and(|time| !time.is_zero());
    account.outcome = if is_over { "timed-out" } else { "busy" };
    if wanted.manner == Manner::Silent || wanted.is_skipped && !wanted.is_verbose {
        return wanted.conflict;
    }
    if let Ok(status) = mutex.status() {
        let name = wanted.name.shown();
        let time = message::time(account.waited);
        let gave_up = if is_over { format!("gave up after {time}; ") } else { String::new() };
        let holder = match &status.holder {
            Some(holder) => format!("held by {}", who(holder)),
            None => "held by others together".to_owned(),
        };
        message::say(format!("{name}: {gave_up}{holder}, {} in line", status.queue.len()));
    }
    wanted.conflict
}
