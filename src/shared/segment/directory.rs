//! Names and paths: where a named segment lives, and who may have put it there.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, Stat, fstat, mkdirat, openat};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::shared::Error;
use crate::shared::segment::anchor::Anchor;
use crate::shared::segment::restart;

const NAME_MAX: usize = 255;
const OTHERS: u32 = 0o077;

/// A directory, open, and a file's name in it.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) directory: OwnedFd,
    pub(crate) file: OsString,
    pub(crate) anchor: Anchor,
    path: PathBuf,
}

impl Place {
    /// The place for a name in the user's directory, which is made if need be.
    pub(crate) fn named(name: &str) -> Result<Self, Error> {
        let bad = |why| Err(Error::BadName { name: name.to_owned(), why });
        match name {
            "" => return bad("it is empty"),
            _ if name.starts_with('.') => return bad("it begins with a dot"),
            _ if name.contains('/') => {
                return bad("it has a slash in it; paths have methods of their own");
            }
            _ if name.contains('\0') => return bad("it has a zero byte in it"),
            _ if name.len() > NAME_MAX => return bad("it is longer than 255 bytes"),
            _ => {}
        }
        let path = user_directory()?;
        match mkdirat(CWD, &path, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => {
                return Err(Error::io(path.to_string_lossy(), "make the directory")(error));
            }
        }
        let directory = open_directory(&path, OFlags::NOFOLLOW)?;
        let shown = path.display().to_string();
        let stat = fstat(&directory).map_err(Error::io(&shown, "inspect the directory"))?;
        check_owner(&stat, &shown)?;
        Self::new(directory, name.into(), path.join(name))
    }

    /// The place at a path, in a directory that exists and is the caller's to trust.
    pub(crate) fn at(path: &Path) -> Result<Self, Error> {
        let bad = |why| Error::BadName { name: path.display().to_string(), why };
        if path.as_os_str().as_bytes().contains(&0) {
            return Err(bad("it has a zero byte in it"));
        }
        if path.as_os_str().as_bytes().ends_with(b"/") {
            return Err(bad("it is a directory's"));
        }
        let file = path.file_name().ok_or_else(|| bad("it is a directory's"))?.to_owned();
        let parent = path.parent().filter(|parent| *parent != OsStr::new(""));
        let directory = open_directory(parent.unwrap_or(Path::new(".")), OFlags::empty())?;
        Self::new(directory, file, path.to_owned())
    }

    fn new(directory: OwnedFd, file: OsString, path: PathBuf) -> Result<Self, Error> {
        let anchor = Anchor::new(&directory, &file, &path)?;
        Ok(Self { directory, file, anchor, path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// For messages.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }
}

/// `/run/lock/bakery-lock-UID` where `/run/lock` is memory in which everybody may make files, else
/// `/dev/shm/bakery-lock-UID`; unless `BAKERY_LOCK_DIR` names another directory.
///
/// Two processes of a user have to come to the same place, or one name would be two locks. So the
/// place depends on what `/run/lock` is, and neither on the rest of the environment nor on who asks.
///
/// - `/run/lock` stays as it is until the machine stops. Debian, Ubuntu and others have it so, but only
///   5 MiB of it; elsewhere it is the superuser's own.
/// - `/dev/shm` is everywhere, and has room. But at a user's last log-out systemd's logind removes all
///   the user's files from it (`RemoveIPC=yes`), also those in use by what the log-out did not end.
/// - Not `$XDG_RUNTIME_DIR`: a login has that variable and a service of the same user does not. Not
///   `/run/user/UID`: it goes with the last log-out, and services may not have it.
/// - Not `/tmp` and `/var/tmp`: they are cleaned of old files, and services may have their own.
fn user_directory() -> Result<PathBuf, Error> {
    let Some(path) = std::env::var_os("BAKERY_LOCK_DIR").map(PathBuf::from) else {
        return Ok(Path::new(parent()).join(format!("bakery-lock-{}", geteuid().as_raw())));
    };
    if path.is_absolute() {
        return Ok(path);
    }
    let why = "BAKERY_LOCK_DIR is not the absolute path of a directory";
    Err(Error::BadName { name: path.display().to_string(), why })
}

/// See [`user_directory`]. Whose `/run/lock` is, is not asked: user namespaces give it other owners.
fn parent() -> &'static str {
    const LOCKS: &str = "/run/lock";
    const FOR_ALL: u32 = 0o1777;
    let is_for_all = open_directory(Path::new(LOCKS), OFlags::NOFOLLOW).is_ok_and(|directory| {
        fstat(&directory).is_ok_and(|stat| stat.st_mode & FOR_ALL == FOR_ALL)
            && restart::outlives(&directory, LOCKS).is_ok_and(|outlives| !outlives)
    });
    if is_for_all { LOCKS } else { "/dev/shm" }
}

fn open_directory(path: &Path, more: OFlags) -> Result<OwnedFd, Error> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | more;
    openat(CWD, path, flags, Mode::empty())
        .map_err(Error::io(path.to_string_lossy(), "open the directory"))
}

/// Refuses what another user owns, or what others may use.
pub(crate) fn check_owner(stat: &Stat, segment: &str) -> Result<(), Error> {
    let user = geteuid().as_raw();
    if stat.st_uid != user {
        return Err(Error::Foreign { segment: segment.to_owned(), owner: stat.st_uid, user });
    }
    if stat.st_mode & OTHERS != 0 {
        return Err(Error::Exposed { segment: segment.to_owned(), mode: stat.st_mode & 0o777 });
    }
    Ok(())
}
