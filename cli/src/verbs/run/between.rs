//! A name on an engine, between machines.

use std::ffi::OsStr;
use std::mem;
use std::time::{Duration, Instant};

use bakery_distributed::{Error, Guard, Mode};
use tokio::select;

use crate::between::{self, Ask, Between, CalledOff, Driver, Queue, Seat, refused};
use crate::command;
use crate::ending::{Limit, Loss};
use crate::exit::{Failure, Outcome, status};
use crate::held::{self, Held};
use crate::hold::bytes::Together;
use crate::hold::{Taken, is_interrupted};
use crate::message::{self, ordinal};
use crate::report::Account;
use crate::signals::{self, Noted, Received};
use crate::verbs::run::INTERRUPTED;
use crate::verbs::run::late;
use crate::verbs::run::under::{self, Surroundings, Told};
use crate::verbs::run::wanted::Wanted;
use crate::waiting::{Manner, Watch};

pub fn run(wanted: &Wanted, between: &Between, name: &str, account: &mut Account) -> Outcome {
    let begin = Instant::now();
    let noted = Noted::begin();
    let driver = Driver::start()?;
    let called_off = CalledOff::begin(&driver)?;
    let queue = queue(wanted, between, name, &driver)?;
    let key = between.key(name);
    if let Some(held) = held::by_ancestors(OsStr::new(&key))
        && is_still(&driver, &queue, held)?
    {
        drop(noted);
        return under::within(wanted, account);
    }
    let joined = driver.wait(async {
        select! {
            () = called_off.comes() => None,
            joined = queue.join(wanted.together) => Some(joined),
        }
    });
    let Some(joined) = joined else {
        account.outcome = INTERRUPTED;
        return Ok(status::SYSTEM);
    };
    let mut seat = joined.map_err(refused)?;
    let time = wanted.time.map(|time| time.saturating_sub(begin.elapsed()));
    let (driver, queue, called_off) = (&driver, &queue, &called_off);
    let attempt = Attempt { wanted, between, name, key: &key, driver, queue, called_off };
    let (outcome, over) = attempt.run(begin, time, &mut seat, noted, account);
    match over {
        Over::Line(_noted) => attempt.leave(seat),
        Over::Inside(_signals) => attempt.leave(seat),
        // It does not leave as one that is done: the next one is to hear of what is half-done.
        Over::Lost => mem::forget(seat),
    }
    outcome
}

/// How far it has come; signals are noted, or kept back, until it has left.
#[expect(clippy::large_enum_variant, reason = "there is one")]
enum Over {
    Line(Noted),
    Inside(Received),
    Lost,
}

#[derive(Clone, Copy)]
struct Attempt<'a> {
    wanted: &'a Wanted,
    between: &'a Between,
    name: &'a str,
    key: &'a str,
    driver: &'a Driver,
    queue: &'a Queue,
    called_off: &'a CalledOff,
}

