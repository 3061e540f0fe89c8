//! Segments with a name: published finished, validated before use, and removed when nobody uses
//! them.

use std::os::fd::OwnedFd;
use std::thread;
use std::time::Duration;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, openat, statat, unlinkat};
use rustix::io::Errno;

use crate::atomic::crash_point;
use crate::shared::Error;
use crate::shared::segment::deadman::{self, Users};
use crate::shared::segment::directory::Place;
use crate::shared::segment::draft::Draft;
use crate::shared::segment::owner::check_file;
use crate::shared::segment::{Plan, Segment, file_system};

/// How often to look again when the file comes and goes between two looks.
const ATTEMPTS: usize = 1000;

/// How long to leave alone, between two looks, whoever takes the file away.
const MOMENT: Duration = Duration::from_millis(1);

/// What came of a look at a place.
#[derive(Debug)]
enum Look<T> {
    Done(T),
    /// Another file is there by now, or none.
    Changed,
    /// Somebody takes the file away.
    Busy,
}

/// Looks until it comes to something.
fn insist<T>(place: &Place, mut look: impl FnMut() -> Result<Look<T>, Error>) -> Result<T, Error> {
    for _ in 0..ATTEMPTS {
        match look()? {
            Look::Done(done) => return Ok(done),
            Look::Changed => {}
            Look::Busy => thread::sleep(MOMENT),
        }
    }
    Err(Error::BeingRemoved { segment: place.name() })
}

/// Attaches to the segment at a place, or makes it: also in place of one from before the machine
/// last started.
pub(crate) fn open(place: &Place, plan: &Plan, data: &[u8]) -> Result<Segment, Error> {
    insist(place, || match look_at(place, plan) {
        Err(Error::NotFound { .. }) => match make(place, plan, data) {
            Err(Error::Exists { .. }) => Ok(Look::Changed),
            made => made.map(Look::Done),
        },
        Err(Error::Stale { .. }) => clear_away(place),
        looked => looked,
    })
}

/// Makes the segment at a place where there is none, or one from before the machine last started.
pub(crate) fn create(place: &Place, plan: &Plan, data: &[u8]) -> Result<Segment, Error> {
    insist(place, || match make(place, plan, data) {
        Err(exists @ Error::Exists { .. }) => match open_file(place) {
            Ok(file) if is_stale(&file, place) => clear_away(place),
            Err(Error::NotFound { .. }) => Ok(Look::Changed),
            _ => Err(exists),
        },
        made => made.map(Look::Done),
    })
}

/// Makes the segment at a place where there is no file.
///
/// The file gets its name when it is complete and has a user, in one step that does not replace. So
/// nobody ever sees half of it, whoever comes second finds the first one's, and a creator that dies
/// leaves nothing (but perhaps a [hidden](Draft) file).
fn make(place: &Place, plan: &Plan, data: &[u8]) -> Result<Segment, Error> {
    file_system::check(&place.directory, &place.name())?;
    if let Some(draft) = Draft::unnamed(place)?
        && let Some(made) = publish(draft, place, plan, data)?
    {
        return Ok(made);
    }
    let made = publish(Draft::hidden(place)?, place, plan, data)?;
    Ok(made.expect("a file that has a name can be given another"))
}

/// `None`: it cannot be given its name in this way.
fn publish(
    draft: Draft<'_>,
    place: &Place,
    plan: &Plan,
    data: &[u8],
) -> Result<Option<Segment>, Error> {
    let name = place.name();
    let shape = Segment::write(draft.file(), &name, plan, data)?;
    crash_point("a segment without a name");
    if !deadman::hold(draft.file(), &name)? {
        return Err(Error::BeingRemoved { segment: name });
    }
    crash_point("a segment without a name that has a user");
    let file = draft.file().try_clone().map_err(Error::io(&name, "copy the descriptor"))?;
    let segment = Segment::map(file, name, Some(place), shape)?;
    if !draft.name()? {
        return Ok(None);
    }
    crash_point("a segment with a name");
    Ok(Some(segment))
}

/// Uses the segment at a place.
pub(crate) fn attach(place: &Place, plan: &Plan) -> Result<Segment, Error> {
    insist(place, || look_at(place, plan))
}

/// Uses the segment at a place, whatever is in it.
pub(crate) fn inspect(place: &Place) -> Result<Segment, Error> {
    attach(place, &Plan::ANY)
}

/// Removes the segment at a place, damaged or not, if nobody uses it.
pub(crate) fn remove(place: &Place) -> Result<(), Error> {
    insist(place, || take_away(place, |_| true))
}

fn look_at(place: &Place, plan: &Plan) -> Result<Look<Segment>, Error> {
    let segment = place.name();
    let file = open_file(place)?;
    // Before it has a user, so that whoever is refused is in nobody's way.
    let shape = Segment::check(&file, &segment, plan)?;
    crash_point("a segment that is as wanted");
    if !deadman::hold(&file, &segment)? {
        return Ok(Look::Busy);
    }
    crash_point("a user of a segment");
    // Now that nobody can take its name away.
    if !leads_to(place, &file)? {
        return Ok(Look::Changed);
    }
    Segment::map(file, segment, Some(place), shape).map(Look::Done)
}

