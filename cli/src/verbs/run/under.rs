//! What happens under the lock.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::Command;

use bakery_lock::shared::Error;

use crate::command::{self, Ended};
use crate::ending::Limit;
use crate::exit::{self, Failure, Outcome, status};
use crate::held::{self, Held};
use crate::hold::bytes;
use crate::hold::death::Death;
use crate::hold::kernel::{self, Extent};
use crate::hold::line::Inside;
use crate::message::{self, shown};
use crate::report::Account;
use crate::signals::Received;
use crate::verbs::run::left;
use crate::verbs::run::refuse::library;
use crate::verbs::run::wanted::{OnOwnerDied, Until, Wanted};

/// The lock, while the command runs.
#[expect(clippy::large_enum_variant, reason = "there is one")]
pub enum Hold {
    /// Inside, and nobody beside it.
    Alone(Inside),
    /// A byte, beside others who have one.
    Together(OwnedFd),
    File(File),
}

impl Hold {
    /// What is to be done under it begins. Only the end of one that holds alone can be a death.
    fn begin(&mut self, until: Until) -> Result<(), Error> {
        let Self::Alone(inside) = self else { return Ok(()) };
        inside.begin()?;
        if until == Until::Closed {
            inside.end_with_descriptor()?;
        }
        Ok(())
    }

    /// Whoever has this descriptor keeps the lock.
    fn descriptor(&mut self) -> Result<BorrowedFd<'_>, Error> {
        match self {
            Self::Alone(inside) => inside.hold_by_descriptor(),
            Self::Together(file) => Ok((*file).as_fd()),
            Self::File(file) => Ok((*file).as_fd()),
        }
    }

    /// Lets go, whoever has the descriptor.
    fn let_go(self) {
        match self {
            Self::Alone(inside) => drop(inside),
            Self::Together(file) => bytes::let_go(file.as_fd()),
            // It does not fail for one that is locked.
            Self::File(file) => drop(kernel::unlock(file.as_fd(), Extent::Whole)),
        }
    }

    /// Leaves the lock to whoever has the descriptor besides.
    pub fn into_descriptor(self) -> Result<OwnedFd, Error> {
        match self {
            Self::Alone(inside) => inside.leave_to_descriptor(),
            Self::Together(file) => Ok(file),
            Self::File(file) => Ok(file.into()),
        }
    }
}

/// What has been got.
pub struct Got {
    pub hold: Hold,
    /// `None`: the lock has none.
    pub token: Option<u64>,
    /// Who died inside right before.
    pub death: Option<Death>,
}

/// What the command is told.
pub struct Told<'a> {
    /// By what its own commands find that they are within the lock.
    pub key: &'a OsStr,
    /// `None`: the lock has none.
    pub token: Option<u64>,
    pub death: Option<Death>,
}

/// Runs the command under the lock, and lets go.
pub fn run(
    wanted: &Wanted,
    mut hold: Hold,
    told: &Told<'_>,
    signals: &Received,
    account: &mut Account,
) -> Outcome {
    greet(wanted, told.token, account);
    let surroundings = Surroundings::new(wanted, told, account);
    hold.begin(wanted.until).map_err(library)?;
    if let Some(death) = &told.death {
        let mut repair = |command: &mut Command| {
            let inherited = hold.descriptor().map_err(library)?;
            Ok(command::run(command, Some(inherited), signals, Limit::default(), None))
        };
        see_to(death, wanted, &mut repair, &surroundings, account)?;
    }
    let mut command = command::of(&wanted.words);
    surroundings.give(&mut command);
    if wanted.has_no_fork {
        let descriptor = hold.into_descriptor().map_err(library)?;
        // The program that it becomes is to have the signals as this one had them.
        signals.before().block();
        let error = command::become_it(&mut command, descriptor.as_fd());
        return Err(not_started(&wanted.words, &error, account));
    }
    let ended = {
        let inherited =
            if wanted.is_inherited { Some(hold.descriptor().map_err(library)?) } else { None };
        command::run(&mut command, inherited, signals, wanted.limit, None)
    };
    if let Ok(ended) = &ended
        && wanted.until == Until::Exit
        && wanted.is_inherited
        && !wanted.is_quiet
    {
        left::tell(wanted, hold.descriptor().map_err(library)?, ended.pid);
    }
    match wanted.until {
        Until::Closed if ended.is_ok() => drop(hold.into_descriptor().map_err(library)?),
        _ => hold.let_go(),
    }
    ended
        .map_err(|error| not_started(&wanted.words, &error, account))
        .and_then(|ended| tell(wanted, &ended, account))
}

