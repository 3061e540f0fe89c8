//! A look at a file: who has it by flock(2), and who waits, in its line or asleep in the kernel.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::PathBuf;

use bakery_lock::shared::{Options, Status};

use crate::exit::{Failure, status};
use crate::looking::descriptors::{FileId, Lock, Scan, booked};
use crate::looking::{Holder, Look, Mode, Waiter, holders, names, processes, segment};
use crate::message::shown;

pub struct Half {
    pub id: FileId,
    path: PathBuf,
    line: Option<Status>,
}

/// `None`: there is no such file.
pub fn begin(path: PathBuf) -> Result<Option<Half>, Failure> {
    let metadata = match fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let what = format!("cannot look at {}: {error}", shown(&path));
            return Err(Failure::new(status::CANNOT_OPEN, what));
        }
        Ok(metadata) => metadata,
    };
    let id = FileId::of(&metadata);
    let line = Options::status(&names::line_of(id)).ok();
    Ok(Some(Half { id, path, line }))
}

impl Half {
    pub fn complete(self, name: OsString, scan: &Scan) -> Look {
        let Self { id, path, line } = self;
        let is_whole = |lock| matches!(lock, Lock::Whole { .. });
        let descriptors = scan.with(id, is_whole);
        let is_shared =
            descriptors.iter().any(|one| one.locks.contains(&Lock::Whole { is_shared: true }));
        let booked = booked(id);
        let mut inside = if is_shared {
            holders::by_tree(&descriptors)
        } else if descriptors.is_empty() {
            Vec::new()
        } else {
            vec![holders::together(&descriptors)]
        };
        if inside.is_empty() && booked.iter().any(|one| !one.is_waiting) {
            inside.push(Holder { command: vec!["unknown".into()], ..Holder::default() });
        }
        let mode = if is_shared || booked.iter().any(|one| !one.is_waiting && one.is_shared) {
            Mode::Shared
        } else {
            Mode::Exclusive
        };
        // The head of the line sleeps in the kernel, as do those who use flock(1).
        let line_of = line.iter().flat_map(|line| line.holder.iter().chain(&line.queue));
        let mut queue: Vec<Waiter> =
            line_of.map(|one| Waiter::new(one.pid, &one.command, one.since)).collect();
        let known: HashSet<u32> = queue.iter().map(|waiter| waiter.pid).collect();
        let inside_already: HashSet<u32> =
            inside.iter().flat_map(|holder| &holder.keepers).map(|keeper| keeper.pid).collect();
        queue.retain(|waiter| !inside_already.contains(&waiter.pid));
        for one in booked.iter().filter(|one| one.is_waiting && !known.contains(&one.pid)) {
            let name = processes::name(one.pid).unwrap_or_default();
            let mut waiter = Waiter::new(one.pid, &name.to_string_lossy(), None);
            waiter.mode = if one.is_shared { Mode::Shared } else { Mode::Exclusive };
            queue.push(waiter);
        }
        let unseen = segment::unseen(&inside, scan);
        Look {
            name,
            path,
            mode,
            holders: inside,
            queue,
            outside: Vec::new(),
            status: line,
            is_file: true,
            unseen,
        }
    }
}
