//! Whether a name still leads to the file that its users have, and whether it has users whose file is
//! gone.
//!
//! Anybody who may write to a directory can take a file out of it while it is used. So each user looks
//! now and then whether the name still leads to its file. And each holds a byte for reading that is not
//! the file's but the *anchor's*, a directory that stays when the file goes: the byte's number comes
//! from the name. Whoever is about to make a segment, or finds one that nobody uses, and sees that byte
//! held, has found users of a file that is gone.
//!
//! The anchor is the directory in which the file's directory is: for a named segment one that belongs to
//! the machine. Where that cannot be opened it is the file's own directory.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, Stat, fstat, openat, statat};
use rustix::io::Errno;

use crate::shared::Error;
use crate::shared::life::ofd::{self, Held, Offset};
use crate::shared::segment::header::hash;

/// A directory, open, and what is in it under a name.
#[derive(Debug)]
pub(crate) struct Anchor {
    directory: OwnedFd,
    /// From the directory: one name, or a directory's and a file's.
    within: PathBuf,
    /// The whole path, if it could be told.
    path: Option<PathBuf>,
}

impl Anchor {
    /// For a file in this directory, whose path is this.
    pub(crate) fn new(directory: &OwnedFd, file: &OsStr, path: &Path) -> Result<Self, Error> {
        let path = std::path::absolute(path).ok();
        if let Some((above, within)) = path.as_deref().and_then(above)
            && let Ok(above) = openat(CWD, above, FLAGS, Mode::empty())
            && let (Ok(one), Ok(same)) = (
                fstat(directory),
                statat(&above, within.parent().unwrap_or(&within), AtFlags::empty()),
            )
            && is_same(&one, &same)
        {
            return Ok(Self { directory: above, within, path });
        }
        let directory = openat(directory, ".", FLAGS, Mode::empty())
            .map_err(Error::io(file.to_string_lossy(), "open the directory"))?;
        Ok(Self { directory, within: file.into(), path })
    }

    /// The name's byte: far behind those that anybody else might lock.
    fn byte(&self) -> Offset {
        const FIRST: u64 = 1 << 62;
        (FIRST | hash(self.within.as_os_str().as_bytes()) >> 2).cast_signed()
    }

    /// Says that the name has a user, until the anchor is dropped. To be called by one that holds the
    /// file's own byte ([`deadman`](crate::shared::segment::deadman)) already, and holds it for longer.
    pub(crate) fn hold(&self) {
        // Where a directory cannot be locked, there are no users to be seen.
        let _ = ofd::try_read_lock(&self.directory, self.byte());
    }

    pub(crate) fn let_go(&self) {
        ofd::unlock(&self.directory, self.byte());
    }

    /// Whether somebody else uses the name, as far as can be told.
    pub(crate) fn has_others(&self) -> bool {
        ofd::held_by_others(&self.directory, self.byte()).is_ok_and(|held| held != Held::No)
    }

    /// Opens what the name leads to.
    pub(crate) fn open(&self, flags: OFlags) -> Result<OwnedFd, Errno> {
        openat(&self.directory, &self.within, flags, Mode::empty())
    }

    /// Whether the name leads to another file than this one, or to none.
    pub(crate) fn is_lost(&self, file: &OwnedFd) -> bool {
        let Ok(file) = fstat(file) else { return false };
        let is_other = |found: Stat| !is_same(&found, &file);
        match statat(&self.directory, &self.within, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) if is_other(found) => return true,
            Err(Errno::NOENT | Errno::NOTDIR) => return true,
            // If it cannot be told, as for one that has given up its rights.
            Ok(_) | Err(_) => {}
        }
        // The directory may have been moved, and another be there by now. If nothing is there, this
        // process may be in another root directory than it was.
        let Some(path) = &self.path else { return false };
        statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW).is_ok_and(is_other)
    }
}

const FLAGS: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// The directory above a file's own, and the rest of the path from there, if it has so many parts.
fn above(path: &Path) -> Option<(&Path, PathBuf)> {
    let directory = path.parent()?;
    let within = Path::new(directory.file_name()?).join(path.file_name()?);
    Some((directory.parent()?, within))
}

fn is_same(one: &Stat, other: &Stat) -> bool {
    (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
}