/// Runs the command within one that has the lock already, or refuses to.
pub fn within(wanted: &Wanted, account: &mut Account) -> Outcome {
    if !wanted.joins_within {
        account.outcome = "nested";
        return Err(Failure::new(
            status::NESTED,
            format!(
                "{}: this command runs under that lock already, and would wait for itself; --nested join runs it without locking again",
                wanted.name.shown()
            ),
        ));
    }
    let mut command = command::of(&wanted.words);
    if wanted.has_no_fork {
        return Err(not_started(&wanted.words, &command::become_without(&mut command), account));
    }
    let signals = Received::begin();
    command::run(&mut command, None, &signals, wanted.limit, None)
        .map_err(|error| not_started(&wanted.words, &error, account))
        .and_then(|ended| tell(wanted, &ended, account))
}

/// How it ended, for whoever asked for it.
pub fn tell(wanted: &Wanted, ended: &Ended, account: &mut Account) -> Outcome {
    account.ran = Some(ended.ran);
    if ended.is_lost {
        return Err(lost(wanted, account));
    }
    if ended.is_time_over {
        account.outcome = "max-time";
        if wanted.is_verbose {
            message::say(format!(
                "{}: ended after {}",
                wanted.name.shown(),
                message::time(ended.ran)
            ));
        }
        return Ok(status::TIME_OVER);
    }
    account.outcome = "ran";
    Ok(exit::of_command(ended.status))
}

/// Why a command was told to end before its time.
fn lost(wanted: &Wanted, account: &mut Account) -> Failure {
    account.outcome = "lost";
    let name = wanted.name.shown();
    let why = "its servers have not answered, or have ended the session";
    let what = format!("{name}: the lock has been lost, or was about to be, as {why}");
    Failure::new(status::LOST, format!("{what}; the command was told to end"))
}

pub fn not_started(words: &[OsString], error: &io::Error, account: &mut Account) -> Failure {
    account.outcome = "not-started";
    let status = match error.raw_os_error() {
        Some(libc::ENOENT) => status::NOT_FOUND,
        Some(libc::ENOMEM | libc::EAGAIN | libc::EMFILE | libc::ENFILE) => status::SYSTEM,
        _ => status::NOT_EXECUTABLE,
    };
    Failure::new(status, format!("cannot run {}: {error}", shown(&words[0])))
}

/// Says that it is in.
pub fn greet(wanted: &Wanted, token: Option<u64>, account: &Account) {
    if wanted.is_verbose {
        let token = token.map(|token| format!(" (token {token})")).unwrap_or_default();
        let name = wanted.name.shown();
        message::say(format!("{name}: in after {}{token}", message::time(account.waited)));
    }
}

/// Does about a death what was asked for. `run` runs a command under the lock.
pub fn see_to(
    death: &Death,
    wanted: &Wanted,
    run: &mut dyn FnMut(&mut Command) -> Result<io::Result<Ended>, Failure>,
    surroundings: &Surroundings,
    account: &mut Account,
) -> Result<(), Failure> {
    let name = wanted.name.shown();
    let what = format!("{name}: the last one inside did not come to its end: {death}");
    let died = |what: String, account: &mut Account| {
        account.outcome = "owner-died";
        Failure::new(status::OWNER_DIED, what)
    };
    match &wanted.on_owner_died {
        OnOwnerDied::Run => message::say(what),
        OnOwnerDied::Fail => return Err(died(what, account)),
        OnOwnerDied::Repair(string) => {
            let words = command::by_shell(string);
            let mut command = command::of(&words);
            surroundings.give(&mut command);
            let ended = run(&mut command)?;
            let ended = ended.map_err(|error| not_started(&words, &error, account))?;
            if ended.is_lost {
                return Err(lost(wanted, account));
            }
            if !ended.status.success() {
                let how = format!("{what}; and {} failed ({})", shown(string), ended.status);
                return Err(died(how, account));
            }
        }
    }
    Ok(())
}

/// The command's environment, as far as it is about locks.
pub struct Surroundings(Vec<(&'static str, Option<OsString>)>);

impl Surroundings {
    pub fn new(wanted: &Wanted, told: &Told<'_>, account: &Account) -> Self {
        let held = Held { token: told.token.unwrap_or(0), is_together: wanted.together.is_some() };
        let died = told.death.as_ref().map(|death| format!("{} {}", death.token, death.pid));
        Self(vec![
            ("BAKERY_LOCK", Some(wanted.name.as_os_str().to_owned())),
            ("BAKERY_TOKEN", told.token.map(|token| token.to_string().into())),
            (held::VARIABLE, Some(held::with(told.key, held))),
            ("BAKERY_WAITED", Some(format!("{:.3}", account.waited.as_secs_f64()).into())),
            ("BAKERY_OWNER_DIED", died.map(OsString::from)),
        ])
    }

    /// What is not said here is not left from a lock around this one.
    pub fn give(&self, command: &mut Command) {
        for (name, value) in &self.0 {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
    }
}
