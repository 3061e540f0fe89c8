//! Names and paths: where a named segment lives, and who may have put it there.

use std::ffi::{CString, OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, RenameFlags, fstat, mkdirat, openat, renameat_with, statat,
    unlinkat,
};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::atomic::crash_point;
use crate::shared::segment::anchor::Anchor;
use crate::shared::segment::owner::{self, check_directory, give};
use crate::shared::segment::{file_system, hidden};
use crate::shared::{Access, Error};

const NAME_MAX: usize = 255;

/// A directory, open, and a file's name in it.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) directory: OwnedFd,
    pub(crate) file: OsString,
    /// Who may use what is there. `None`: for whoever looks on, or removes it.
    pub(crate) access: Option<Access>,
    pub(crate) anchor: Anchor,
    path: PathBuf,
}

impl Place {
    /// The place for a name in the directory of these users, which is made if need be.
    pub(crate) fn named(name: &str, access: Option<Access>) -> Result<Self, Error> {
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
        let users = access.unwrap_or_default();
        let path = directory_of(users)?;
        let shown = path.display().to_string();
        let directory = open_or_make(&path, &shown, users)?;
        let stat = fstat(&directory).map_err(Error::io(&shown, "inspect the directory"))?;
        check_directory(&stat, users, &shown)?;
        Self::new(directory, name.into(), access, path.join(name))
    }

    /// The place at a path, in a directory that exists and is the caller's to trust.
    pub(crate) fn at(path: &Path, access: Option<Access>) -> Result<Self, Error> {
        let bad = |why| Error::BadName { name: path.display().to_string(), why };
        if path.as_os_str().as_bytes().contains(&0) {
            return Err(bad("it has a zero byte in it"));
        }
        if path.as_os_str().as_bytes().ends_with(b"/") {
            return Err(bad("it is a directory's"));
        }
        let file = path.file_name().ok_or_else(|| bad("it is a directory's"))?.to_owned();
        let parent = path.parent().filter(|parent| *parent != OsStr::new(""));
        let parent = parent.unwrap_or(Path::new("."));
        let directory = open_directory(parent, OFlags::empty())
            .map_err(Error::io(parent.to_string_lossy(), "open the directory"))?;
        Self::new(directory, file, access, path.to_owned())
    }

    fn new(
        directory: OwnedFd,
        file: OsString,
        access: Option<Access>,
        path: PathBuf,
    ) -> Result<Self, Error> {
        let anchor = Anchor::new(&directory, &file, &path)?;
        Ok(Self { directory, file, access, anchor, path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// For messages.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }
}

/// `bakery-lock-UID` for one user, `bakery-lock-group-GID` for a group, `bakery-lock-everybody` for
/// everybody; in `/run/lock` where that is memory in which everybody may make files, else in `/dev/shm`;
/// unless `BAKERY_LOCK_DIR` names another directory.
///
/// Two processes have to come to the same place, or one name would be two locks. So the place depends on
/// what `/run/lock` is, and neither on the rest of the environment nor on who asks.
///
/// - `/run/lock` stays as it is until the machine stops. Debian, Ubuntu and others have it so, but only
///   5 MiB of it; elsewhere it is the superuser's own.
/// - `/dev/shm` is everywhere, and has room. But at a user's last log-out systemd's logind removes all
///   the user's files from it (`RemoveIPC=yes`), also those in use by what the log-out did not end.
/// - Not `$XDG_RUNTIME_DIR`: a login has that variable and a service of the same user does not. Not
///   `/run/user/UID`: it goes with the last log-out, and services may not have it.
/// - Not `/tmp` and `/var/tmp`: they are cleaned of old files, and services may have their own.
fn directory_of(users: Access) -> Result<PathBuf, Error> {
    let Some(path) = std::env::var_os("BAKERY_LOCK_DIR").map(PathBuf::from) else {
        let name = match users {
            Access::User => format!("bakery-lock-{}", geteuid().as_raw()),
            Access::Group(group) => format!("bakery-lock-group-{group}"),
            Access::Everybody => "bakery-lock-everybody".to_owned(),
        };
        return Ok(Path::new(parent()).join(name));
    };
    if path.is_absolute() {
        return Ok(path);
    }
    let why = "BAKERY_LOCK_DIR is not the absolute path of a directory";
    Err(Error::BadName { name: path.display().to_string(), why })
}

/// See [`directory_of`]. Whose `/run/lock` is, is not asked: user namespaces give it other owners.
fn parent() -> &'static str {
    const LOCKS: &str = "/run/lock";
    const FOR_ALL: u32 = 0o1777;
    let is_for_all = open_directory(Path::new(LOCKS), OFlags::NOFOLLOW).is_ok_and(|directory| {
        fstat(&directory).is_ok_and(|stat| stat.st_mode & FOR_ALL == FOR_ALL)
            && file_system::is_in_memory(&directory, LOCKS).is_ok_and(|is_in_memory| is_in_memory)
    });
    if is_for_all { LOCKS } else { "/dev/shm" }
}

fn open_directory(path: &Path, more: OFlags) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | more;
    openat(CWD, path, flags, Mode::empty())
}

fn open_or_make(path: &Path, shown: &str, users: Access) -> Result<OwnedFd, Error> {
    let open = || open_directory(path, OFlags::NOFOLLOW);
    let opened = match open() {
        Err(Errno::NOENT) => {
            make(path, shown, users)?;
            open()
        }
        opened => opened,
    };
    opened.map_err(|errno| {
        // It may be that another user's must not even be looked into.
        let foreign = statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW)
            .ok()
            .filter(|_| errno == Errno::ACCESS)
            .and_then(|stat| check_directory(&stat, users, shown).err());
        foreign.unwrap_or_else(|| {
            let doing = "open the directory of named segments (BAKERY_LOCK_DIR names another)";
            Error::io(shown, doing)(errno)
        })
    })
}

