//! Segments with a name: published finished, validated before use, and removed when nobody uses
//! them.

use std::os::fd::OwnedFd;
use std::thread;
use std::time::Duration;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, openat, statat, unlinkat};
use rustix::io::Errno;

use crate::atomic::crash_point;
use crate::shared::segment::deadman::{self, Alone, Users};
use crate::shared::segment::directory::Place;
use crate::shared::segment::draft::Draft;
use crate::shared::segment::owner::check_file;
use crate::shared::segment::{Plan, Segment, clock, file_system, hidden, restart};
use crate::shared::{Error, Origin};

/// How often to look again when the file comes and goes between two looks.
const ATTEMPTS: usize = 1000;

/// How long to leave alone, between two looks, whoever takes the file away.
const MOMENT: Duration = Duration::from_millis(1);

/// The same for whoever makes it ready after a restart: it waits for the disk.
const LONGER: Duration = Duration::from_millis(10);

/// What came of a look at a place.
#[derive(Debug)]
enum Look<T> {
    Done(T),
    /// Another file is there by now, or none; or the same, but made ready.
    Changed,
    /// Somebody is in the way, for so long perhaps. If for much longer, this is the error.
    Busy(Error, Duration),
}

/// Looks until it comes to something.
fn insist<T>(place: &Place, mut look: impl FnMut() -> Result<Look<T>, Error>) -> Result<T, Error> {
    let mut error = being_removed(place);
    for _ in 0..ATTEMPTS {
        match look()? {
            Look::Done(done) => return Ok(done),
            Look::Changed => {}
            Look::Busy(why, pause) => {
                error = why;
                thread::sleep(pause);
            }
        }
    }
    Err(error)
}

fn being_removed(place: &Place) -> Error {
    Error::BeingRemoved { segment: place.name() }
}

/// A value to begin with, made when it is asked for first.
pub(crate) trait Initial {
    fn bytes(&mut self) -> &[u8];
}

/// Attaches to the segment at a place, or makes it: also in place of one that a restart of the machine
/// has made void.
pub(crate) fn open(place: Place, plan: &Plan, initial: &mut dyn Initial) -> Result<Segment, Error> {
    let mut search = Search { initial: Some(initial), ..Search::new(&place, plan) };
    let segment = insist(&place, || match search.look() {
        Err(Error::NotFound { .. }) => match search.make() {
            Err(Error::Exists { .. }) => Ok(Look::Changed),
            made => made,
        },
        looked => looked,
    })?;
    let origin = search.origin;
    Ok(segment.with(origin, Some(place.anchor)))
}

/// Makes the segment at a place where there is none, or one that a restart has made void.
pub(crate) fn create(
    place: Place,
    plan: &Plan,
    initial: &mut dyn Initial,
) -> Result<Segment, Error> {
    let mut search = Search { initial: Some(initial), ..Search::new(&place, plan) };
    let segment = insist(&place, || match search.make() {
        Err(exists @ Error::Exists { .. }) => {
            match open_file(&place).and_then(|file| search.see_to(&file)) {
                Ok(Some(look)) => Ok(look),
                Err(Error::NotFound { .. }) => Ok(Look::Changed),
                Ok(None) | Err(_) => Err(exists),
            }
        }
        made => made,
    })?;
    let origin = search.origin;
    Ok(segment.with(origin, Some(place.anchor)))
}

/// Uses the segment at a place.
pub(crate) fn attach(place: Place, plan: &Plan) -> Result<Segment, Error> {
    let mut search = Search::new(&place, plan);
    let segment = insist(&place, || search.look())?;
    let origin = search.origin;
    Ok(segment.with(origin, Some(place.anchor)))
}

/// Uses the segment at a place, whatever is in it.
pub(crate) fn inspect(place: Place) -> Result<Segment, Error> {
    attach(place, &Plan::ANY)
}

/// Removes the segment at a place, damaged or not, if nobody uses it.
pub(crate) fn remove(place: &Place) -> Result<(), Error> {
    insist(place, || {
        let file = open_file(place)?;
        if !is_ours(&file, place)? {
            return Err(Error::NotASegment { segment: place.name() });
        }
        let _alone = match keep_out(&file, place)? {
            Kept::Out(alone) => alone,
            Kept::Used => return Err(Error::InUse { segment: place.name() }),
            Kept::Not(look) => return Ok(look),
        };
        if !is_ours(&file, place)? {
            return Ok(Look::Changed);
        }
        Ok(if take_name_away(place)? { Look::Done(()) } else { Look::Changed })
    })
}

/// A file that may be removed: a segment, or what is left of one that has never been durable.
fn is_ours(file: &OwnedFd, place: &Place) -> Result<bool, Error> {
    let name = place.name();
    Ok(Segment::has_magic(file, &name)? || restart::is_void(file, &name)?)
}

/// What came of keeping users out.
enum Kept<'a, T> {
    Out(Alone<'a>),
    /// It has users, and the name.
    Used,
    Not(Look<T>),
}

