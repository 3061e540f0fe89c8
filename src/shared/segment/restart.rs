//! What a restart of the machine, or a loss of power, makes of a segment's file, and how it is made
//! ready again.
//!
//! Where files are memory there is nothing to be done: they do not outlive a restart, and nobody asks
//! for the boot id. On a disk the boot id in the header says in which run of the machine the segment
//! was last made ready. Another one there does not prove that the machine was restarted: a container
//! may have one of its own. So the value is kept, whoever is right, and only what belongs to
//! participants goes, of whom nobody is left.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::fsync;
use rustix::io::Errno;
use zerocopy::IntoBytes;

use crate::algorithm::Slot;
use crate::atomic::crash_point;
use crate::shared::Error;
use crate::shared::life::identity::Process;
use crate::shared::life::process;
use crate::shared::segment::header::Shape;
use crate::shared::segment::layout;
use crate::shared::segment::memory::{length, read_header, write_all};
use crate::shared::segment::record::{Conduct, Record};
use crate::shared::segment::{Segment, clock, file_system, limit};

/// Whether a file may be there after the machine has been started anew. One in memory is not.
fn outlives(file: impl AsFd, name: &str) -> Result<bool, Error> {
    file_system::is_in_memory(file, name).map(|is_in_memory| !is_in_memory)
}

/// The boot id that a file's header has to have; `None` if it may have any.
pub(crate) fn boot_id_for(file: &OwnedFd, name: &str) -> Result<Option<[u8; 16]>, Error> {
    if !outlives(file, name)? {
        return Ok(None);
    }
    process::boot_id().map(Some).map_err(Error::io(
        name,
        "tell whether it is from before the last restart: it is on a disk, and /proc/sys/kernel/random/boot_id cannot be read; mount /proc as a whole, or put it on a tmpfs as /dev/shm",
    ))
}

/// Whether a file is a segment that was last made ready in another run of the machine, as far as its
/// header can be believed.
pub(crate) fn is_of_another_run(file: &OwnedFd, name: &str) -> Result<bool, Error> {
    if !outlives(file, name)? {
        return Ok(false);
    }
    let header = match read_header(file, name, length(file, name)?) {
        Ok(header) => header,
        // Too short for one.
        Err(Error::WrongLength { .. } | Error::NotASegment { .. }) => return Ok(false),
        Err(error) => return Err(error),
    };
    let Some(found) = header.boot_id() else { return Ok(false) };
    Ok(boot_id_for(file, name)?.is_some_and(|boot_id| boot_id != found))
}

/// Makes a segment ready for this run of the machine. Its value stays, and who died inside is written
/// down; its tokens go on.
///
/// To be called by whoever keeps everybody else out ([`deadman`](crate::shared::segment::deadman)).
/// Whoever does this may die, or the power may fail, after any step: the boot id is the old one until
/// all is done, so the next one does it anew. Each step is durable before the next, which could not be
/// done anew without it.
pub(crate) fn make_ready(file: &OwnedFd, name: &str, shape: Shape) -> Result<(), Error> {
    limit::check(shape.layout.length as u64, name)?;
    let again = file.try_clone().map_err(Error::io(name, "use the file"))?;
    let segment = Segment::map(again, name.to_owned(), shape)?;
    // 1. From the records.
    note_last_owner(&segment);
    make_durable(file, name)?;
    crash_point("wrote down who was inside");
    // 2. The records go, and all else that is the participants'.
    wipe(file, name, &shape)?;
    make_durable(file, name)?;
    crash_point("wiped what was the participants'");
    // 3. What counts for one run only. The last token may not have reached the disk.
    let last_token = last_token_in(file, name)?.max(clock::since_1970());
    segment.journal().begin(last_token, clock::began());
    make_durable(file, name)?;
    crash_point("began to count anew");
    // 4.
    let header = read_header(file, name, length(file, name)?)?;
    let header = header.in_run(boot_id_for(file, name)?.unwrap_or_default());
    write_all(file, header.as_bytes(), 0).map_err(Error::io(name, "write the header"))?;
    make_durable(file, name)?;
    crash_point("made ready");
    Ok(())
}

