//! A file that has not its name yet.

use std::ffi::OsString;
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, RenameFlags, linkat, openat, renameat_with, unlinkat,
};
use rustix::io::Errno;

use crate::atomic::crash_point;
use crate::shared::Error;
use crate::shared::segment::directory::Place;
use crate::shared::segment::hidden;
use crate::shared::segment::owner::{Made, give};

/// A new file of a place, for this process to finish. Gone when dropped, unless it got its name.
///
/// It has no name at all if that can be: then it is gone too if this process dies. Where files
/// without a name are unknown, or cannot be given one (without `/proc`, before Linux 6.10, by others
/// than the superuser), it has a hidden one, which a death leaves there for the next maker to
/// [clear](hidden::clear).
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    place: &'a Place,
    file: OwnedFd,
    hidden: Option<OsString>,
}

impl<'a> Draft<'a> {
    /// `None`: the file system has no files without a name.
    pub(crate) fn unnamed(place: &'a Place) -> Result<Option<Self>, Error> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        match openat(&place.directory, ".", flags, Mode::RUSR | Mode::WUSR) {
            Ok(file) => {
                crash_point("a file without a name");
                Self { place, file, hidden: None }.for_its_users().map(Some)
            }
            Err(Errno::OPNOTSUPP | Errno::ISDIR) => Ok(None),
            Err(errno) => Err(Error::io(place.name(), CANNOT)(errno)),
        }
    }

    /// With a name that nobody looks for. `None`: another maker took it for one that was left, in the
    /// moment before it could be told from such.
    pub(crate) fn hidden(place: &'a Place) -> Result<Option<Self>, Error> {
        let name = hidden::new();
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC;
        let file = openat(&place.directory, &name, flags, Mode::RUSR | Mode::WUSR)
            .map_err(Error::io(place.name(), CANNOT))?;
        crash_point("a file with a hidden name");
        let is_kept = hidden::keep(&place.directory, &name, &file);
        let this = Self { place, file, hidden: Some(name) };
        if !is_kept.map_err(Error::io(place.name(), "lock the new file"))? {
            return Ok(None);
        }
        crash_point("a file with a hidden name that is kept");
        this.for_its_users().map(Some)
    }

    fn for_its_users(self) -> Result<Self, Error> {
        let access = self.place.access.unwrap_or_default();
        give(&self.file, Made::File, access, &self.place.name())?;
        Ok(self)
    }

    pub(crate) fn file(&self) -> &OwnedFd {
        &self.file
    }

    /// Gives it its name, unless another file has that. `false`: not without a hidden one before.
    pub(crate) fn name(mut self) -> Result<bool, Error> {
        let (directory, name) = (&self.place.directory, &self.place.file);
        let named = match &self.hidden {
            Some(hidden) => {
                renameat_with(directory, hidden, directory, name, RenameFlags::NOREPLACE)
            }
            None => self.link(),
        };
        match named {
            Ok(()) => {
                self.hidden = None;
                Ok(true)
            }
            Err(Errno::EXIST) => Err(Error::Exists { segment: self.place.name() }),
            Err(Errno::NOENT | Errno::PERM | Errno::ACCESS) if self.hidden.is_none() => Ok(false),
            Err(errno) => Err(Error::io(self.place.name(), "name the file")(errno)),
        }
    }

    fn link(&self) -> Result<(), Errno> {
        let (directory, name) = (&self.place.directory, &self.place.file);
        // In every kernel, but it needs `/proc`.
        let path = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        match linkat(CWD, path, directory, name, AtFlags::SYMLINK_FOLLOW) {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS) => {}
            linked => return linked,
        }
        // Since Linux 6.10 for whoever made the file; before that for the superuser.
        linkat(&self.file, "", directory, name, AtFlags::EMPTY_PATH)
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if let Some(hidden) = &self.hidden {
            // Nobody else knows it.
            let _ = unlinkat(&self.place.directory, hidden, AtFlags::empty());
        }
    }
}

const CANNOT: &str =
    "make a file in its directory (for segments with a name, BAKERY_LOCK_DIR names another)";

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::path::Path;

    use super::*;
    use crate::shared::Access;

    type Make = for<'a> fn(&'a Place) -> Result<Draft<'a>, Error>;

    const WAYS: [Make; 2] = [
        |place| Draft::unnamed(place).map(|draft| draft.expect("as /tmp mostly can")),
        |place| Draft::hidden(place).map(|draft| draft.expect("nobody else is there")),
    ];

    fn write(draft: &Draft<'_>, text: &str) {
        fs::File::from(draft.file.try_clone().unwrap()).write_all(text.as_bytes()).unwrap();
    }

    fn names(directory: &Path) -> usize {
        fs::read_dir(directory).unwrap().count()
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri makes no such files")]
    fn a_draft_gets_its_name_once_and_is_gone_without() {
        for make in WAYS {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("file");
            let place = Place::at(&path, Some(Access::User)).unwrap();
            let (first, second, third) =
                (make(&place).unwrap(), make(&place).unwrap(), make(&place).unwrap());
            write(&first, "first");
            write(&second, "second");
            drop(third);
            assert!(!path.exists());
            assert!(first.name().unwrap());
            assert!(matches!(second.name(), Err(Error::Exists { .. })));
            assert_eq!(fs::read_to_string(&path).unwrap(), "first");
            assert_eq!(names(directory.path()), 1);
        }
    }

    /// As where the first way to name it is closed, and in old kernels the second.
    #[test]
    #[cfg_attr(miri, ignore = "Miri makes no such files")]
    fn a_draft_whose_directory_is_gone_asks_for_another_way_and_then_says_why() {
        let directory = tempfile::tempdir().unwrap();
        let place = Place::at(&directory.path().join("file"), Some(Access::User)).unwrap();
        let draft = Draft::unnamed(&place).unwrap().expect("as /tmp mostly can");
        directory.close().unwrap();
        assert!(!draft.name().unwrap());
        assert!(matches!(Draft::hidden(&place), Err(Error::Io { .. })));
    }
}