/// Keeps users out of the file that the name leads to.
fn keep_out<'a, T>(file: &'a OwnedFd, place: &Place) -> Result<Kept<'a, T>, Error> {
    let kept = match deadman::keep_out(file, &place.name())? {
        Users::None(alone) => Kept::Out(alone),
        Users::Some => Kept::Used,
        Users::Unknown => return Ok(Kept::Not(Look::Busy(being_removed(place), MOMENT))),
    };
    crash_point("kept everybody out");
    // Whoever has hold of a file without the name is about to find that out. And from here on nobody
    // else takes this file's name away, who keeps to the rules.
    Ok(if leads_to(place, file)? { kept } else { Kept::Not(Look::Changed) })
}

/// To be called by whoever keeps users out of the file that has the name. Whether it was there.
fn take_name_away(place: &Place) -> Result<bool, Error> {
    match unlinkat(&place.directory, &place.file, AtFlags::empty()) {
        Ok(()) => {
            crash_point("a name taken away");
            restart::make_durable(&place.directory, &place.name())?;
            Ok(true)
        }
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(Error::io(place.name(), "remove the file")(error)),
    }
}

/// One call's way to a segment.
struct Search<'a> {
    place: &'a Place,
    plan: &'a Plan,
    /// `None`: it is to be found, and not made.
    initial: Option<&'a mut dyn Initial>,
    /// What has been found and done so far.
    origin: Origin,
    /// Of what a new one replaces.
    last_token: u64,
}

impl<'a> Search<'a> {
    fn new(place: &'a Place, plan: &'a Plan) -> Self {
        Self { place, plan, initial: None, origin: Origin::Found, last_token: 0 }
    }

    /// Uses the segment that is there.
    fn look(&mut self) -> Result<Look<Segment>, Error> {
        let place = self.place;
        let segment = place.name();
        let file = open_file(place)?;
        if let Some(look) = self.see_to(&file)? {
            return Ok(look);
        }
        // Before it has a user, so that whoever is refused is in nobody's way.
        let shape = match Segment::check(&file, &segment, self.plan) {
            // Half of it was new: whoever makes it ready keeps users out.
            Err(Error::Damaged { .. }) if !deadman::hold(&file, &segment)? => {
                return Ok(Look::Busy(being_removed(place), MOMENT));
            }
            Err(Error::Damaged { .. }) => Segment::check(&file, &segment, self.plan)?,
            checked => checked?,
        };
        crash_point("a segment that is as wanted");
        if !deadman::hold(&file, &segment)? {
            return Ok(Look::Busy(being_removed(place), MOMENT));
        }
        crash_point("a user of a segment");
        place.anchor.hold();
        // Now that nobody can take its name away.
        let is_there = leads_to(place, &file)?;
        // Whoever uses the name holds both bytes: one that has this, and not the file's, has another.
        let is_astray =
            is_there && place.anchor.has_others() && deadman::is_only_user(&file, &segment)?;
        if !is_there || is_astray {
            place.anchor.let_go();
            deadman::let_go(&file);
            let busy = || Look::Busy(Error::RemovedInUse { segment }, MOMENT);
            return Ok(if is_there { busy() } else { Look::Changed });
        }
        if self.origin == Origin::MadeAnew {
            self.origin = Origin::Found;
        }
        Segment::map(file, segment, shape).map(Look::Done)
    }

    /// Sees to a file that another run of the machine has left, or a loss of power, if nobody uses it.
    /// `None`: it is none such.
    fn see_to(&mut self, file: &OwnedFd) -> Result<Option<Look<Segment>>, Error> {
        let (place, name) = (self.place, self.place.name());
        if !restart::is_void(file, &name)? && !restart::is_of_another_run(file, &name)? {
            return Ok(None);
        }
        let _alone = match keep_out(file, place)? {
            Kept::Out(alone) => alone,
            // They live: a lock on a byte is gone when the machine stops. So it is no other run, and a
            // container has a boot id of its own.
            Kept::Used => return Ok(None),
            Kept::Not(Look::Busy(why, _)) => return Ok(Some(Look::Busy(why, LONGER))),
            Kept::Not(look) => return Ok(Some(look)),
        };
        let is_made = self.initial.is_some();
        if restart::is_void(file, &name)? {
            // It has never been there for anybody.
            if !is_made {
                return Err(Error::NotFound { segment: name });
            }
            take_name_away(place)?;
        } else if restart::is_of_another_run(file, &name)? {
            match Segment::check(file, &name, self.plan) {
                Ok(shape) => {
                    restart::make_ready(file, &name, shape)?;
                    self.origin = Origin::Restarted;
                }
                Err(why) if !is_made || matches!(why, Error::Io { .. }) => return Err(why),
                Err(_) => {
                    let last_token = restart::last_token_in(file, &name)?;
                    self.last_token = self.last_token.max(last_token);
                    take_name_away(place)?;
                    self.origin = Origin::MadeAnew;
                }
            }
        }
        Ok(Some(Look::Changed))
    }