impl Attempt<'_> {
    /// Goes in, and runs the command.
    fn run(
        self,
        begin: Instant,
        time: Option<Duration>,
        seat: &mut Seat,
        noted: Noted,
        account: &mut Account,
    ) -> (Outcome, Over) {
        let taken = self.driver.wait(self.enter(seat, time));
        account.waited = begin.elapsed();
        let guard = match taken {
            Ok(Taken::In(guard)) if !is_interrupted() => guard,
            Ok(Taken::Busy) => {
                tell_late(self, account);
                return (Ok(self.wanted.conflict), Over::Line(noted));
            }
            Ok(Taken::In(_) | Taken::Interrupted) => {
                account.outcome = INTERRUPTED;
                return (Ok(status::SYSTEM), Over::Line(noted));
            }
            Err(error) => return (Err(refused(error)), Over::Line(noted)),
        };
        let signals = Received::begin();
        drop(noted);
        let outcome = self.inside(&guard, &signals, account);
        if guard.is_lost() {
            mem::forget(guard);
            return (outcome, Over::Lost);
        }
        if let Err(error) = self.driver.wait(guard.unlock()) {
            let name = self.wanted.name.shown();
            message::say(format!("{name}: could not be unlocked: {error}"));
        }
        (outcome, Over::Inside(signals))
    }

    async fn enter(
        self,
        seat: &mut Seat,
        time: Option<Duration>,
    ) -> Result<Taken<Guard<'_>>, Error> {
        let Self { wanted, name, queue, called_off, .. } = self;
        let is_waiting = time.is_none_or(|time| !time.is_zero());
        let manner = if is_waiting { wanted.manner } else { Manner::Silent };
        select! {
            () = called_off.comes() => Ok(Taken::Interrupted),
            () = between::tell(Watch { name, manner }, queue) => Ok(Taken::Interrupted),
            entered = seat.enter(time) => Ok(entered?.map_or(Taken::Busy, Taken::In)),
        }
    }

    /// Leaves the line; a further signal does not wait for that.
    fn leave(self, seat: Seat) {
        let left = self.driver.wait(async {
            select! {
                left = seat.leave() => left,
                () = self.called_off.comes() => Ok(()),
            }
        });
        if let Err(error) = left {
            let name = self.wanted.name.shown();
            message::say(format!("{name}: the session could not be ended: {error}"));
        }
    }

    /// Runs the command, and what is to be run before it.
    fn inside(self, guard: &Guard<'_>, signals: &Received, account: &mut Account) -> Outcome {
        let Self { wanted, .. } = self;
        let death = guard.death().map(between::told);
        account.token = Some(guard.token());
        account.after_death.clone_from(&death);
        let told = Told { key: OsStr::new(self.key), token: account.token, death };
        under::greet(wanted, told.token, account);
        let surroundings = Surroundings::new(wanted, &told, account);
        // A session that ends before its time is to be known at once.
        let over = guard.lost();
        let watch = self.driver.beside(async move {
            over.await;
            signals::look_again();
        });
        let left = || guard.time_left();
        let loss = Loss { left: &left, grace: self.between.grace };
        let run = |command: &mut _, limit| command::run(command, None, signals, limit, Some(loss));
        let outcome = (|| {
            if let Some(death) = &told.death {
                let mut repair = |command: &mut _| Ok(run(command, Limit::default()));
                under::see_to(death, wanted, &mut repair, &surroundings, account)?;
            }
            let mut command = command::of(&wanted.words);
            surroundings.give(&mut command);
            let ended = run(&mut command, wanted.limit)
                .map_err(|error| under::not_started(&wanted.words, &error, account))?;
            under::tell(wanted, &ended, account)
        })();
        watch.abort();
        outcome
    }
}

fn queue(
    wanted: &Wanted,
    between: &Between,
    name: &str,
    driver: &Driver,
) -> Result<Queue, Failure> {
    let program = wanted.words.first().map_or(OsStr::new(""), |word| word);
    let ask = Ask { name, together: wanted.together, program };
    Queue::of(&between.client(driver)?, between, &ask)
}

/// Whether an ancestor that has said so is still inside.
fn is_still(driver: &Driver, queue: &Queue, held: Held) -> Result<bool, Failure> {
    let status = driver.wait(queue.status()).map_err(refused)?;
    Ok(status.holders.iter().any(|one| held.is_together || one.token == held.token))
}

/// Says that the lock was not to be had.
fn tell_late(attempt: Attempt<'_>, account: &mut Account) {
    let Attempt { wanted, driver, queue, .. } = attempt;
    let is_over = wanted.time.is_some_and(|time| !time.is_zero());
    account.outcome = if is_over { "timed-out" } else { "busy" };
    if !late::is_silent(wanted, is_over) {
        let mut parts = Vec::new();
        if is_over {
            parts.push(format!("gave up after {}", message::time(account.waited)));
        }
        // That it is not known any more is no error.
        if let Ok(status) = driver.wait(queue.status()) {
            parts.push(format!("{} in line", status.queue.len()));
            parts.extend(status.holder().map(|holder| format!("held by {}", between::who(holder))));
        }
        message::say(format!("{}: {}", wanted.name.shown(), parts.join(", ")));
    }
}

/// `--dry-run`: what would happen.
pub fn dry(wanted: &Wanted, between: &Between, name: &str) -> Result<Option<String>, Failure> {
    let driver = Driver::start()?;
    let queue = queue(wanted, between, name, &driver)?;
    let found = driver.wait(queue.status()).map_err(refused)?;
    let line = match found.queue.len() {
        0 => String::new(),
        others => format!(", {} in line", ordinal(others + 1)),
    };
    let inside = u32::try_from(found.holders.len()).unwrap_or(u32::MAX);
    let is_free = match wanted.together {
        _ if !found.queue.is_empty() => false,
        Some(Together::Shared) => found.holders.iter().all(|one| one.mode == Mode::Shared),
        Some(Together::Jobs(jobs)) => inside < jobs,
        None => found.holders.is_empty(),
    };
    let holder = found
        .holder()
        .map_or_else(|| "in use".to_owned(), |holder| format!("held by {}", between::who(holder)));
    Ok((!is_free).then(|| format!("{holder}{line}")))
}
