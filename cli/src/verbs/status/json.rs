//! A look, as JSON.

use std::ffi::{OsStr, OsString};

use bakery_lock::shared::{Competitor, Death};

use crate::json::{Object, list, string};
use crate::looking::wrapper::Kept;
use crate::looking::{Holder, Look, Mode, Waiter, ago};

/// One object on one line.
pub fn of(look: &Look) -> String {
    let mode = match look.mode {
        Mode::Exclusive => "exclusive",
        Mode::Shared => "shared",
        Mode::Jobs(_) => "jobs",
    };
    let waiters = look.queue.iter().enumerate();
    let object = Object::versioned()
        .text("name", &look.name)
        .text("path", &look.path)
        .text("state", look.state())
        .text("mode", mode)
        .maybe("jobs", look.jobs().filter(|jobs| *jobs > 0))
        .with("holders", list(look.holders.iter().map(holder)))
        .with("queue", list(waiters.map(|(number, one)| waiter(number + 1, one))))
        .with("outside", list(look.outside.iter().map(one_outside)))
        .maybe("unseen", look.unseen.as_ref().map(string));
    let Some(status) = look.status.as_ref().filter(|_| !look.is_file) else {
        return object.end();
    };
    object
        .text("kind", status.kind.to_string())
        .with("slots", status.slots)
        .with("joined", status.joined)
        .with("passages", status.acquisitions)
        .with("longest_wait_s", format!("{:.3}", status.longest_wait.as_secs_f64()))
        .with("recoveries", status.recoveries)
        .with("dead", list(status.dead.iter().map(dead)))
        .maybe("last_death", look.last_death().map(death))
        .maybe("poisoned_by", status.poisoned.as_ref().map(death))
        .end()
}

/// Of a lock that there is not.
pub fn none(name: &OsStr) -> String {
    Object::versioned().text("name", name).text("state", "none").end()
}

fn words(command: &[OsString]) -> String {
    list(command.iter().map(string))
}

fn holder(holder: &Holder) -> String {
    let keepers = holder.keepers.iter().map(|one| {
        Object::default()
            .with("pid", one.pid)
            .with("fd", one.descriptor)
            .text("command", &one.name)
            .end()
    });
    Object::default()
        .maybe("pid", holder.pid)
        .with("command", words(&holder.command))
        .maybe("wrapper", holder.wrapper)
        .maybe("gone", holder.gone)
        .moment("since", holder.since)
        .time("held_s", ago(holder.since))
        .token(holder.token)
        .maybe("why", holder.why.as_ref().map(string))
        .maybe("kept", holder.kept.as_ref().map(kept))
        .with("fds", list(keepers))
        .end()
}

fn waiter(position: usize, waiter: &Waiter) -> String {
    of_waiter(Object::default().with("position", position), waiter)
}

fn one_outside(waiter: &Waiter) -> String {
    of_waiter(Object::default(), waiter)
}

fn of_waiter(object: Object, waiter: &Waiter) -> String {
    object
        .with("pid", waiter.pid)
        .with("command", words(&waiter.command))
        .moment("since", waiter.since)
        .time("waiting_s", ago(waiter.since))
        .moment("until", waiter.until)
        .maybe("why", waiter.why.as_ref().map(string))
        .maybe("kept", waiter.kept.as_ref().map(kept))
        .end()
}

fn kept(kept: &Kept) -> String {
    let key = Some(&kept.key).filter(|key| !key.is_empty());
    Object::default().maybe("key", key.map(string)).moment("until", Some(kept.until)).end()
}

fn dead(one: &Competitor) -> String {
    Object::default().with("pid", one.pid).text("command", &one.command).end()
}

fn death(death: &Death) -> String {
    Object::default()
        .with("pid", death.pid)
        .text("command", &death.command)
        .token(Some(death.token))
        .moment("since", Some(death.since))
        .end()
}