    /// Makes the segment, where there is no file.
    ///
    /// The file gets its name when it is complete and has a user, in one step that does not replace. So
    /// nobody ever sees half of it, whoever comes second finds the first one's, and a creator that dies
    /// leaves nothing. On a disk it is durable before it has its name, so it is not seen half after a
    /// loss of power either.
    fn make(&mut self) -> Result<Look<Segment>, Error> {
        let place = self.place;
        let name = place.name();
        file_system::check(&place.directory, &name)?;
        if is_taken(place)? {
            return Err(Error::Exists { segment: name });
        }
        if place.anchor.has_others() {
            return Ok(busy_without_name(place));
        }
        hidden::clear(&place.directory);
        if let Some(draft) = Draft::unnamed(place)?
            && let Some(made) = self.publish(draft)?
        {
            return Ok(made);
        }
        let Some(draft) = Draft::hidden(place)? else { return Ok(Look::Changed) };
        let made = self.publish(draft)?;
        Ok(made.expect("a file that has a name can be given another"))
    }

    /// `None`: it cannot be given its name in this way.
    fn publish(&mut self, draft: Draft<'_>) -> Result<Option<Look<Segment>>, Error> {
        let place = self.place;
        let name = place.name();
        let initial = self.initial.as_mut().expect("whoever makes one has something for it");
        let shape =
            Segment::write(draft.file(), &name, self.plan, initial.bytes(), self.last_token)?;
        crash_point("a segment without a name");
        if !deadman::hold(draft.file(), &name)? {
            return Err(being_removed(place));
        }
        crash_point("a segment without a name that has a user");
        let file = draft.file().try_clone().map_err(Error::io(&name, "copy the descriptor"))?;
        let segment = Segment::map(file, name, shape)?;
        // In this order: of two that are about to give the name to a file, one sees the other at least,
        // and no user of one that loses its name meanwhile goes unseen.
        place.anchor.hold();
        if place.anchor.has_others() {
            place.anchor.let_go();
            return Ok(Some(busy_without_name(place)));
        }
        // Anew: another may have had the name since the first tokens were written, and given out later
        // ones. From here on none can.
        segment.journal().begin(self.last_token.max(clock::since_1970()), clock::began());
        restart::make_durable(draft.file(), &place.name())?;
        match draft.name() {
            Ok(true) => {}
            unnamed => {
                place.anchor.let_go();
                return unnamed.map(|_| None);
            }
        }
        crash_point("a segment with a name");
        restart::make_durable(&place.directory, &place.name())?;
        if self.origin != Origin::MadeAnew {
            self.origin = Origin::Made;
        }
        Ok(Some(Look::Done(segment)))
    }
}

/// Somebody is about to have a file of this name, or has one that has lost it.
fn busy_without_name<T>(place: &Place) -> Look<T> {
    Look::Busy(Error::RemovedInUse { segment: place.name() }, MOMENT)
}

/// Whether there is something of this name.
fn is_taken(place: &Place) -> Result<bool, Error> {
    match statat(&place.directory, &place.file, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(_) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(Error::io(place.name(), "inspect the file")(error)),
    }
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

    struct Bytes<'a>(&'a [u8]);

    impl Initial for Bytes<'_> {
        fn bytes(&mut self) -> &[u8] {
            self.0
        }
    }

    fn make(kind: Kind, data: &[u8]) -> (TempDir, Segment) {
        let directory = tempfile::tempdir().unwrap();
        let data_type = DataType { name: "some bytes".to_owned(), size: data.len(), align: 1 };
        let plan = Plan { kind: Some(kind), slots: Some(2), data: Some(data_type), ..Plan::ANY };
        let segment = create(place(&directory), &plan, &mut Bytes(data)).unwrap();
        (directory, segment)
    }

    fn place(directory: &TempDir) -> Place {
        Place::at(&directory.path().join("segment"), Some(Access::User)).unwrap()
    }

    #[test]
    #[cfg_attr(miri, ignore = "maps files, which Miri does not")]
    fn whoever_looks_on_need_not_know_what_is_in_it() {
        for kind in Kind::ALL {
            let (directory, made) = make(kind, b"abc");
            let seen = inspect(place(&directory)).unwrap();
            assert_eq!((seen.kind(), seen.slots()), (kind, 2));
            assert_eq!(seen.identities().len(), 2);
            // SAFETY: three bytes are there, which nobody writes.
            let data = unsafe { std::slice::from_raw_parts(seen.data().cast::<u8>(), 3) };
            assert_eq!(data, b"abc");
            // It is a user like any other.
            drop(made);
            assert!(matches!(remove(&place(&directory)), Err(Error::InUse { .. })));
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "maps files, which Miri does not")]
    fn a_file_that_is_cut_off_or_extended_under_its_users_is_found_out() {
        let (directory, segment) = make(Kind::Bakery, b"abc");
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
