//! A look at a segment: the library knows who is in line, and the kernel who keeps what by descriptors.

use std::collections::{BTreeSet, HashSet};
use std::ffi::OsString;
use std::fs::File;
use std::os::fd::AsFd;
use std::path::PathBuf;

use bakery_lock::shared::{Competitor, Error, Options, Status};

use crate::exit::Failure;
use crate::hold::bytes;
use crate::looking::descriptors::{FileId, Lock, Scan};
use crate::looking::wrapper::Wrapper;
use crate::looking::{Holder, Look, Mode, Waiter, command_of, holders, processes, refused};

/// The first slot's byte, which whoever is a participant holds; the second slot's is the next one.
const PARTICIPANTS: i64 = 1 << 40;
/// The byte of those who share, and the first of the others who are together: [`bytes`].
const SHARED: i64 = 1 << 44;
const FIRST_JOB: i64 = SHARED + 1;
const LAST_JOB: i64 = SHARED + bytes::MOST_JOBS as i64;

/// Before it is known who has descriptors.
pub struct Half {
    path: PathBuf,
    status: Status,
    id: Option<FileId>,
    is_held_together: bool,
}

/// `None`: there is no such lock.
pub fn begin(path: PathBuf) -> Result<Option<Half>, Failure> {
    let status = match Options::status_at(&path) {
        Err(Error::NotFound { .. }) => return Ok(None),
        found => found.map_err(refused)?,
    };
    let file = File::open(&path).ok();
    let id = file.as_ref().and_then(|file| file.metadata().ok());
    let is_held_together =
        file.as_ref().is_some_and(|file| bytes::are_held(file.as_fd()).unwrap_or(false));
    Ok(Some(Half { path, status, id: id.as_ref().map(FileId::of), is_held_together }))
}

impl Half {
    pub fn file(&self) -> Option<FileId> {
        let by_descriptor = self.status.holder.as_ref().is_some_and(|one| one.held_by_descriptor);
        self.id.filter(|_| by_descriptor || self.is_held_together || is_full(&self.status))
    }

    pub fn in_line(&self) -> Vec<u32> {
        self.status.queue.iter().map(|waiter| waiter.pid).collect()
    }

    pub fn complete(self, name: OsString, scan: &Scan) -> Look {
        let Self { path, status, id, is_held_together } = self;
        let (mut mode, mut inside) = (Mode::Exclusive, Vec::new());
        // The dead keep nobody out: whoever comes clears them away.
        let lives = |one: &&Competitor| status.dead.iter().all(|dead| dead.slot != one.slot);
        let head = status.holder.as_ref().filter(lives);
        let mut queue: Vec<Waiter> = status.queue.iter().filter(lives).map(waiter).collect();
        if let Some(id) = id.filter(|_| is_held_together) {
            (mode, inside) = together(id, scan);
            // At the head of the line, and not in yet; or in already, and about to leave the line.
            let is_in = |head: &Competitor| {
                inside.iter().any(|holder| holder.keepers.iter().any(|one| one.pid == head.pid))
            };
            if let Some(head) = head.filter(|head| !is_in(head)) {
                queue.insert(0, waiter(head));
            }
            let of = |waiter: &Waiter| match waiter.mode {
                Mode::Jobs(_) => Some(waiter.mode),
                _ => None,
            };
            if let (Mode::Jobs(0), Some(said)) = (mode, queue.iter().find_map(of)) {
                mode = said;
            }
            if inside.is_empty() {
                inside.push(Holder { command: vec!["unknown".into()], ..Holder::default() });
            }
        } else if let Some(holder) = head {
            inside.push(alone(holder, id, scan));
        }
        let outside = id.filter(|_| is_full(&status)).map(|id| outside(id, &inside, &queue, scan));
        let unseen = unseen(&inside, scan);
        Look {
            name,
            path,
            mode,
            holders: inside,
            queue,
            outside: outside.unwrap_or_default(),
            status: Some(status),
            is_file: false,
            unseen,
        }
    }
}

/// Whether whoever comes has to wait for a slot.
fn is_full(status: &Status) -> bool {
    status.joined >= status.slots
}

