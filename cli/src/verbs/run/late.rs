//! What is said when the lock was not to be had.

use std::fmt::Write as _;
use std::time::SystemTime;

use bakery_lock::shared::{Competitor, Status};

use crate::clock;
use crate::message;
use crate::report::Account;
use crate::verbs::run::wanted::Wanted;
use crate::waiting::{Manner, who};

/// Where one was in line that has given up, and how many were in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub position: usize,
    pub of: usize,
}

impl Place {
    /// Of one that is in line no longer: behind those of whom it came after that are in it still. (One that
    /// has been in meanwhile, and has come again as the same participant, counts as still there.)
    pub fn left(status: &Status, before: &[Competitor]) -> Self {
        let who = |one: &Competitor| (one.slot, one.pid);
        let is_before = |one: &&Competitor| before.iter().any(|other| who(other) == who(one));
        let position = status.queue.iter().filter(is_before).count() + 1;
        Self { position, of: status.queue.len() + 1 }
    }
}

/// What is known of a place when its time is over.
#[derive(Clone, Copy, Debug, Default)]
pub struct Late {
    pub place: Option<Place>,
    pub kept_until: Option<SystemTime>,
}

/// Whether nothing is to be said of a lock that was not to be had.
pub fn is_silent(wanted: &Wanted, is_over: bool) -> bool {
    match wanted.manner {
        _ if wanted.is_quiet => true,
        // A busy lock is what they ask about; that time was lost is news.
        Manner::Silent => !is_over,
        _ => wanted.is_skipped && !wanted.is_verbose,
    }
}

/// Somebody else has it, or the time was over. A file has no status.
pub fn tell(wanted: &Wanted, status: Option<&Status>, late: Late, account: &mut Account) -> u8 {
    let is_over = wanted.time.is_some_and(|time| !time.is_zero());
    account.outcome = if is_over { "timed-out" } else { "busy" };
    if is_silent(wanted, is_over) {
        return wanted.conflict;
    }
    let mut text = wanted.name.shown();
    let gave_up = is_over.then(|| format!("gave up after {}", message::time(account.waited)));
    let holder = match status.map(|status| &status.holder) {
        None => "somebody else has it locked".to_owned(),
        Some(Some(holder)) => format!("held by {}", who(holder)),
        Some(None) => "held by others together".to_owned(),
    };
    let line = match (late.place, status) {
        (Some(Place { position, of }), _) => {
            Some(format!("{} of {of} in line", message::ordinal(position)))
        }
        (None, Some(status)) => Some(format!("{} in line", status.queue.len())),
        (None, None) => None,
    };
    let parts: Vec<String> = [gave_up, line, Some(holder)].into_iter().flatten().collect();
    let _ = write!(text, ": {}", parts.join(", "));
    match (late.kept_until, &wanted.keep_place) {
        (Some(until), _) => {
            let _ =
                write!(text, "; the place is kept until {} for the next try", clock::local(until));
        }
        (None, Some(_)) => text.push_str("; the place could not be kept"),
        (None, None) if is_over => text.push_str("; with --keep-place the next try goes on there"),
        (None, None) => {}
    }
    message::say(text);
    wanted.conflict
}
