//! Ends whoever holds a lock, or waits for it.

use std::os::fd::OwnedFd;

use super::state::Row;
use crate::looking::{self, Look};
use crate::message::shown;
use crate::screen::program;
use crate::verbs::release::{open, terminate};

/// Processes that are there, and are about a lock.
pub struct Victim {
    processes: Vec<OwnedFd>,
    /// `sleep 4711, which has deploy`
    pub who: String,
}

impl Victim {
    /// Whom a line is about; or why nobody can be ended.
    pub fn of(row: &Row) -> Result<Self, String> {
        let before = found(row)?;
        let processes = before.0.iter().map(|pid| open(*pid)).collect::<Result<Vec<_>, _>>();
        let processes = processes.map_err(|error| format!("{}: {error}", before.1))?;
        // Asked again, they are the processes that have just been opened, and not others that have got
        // their numbers.
        let (pids, who) = found(row)?;
        if pids == before.0 {
            Ok(Self { processes, who })
        } else {
            Err("it has changed just now; look again".to_owned())
        }
    }

    /// What has come of it.
    pub fn end(self) -> String {
        for process in &self.processes {
            if let Err(error) = terminate(process) {
                return format!("{}: {error}", self.who);
            }
        }
        format!("{}: TERM sent", self.who)
    }
}

/// The processes, and who they are.
fn found(row: &Row) -> Result<(Vec<u32>, String), String> {
    let (Row::Lock(name) | Row::Waiter(name, _)) = row;
    let look = looking::at_one(name).map_err(|failure| failure.to_string())?;
    let look = look.ok_or("it is gone")?;
    let name = shown(name);
    match row {
        Row::Lock(_) => holder(&look, &name),
        Row::Waiter(_, pid) => {
            let waiter = look.queue.iter().find(|waiter| waiter.pid == *pid);
            let waiter = waiter.ok_or_else(|| format!("{pid} waits for {name} no longer"))?;
            let who = format!("{} {pid}, which waits for {name}", program(&waiter.command));
            Ok((vec![*pid], who))
        }
    }
}

/// The one that has been inside for the longest.
fn holder(look: &Look, name: &str) -> Result<(Vec<u32>, String), String> {
    let holder = look.first_holder().ok_or_else(|| format!("nobody has {name}"))?;
    let mut pids: Vec<u32> = match holder.gone {
        Some(_) => holder.keepers.iter().map(|one| one.pid).collect(),
        None => holder.pid.into_iter().collect(),
    };
    pids.dedup();
    if pids.is_empty() {
        return Err(format!("it cannot be seen who has {name}"));
    }
    let numbers: Vec<_> = pids.iter().map(u32::to_string).collect();
    let who = format!("{} {}, which has {name}", program(&holder.command), numbers.join(" "));
    Ok((pids, who))
}
