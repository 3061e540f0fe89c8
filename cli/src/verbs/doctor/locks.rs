//! What may be wrong with one lock.

use crate::looking::{Look, Looked};
use crate::message::shown;
use crate::verbs::doctor::Finding;
use crate::verbs::status::to_end;

pub fn look((name, look): &Looked) -> Vec<Finding> {
    let name = shown(name);
    match look {
        Err(failure) => vec![Finding::wrong(
            failure.to_string(),
            format!(
                "bakery rm {name} removes it when nobody uses it, if it is a lock; else move it elsewhere"
            ),
        )],
        Ok(None) => Vec::new(),
        Ok(Some(look)) => of(&name, look),
    }
}

fn of(name: &str, look: &Look) -> Vec<Finding> {
    let mut findings = Vec::new();
    for holder in &look.holders {
        let Some(gone) = holder.gone else { continue };
        let keepers: Vec<_> = holder
            .keepers
            .iter()
            .map(|one| format!("{} ({}, descriptor {})", one.pid, shown(&one.name), one.descriptor))
            .collect();
        let what = format!(
            "{name} is held though {gone}, which took it, is gone: {} has its descriptor",
            keepers.join(", ")
        );
        let cure = to_end(holder).unwrap_or_default();
        findings.push(Finding::wrong(what, format!("Wait for the end of it, or {cure}")));
    }
    if let Some(why) = &look.unseen {
        findings.push(Finding::wrong(
            format!("{name} is held, and not all who have it can be seen: {why}"),
            "Look again as the superuser",
        ));
    }
    let Some(status) = &look.status else { return findings };
    for dead in &status.dead {
        findings.push(Finding::wrong(
            format!("{name} has a dead participant: {} ({})", dead.pid, shown(&dead.command)),
            format!("bakery run {name} -- true clears it away, as does whoever comes next"),
        ));
    }
    if let Some(death) = &status.poisoned {
        findings.push(Finding::wrong(
            format!(
                "the value in {name} may be half-written: {} ({}) died inside with token {}",
                death.pid,
                shown(&death.command),
                death.token
            ),
            "Have the program repair it (lock_or_repair); or remove it when nobody uses it",
        ));
    }
    if status.joined == status.slots {
        findings.push(Finding::wrong(
            format!("all {} slots of {name} are taken: whoever comes waits for one", status.slots),
            format!("Make it with more: bakery rm {name}, when nobody uses it, and --slots"),
        ));
    }
    findings
}