/// Makes a directory, unless somebody else does.
///
/// It gets its name when it has its mode, in one step that does not replace: whoever finds it finds it
/// finished. A process that dies before leaves an empty directory with a hidden name, which the next to
/// make one there [removes](hidden::clear).
fn make(path: &Path, shown: &str, users: Access) -> Result<(), Error> {
    /// Others may remove what is not kept yet.
    const ATTEMPTS: usize = 1000;

    let parent = path.parent().unwrap_or(path);
    if let Ok(parent) = open_directory(parent, OFlags::empty()) {
        hidden::clear(&parent);
    }
    for _ in 0..ATTEMPTS {
        if try_make(path, shown, users)? {
            return Ok(());
        }
    }
    Err(Error::BeingRemoved { segment: shown.to_owned() })
}

/// Whether the directory is there now.
fn try_make(path: &Path, shown: &str, users: Access) -> Result<bool, Error> {
    let hidden = path.with_file_name(hidden::new());
    mkdirat(CWD, &hidden, Mode::RWXU).map_err(Error::io(
        shown,
        "make the directory of named segments (BAKERY_LOCK_DIR names another, in a directory that exists)",
    ))?;
    crash_point("a directory without its name");
    let finish = || {
        let directory = match open_hidden(&hidden) {
            Err(Errno::NOENT) => return Ok(Made::NotKept),
            opened => opened.map_err(Error::io(shown, "open the new directory"))?,
        };
        let is_kept = hidden::keep(CWD, hidden.as_os_str(), &directory);
        if !is_kept.map_err(Error::io(shown, "lock the new directory"))? {
            return Ok(Made::NotKept);
        }
        crash_point("a directory without its name that is kept");
        give(&directory, owner::Made::Directory, users, shown)?;
        crash_point("a directory without its name that has its mode");
        match renameat_with(CWD, &hidden, CWD, path, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(Made::This),
            Err(Errno::EXIST) => Ok(Made::ByOthers),
            Err(error) => Err(Error::io(shown, "name the new directory")(error)),
        }
    };
    let finished = finish();
    if !matches!(finished, Ok(Made::This)) {
        // Nobody else knows it, or it is gone.
        let _ = unlinkat(CWD, &hidden, AtFlags::REMOVEDIR);
    }
    finished.map(|made| !matches!(made, Made::NotKept))
}

/// Who has made a directory.
enum Made {
    This,
    ByOthers,
    /// Nobody: another took this one's for one that was left.
    NotKept,
}

/// Opens a directory that this process has just made, also where the umask has kept it from that.
fn open_hidden(path: &Path) -> Result<OwnedFd, Errno> {
    let open = || open_directory(path, OFlags::NOFOLLOW);
    match open() {
        Err(Errno::ACCESS) => {}
        opened => return opened,
    }
    let name = CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::INVAL)?;
    // SAFETY: the name ends with a zero byte, and lives until the call returns.
    let answer =
        unsafe { libc::fchmodat(libc::AT_FDCWD, name.as_ptr(), 0o700, libc::AT_SYMLINK_NOFOLLOW) };
    if answer == -1 {
        return Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO));
    }
    open()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    #[cfg_attr(miri, ignore = "Miri does not rename in this way")]
    fn whoever_comes_second_leaves_the_first_ones_directory_as_it_is() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("names");
        for file in ["a", "b"] {
            // As of one that died before it had given it its name.
            fs::create_dir(parent.path().join(hidden::new())).unwrap();
            make(&path, "names", Access::User).unwrap();
            fs::write(path.join(file), "").unwrap();
        }
        assert_eq!(fs::read_dir(&path).unwrap().count(), 2);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
    }
}
