//! `--report`: what became of it, as one JSON object, for programs that a status does not tell enough.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::{BorrowedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use crate::exit::{Failure, status};
use crate::hold::death::Death;
use crate::json::Object;
use crate::message::shown;

/// Where to.
#[derive(Debug)]
pub struct Report(File);

/// What became of it.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// `ran`, `busy`, `interrupted`, ...
    pub outcome: &'static str,
    pub status: u8,
    pub waited: Duration,
    pub ran: Option<Duration>,
    pub token: Option<u64>,
    pub after_death: Option<Death>,
}

impl Report {
    /// Opens `FILE` or `FD:n`, before anything is locked.
    ///
    /// # Errors
    ///
    /// It cannot be written to.
    pub fn open(to: &OsStr) -> Result<Self, Failure> {
        let Some(number) = to.as_bytes().strip_prefix(b"FD:") else {
            let opened = OpenOptions::new().write(true).create(true).truncate(true).open(to);
            return opened.map(Self).map_err(|error| {
                Failure::new(
                    status::CANNOT_MAKE,
                    format!("cannot write the report to {}: {error}", shown(to)),
                )
            });
        };
        let bad = |why: &str| {
            Failure::new(status::BAD_DESCRIPTOR, format!("--report {}: {why}", shown(to)))
        };
        let number: RawFd = str::from_utf8(number)
            .ok()
            .and_then(|number| number.parse().ok())
            .filter(|number| *number >= 0)
            .ok_or_else(|| bad("that is no descriptor's number; write FD:3"))?;
        // SAFETY: it is duplicated, which fails if it is not open.
        let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
        borrowed
            .try_clone_to_owned()
            .map(|owned| Self(owned.into()))
            .map_err(|error| bad(&error.to_string()))
    }

    /// Writes it. That it cannot be written any more has nothing to do with the command.
    pub fn write(&mut self, name: &OsStr, account: &Account) {
        if let Err(error) = self.0.write_all(json(name, account).as_bytes()) {
            crate::message::say(format!("the report could not be written: {error}"));
        }
    }
}

fn json(name: &OsStr, account: &Account) -> String {
    let Account { outcome, status, waited, ran, token, after_death } = account;
    let seconds = |time: Duration| format!("{:.6}", time.as_secs_f64());
    let death = after_death.as_ref().map(|death| {
        Object::default()
            .with("pid", death.pid)
            .text("command", &death.command)
            .token(Some(death.token))
            .end()
    });
    Object::versioned()
        .text("name", name)
        .text("outcome", outcome)
        .with("status", status)
        .with("waited_s", seconds(*waited))
        .maybe("ran_s", ran.map(seconds))
        .token(*token)
        .maybe("after_death", death)
        .end()
        + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_one_object_on_one_line() {
        let mut account = Account { outcome: "busy", status: 75, ..Account::default() };
        assert_eq!(
            json(OsStr::new("a\"b\\c\n"), &account),
            "{\"v\":1,\"name\":\"a\\\"b\\\\c\\u000a\",\"outcome\":\"busy\",\"status\":75,\"waited_s\":0.000000,\"ran_s\":null,\"token\":null,\"after_death\":null}\n",
        );
        account.ran = Some(Duration::from_millis(1500));
        account.token = Some(7);
        assert!(json(OsStr::new("a"), &account).contains("\"ran_s\":1.500000,\"token\":\"7\","));
    }
}