/// Writes down who was inside, if somebody was, as after a death; and dates it, and the one before, so
/// that it can be told in another run.
fn note_last_owner(segment: &Segment) {
    let journal = segment.journal();
    let keep = |stamp| clock::keep(stamp, journal.clock_began());
    journal.keep_death(keep);
    let conducts = segment.records().iter().map(Record::read);
    // One at the most, unless somebody has tampered with them.
    let inside = (0..).map(Slot::new).zip(conducts).max_by_key(|(_, conduct)| conduct.token);
    let Some((slot, Conduct { token: token @ 1.., since })) = inside else { return };
    let owner = segment.identities()[slot.index()].owner();
    let owner = owner.map_or(Process::UNKNOWN, |owner| owner.process);
    journal.note_death(slot, &owner, Conduct { token, since: keep(since) });
}

/// Overwrites with zeros all that belongs to participants.
fn wipe(file: &OwnedFd, name: &str, shape: &Shape) -> Result<(), Error> {
    const ZEROS: [u8; 4096] = [0; 4096];
    let (mut at, data) = (layout::BELLS, shape.layout.data);
    while at < data {
        let bytes = &ZEROS[..ZEROS.len().min(data - at)];
        write_all(file, bytes, at as u64).map_err(Error::io(name, "write the segment"))?;
        at += bytes.len();
    }
    Ok(())
}

/// The last token of a file that is a segment of whatever format, or 0.
pub(crate) fn last_token_in(file: &OwnedFd, name: &str) -> Result<u64, Error> {
    let header = read_header(file, name, length(file, name)?);
    let mut bytes = [0; size_of::<u64>()];
    let read = rustix::io::pread(file, &mut bytes, layout::JOURNAL as u64)
        .map_err(Error::io(name, "read the last token"))?;
    let token = u64::from_ne_bytes(bytes);
    // There is none so great, unless somebody has tampered with it.
    let is_possible = read == bytes.len() && i64::try_from(token).is_ok();
    Ok(if is_possible && header.is_ok_and(|header| header.has_token()) { token } else { 0 })
}

/// Whether a file is what a loss of power leaves of one that was not made durable: empty, or as long as
/// a segment, with nothing but zeros in it. Never where files are memory.
pub(crate) fn is_void(file: &OwnedFd, name: &str) -> Result<bool, Error> {
    /// Not read to find out that there is nothing: the image of a disk, perhaps.
    const TOO_LONG: u64 = 1 << 30;
    let length = length(file, name)?;
    if length != 0 && !(layout::shortest()..TOO_LONG).contains(&length) {
        return Ok(false);
    }
    Ok(outlives(file, name)?
        && is_all_zeros(file, length).map_err(Error::io(name, "read the file"))?)
}

fn is_all_zeros(file: &OwnedFd, length: u64) -> rustix::io::Result<bool> {
    let mut bytes = [0; 4096];
    let mut at = 0;
    while at < length {
        let read = rustix::io::retry_on_intr(|| rustix::io::pread(file, &mut bytes, at))?;
        if read == 0 || bytes[..read].iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        at += read as u64;
    }
    Ok(true)
}

/// Has what is in a file, or in a directory, outlive a loss of power, where files can.
pub(crate) fn make_durable(file: &OwnedFd, name: &str) -> Result<(), Error> {
    if !outlives(file, name)? {
        return Ok(());
    }
    match rustix::io::retry_on_intr(|| fsync(file)) {
        // Some file systems have no need of it for directories.
        Ok(()) | Err(Errno::INVAL) => Ok(()),
        Err(error) => Err(Error::io(name, "make the file durable")(error)),
    }
}