/// Takes the file's name away if nobody uses it, unless it is not to go after all: another file by
/// now, which may have users.
fn take_away(place: &Place, is_to_go: impl Fn(&OwnedFd) -> bool) -> Result<Look<()>, Error> {
    let segment = place.name();
    let file = open_file(place)?;
    if !Segment::has_magic(&file, &segment)? {
        return Err(Error::NotASegment { segment });
    }
    if !is_to_go(&file) {
        return Ok(Look::Changed);
    }
    let _alone = match deadman::keep_out(&file, &segment)? {
        Users::None(alone) => alone,
        // Whoever has hold of a file without the name is about to find that out.
        Users::Some if !leads_to(place, &file)? => return Ok(Look::Changed),
        Users::Some => return Err(Error::InUse { segment }),
        Users::Unknown => return Ok(Look::Busy),
    };
    crash_point("kept everybody out");
    // From here on nobody else takes this file's name away, who keeps to the rules.
    if !leads_to(place, &file)? || !is_to_go(&file) {
        return Ok(Look::Changed);
    }
    match unlinkat(&place.directory, &place.file, AtFlags::empty()) {
        Ok(()) => {
            crash_point("a name taken away");
            Ok(Look::Done(()))
        }
        Err(Errno::NOENT) => Ok(Look::Changed),
        Err(error) => Err(Error::io(segment, "remove the file")(error)),
    }
}

/// Takes away what is from before the machine last started, so that it can be made anew.
fn clear_away(place: &Place) -> Result<Look<Segment>, Error> {
    match take_away(place, |file| is_stale(file, place)) {
        Ok(Look::Busy) => Ok(Look::Busy),
        Ok(_) | Err(Error::NotFound { .. }) => Ok(Look::Changed),
        // Not by processes of this run of the machine: by another machine, perhaps.
        Err(Error::InUse { segment }) => Err(Error::Stale { segment }),
        Err(error) => Err(error),
    }
}

fn is_stale(file: &OwnedFd, place: &Place) -> bool {
    matches!(Segment::check(file, &place.name(), &Plan::ANY), Err(Error::Stale { .. }))
}

/// Opens a file that is for those whom it is wanted for, and for nobody else.
fn open_file(place: &Place) -> Result<OwnedFd, Error> {
    let segment = place.name();
    // NONBLOCK: a named pipe would wait for a peer. Not CREATE: where everybody may make files, that is
    // refused for another's (`fs.protected_regular`).
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = match openat(&place.directory, &place.file, flags, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Err(Error::NotFound { segment }),
        Err(Errno::LOOP) => return Err(Error::Symlink { segment }),
        Err(Errno::ISDIR | Errno::NXIO | Errno::NODEV) => return Err(Error::NotAFile { segment }),
        Err(errno) => {
            // It may be another user's.
            if let (Errno::ACCESS, Ok(stat)) = (errno, stat_of_name(place)) {
                check_file(&stat, place.access, &segment)?;
            }
            return Err(Error::io(segment, "open the file for reading and writing")(errno));
        }
    };
    let stat = fstat(&file).map_err(Error::io(&segment, "inspect the file"))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Error::NotAFile { segment });
    }
    check_file(&stat, place.access, &segment)?;
    file_system::check(&file, &segment)?;
    Ok(file)
}

fn stat_of_name(place: &Place) -> Result<Stat, Errno> {
    statat(&place.directory, &place.file, AtFlags::SYMLINK_NOFOLLOW)
}

/// Whether the name is still this file's. (An open file's number is not given to another.)
fn leads_to(place: &Place, file: &OwnedFd) -> Result<bool, Error> {
    let error = || Error::io(place.name(), "inspect the file");
    let stat = fstat(file).map_err(error())?;
    match stat_of_name(place) {
        Ok(named) => Ok((named.st_dev, named.st_ino) == (stat.st_dev, stat.st_ino)),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(error()(errno)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use tempfile::TempDir;

    use super::*;
    use crate::shared::segment::layout::DataType;
    use crate::shared::{Access, Kind};

    fn make(kind: Kind, data: &[u8]) -> (TempDir, Place, Segment) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("segment");
        let place = Place::at(&path, Some(Access::User)).unwrap();
        let data_type = DataType { name: "some bytes".to_owned(), size: data.len(), align: 1 };
        let plan =
            Plan { kind: Some(kind), slots: Some(2), poisoning: None, data: Some(data_type) };
        let segment = create(&place, &plan, data).unwrap();
        (directory, place, segment)
    }

    #[test]
    #[cfg_attr(miri, ignore = "maps files, which Miri does not")]
    fn whoever_looks_on_need_not_know_what_is_in_it() {
        for kind in Kind::ALL {
            let (_directory, place, made) = make(kind, b"abc");
            let seen = inspect(&place).unwrap();
            assert_eq!((seen.kind(), seen.slots()), (kind, 2));
            assert_eq!(seen.identities().len(), 2);
            // SAFETY: three bytes are there, which nobody writes.
            let data = unsafe { std::slice::from_raw_parts(seen.data().cast::<u8>(), 3) };
            assert_eq!(data, b"abc");
            // It is a user like any other.
            drop(made);
            assert!(matches!(remove(&place), Err(Error::InUse { .. })));
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "maps files, which Miri does not")]
    fn a_file_that_is_cut_off_or_extended_under_its_users_is_found_out() {
        let (directory, _place, segment) = make(Kind::Bakery, b"abc");
        let file = File::options().write(true).open(directory.path().join("segment")).unwrap();
        let whole = file.metadata().unwrap().len();
        for length in [0, 1, whole - 1, whole, whole + 1, 1 << 40, whole] {
            file.set_len(length).unwrap();
            match segment.check_length() {
                Ok(()) => assert_eq!(length, whole),
                Err(Error::WrongLength { segment, expected, found }) => {
                    assert_eq!((expected, found), (whole, length));
                    assert!(length != whole && segment.ends_with("segment"));
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}