/// Who waits for a slot: wrappers that have the file open, and are neither inside nor in line.
fn outside(id: FileId, inside: &[Holder], queue: &[Waiter], scan: &Scan) -> Vec<Waiter> {
    let mut known: HashSet<u32> = queue.iter().map(|waiter| waiter.pid).collect();
    known.extend(
        inside.iter().flat_map(|holder| [holder.pid, holder.wrapper, holder.gone]).flatten(),
    );
    known.extend(inside.iter().flat_map(|holder| &holder.keepers).map(|keeper| keeper.pid));
    let have_it = scan.descriptors.iter().filter(|one| one.file == id).map(|one| one.pid);
    let mut pids: Vec<u32> = have_it.filter(|pid| !known.contains(pid)).collect();
    pids.dedup();
    let wait = |pid: &u32| {
        let verb = Wrapper::of(*pid).map(|wrapper| wrapper.verb);
        verb.is_some_and(|verb| ["run", "hold", "pause"].contains(&verb.as_str()))
    };
    let since = |pid| processes::origin(pid).map(|origin| origin.started);
    let mut outside: Vec<Waiter> =
        pids.into_iter().filter(wait).map(|pid| Waiter::new(pid, "", since(pid))).collect();
    outside.sort_by_key(|waiter| (waiter.since, waiter.pid));
    outside
}

/// Why there are holders that cannot be named, if there are.
pub fn unseen(inside: &[Holder], scan: &Scan) -> Option<String> {
    let is_hidden = inside.iter().any(|holder| holder.pid.is_none());
    is_hidden.then(|| match (scan.closed.len(), scan.has_hidden) {
        (0, false) => "whoever keeps it is in another pid namespace, or has just gone".to_owned(),
        (_, true) => "other users' processes are hidden here (hidepid); the superuser sees who keeps it".to_owned(),
        (number, false) => format!(
            "{number} processes do not show their descriptors to this user; the superuser sees who keeps it"
        ),
    })
}

fn waiter(one: &Competitor) -> Waiter {
    Waiter::new(one.pid, &one.command, one.since)
}

/// Who has the lock alone.
fn alone(one: &Competitor, id: Option<FileId>, scan: &Scan) -> Holder {
    let mut holder = Holder { since: one.since, token: Some(one.token), ..Holder::default() };
    if !one.held_by_descriptor {
        // It lives, so it is it: as far as numbers of processes mean the same here.
        name(&mut holder, one);
        return holder;
    }
    let byte = PARTICIPANTS + i64::try_from(one.slot.index()).unwrap_or(0);
    let descriptors = id.map(|id| scan.with(id, |lock| lock == Lock::Byte { at: byte }));
    let descriptors = descriptors.unwrap_or_default();
    if descriptors.is_empty() {
        holder.command = vec![one.command.clone().into()];
        return holder;
    }
    if descriptors.iter().any(|descriptor| descriptor.pid == one.pid) {
        name(&mut holder, one);
        holder.keepers = holders::together(&descriptors).keepers;
        return holder;
    }
    let kept = holders::together(&descriptors);
    Holder { gone: Some(one.pid), since: one.since, token: Some(one.token), ..kept }
}

/// Says who a holder is: what a wrapper runs, or the process itself.
fn name(holder: &mut Holder, one: &Competitor) {
    holder.pid = Some(one.pid);
    holder.command = command_of(one.pid, &one.command);
    let Some(wrapper) = Wrapper::of(one.pid) else { return };
    holder.why.clone_from(&wrapper.why);
    holder.is_pause = wrapper.verb == "pause";
    holder.kept = wrapper.keeps(one.pid);
    if wrapper.words.is_empty() {
        return;
    }
    if holder.kept.is_some() {
        holder.command = wrapper.words;
        return;
    }
    holder.wrapper = Some(one.pid);
    holder.command = wrapper.words;
    if let Some(child) = processes::children(one.pid).first().copied() {
        holder.pid = Some(child);
        if let Some(line) = processes::command_line(child) {
            holder.command = line;
        }
    }
}

/// Those who have a byte each.
fn together(id: FileId, scan: &Scan) -> (Mode, Vec<Holder>) {
    let shared = scan.with(id, |lock| lock == Lock::Byte { at: SHARED });
    if !shared.is_empty() {
        return (Mode::Shared, holders::by_tree(&shared));
    }
    let jobs = |lock| matches!(lock, Lock::Byte { at: FIRST_JOB..=LAST_JOB });
    let descriptors = scan.with(id, jobs);
    let bytes: BTreeSet<i64> = descriptors
        .iter()
        .flat_map(|descriptor| &descriptor.locks)
        .filter_map(|lock| match lock {
            Lock::Byte { at } if jobs(*lock) => Some(*at),
            _ => None,
        })
        .collect();
    let mut number = 0;
    let mut inside = Vec::new();
    for byte in bytes {
        let keepers = scan.with(id, |lock| lock == Lock::Byte { at: byte });
        let holder = holders::together(&keepers);
        if let Some(Mode::Jobs(said)) =
            holder.wrapper.and_then(Wrapper::of).map(|wrapper| wrapper.mode)
        {
            number = number.max(said);
        }
        inside.push(holder);
    }
    (Mode::Jobs(number), inside)
}
