//! Where names are kept: whether it is there, whose it is, who may empty it, and how full it is.

use std::ffi::CString;
use std::fs;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use bakery_lock::shared::{Error, Options};

use crate::looking::names;
use crate::message::shown;
use crate::verbs::doctor::Finding;

/// What a lock needs at the most, about.
const LEAST_ROOM: u64 = 1 << 20;
const LEAST_FILES: u64 = 16;

pub fn look() -> Vec<Finding> {
    match names::directory() {
        Ok(directory) => of(&directory),
        Err(error) => vec![refused(&error)],
    }
}

/// What keeps it from being used at all.
fn refused(error: &Error) -> Finding {
    let what = error.to_string();
    let cure = match error {
        Error::Foreign { .. } | Error::WrongAccess { .. } => {
            "Ask its owner or the superuser to remove it, or set BAKERY_LOCK_DIR to a directory of your own"
        }
        Error::Exposed { .. } => "Take the permissions of others away: chmod go= on it",
        Error::BadName { .. } => "Set BAKERY_LOCK_DIR to an absolute path, or unset it",
        _ => "Mount a tmpfs on /dev/shm, or set BAKERY_LOCK_DIR to a directory on this machine",
    };
    Finding::wrong(what, cure)
}

fn of(directory: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    let path = shown(directory);
    let sort = file_system(directory).unwrap_or_else(|| "an unknown file system".to_owned());
    if let Some(probe) = probe(directory) {
        findings.push(probe);
    }
    if sort == "overlay" {
        findings.push(Finding::wrong(
            format!("{path} is on an overlay file system: whoever comes by another mount of it, or by its upper directory, has other locks"),
            "Mount a tmpfs there, or set BAKERY_LOCK_DIR to one that all containers have mounted",
        ));
    }
    findings.extend(who_may_empty(directory));
    findings.extend(left_behind(directory));
    let room = room(directory);
    if let Some(Room { free, files, .. }) = room
        && (free < LEAST_ROOM || files.is_some_and(|files| files < LEAST_FILES))
    {
        let files = files.map(|files| format!(" and {files} files")).unwrap_or_default();
        findings.push(Finding::wrong(
            format!("{path} is full: {} free{files}", bytes(free)),
            "Remove what is not needed: bakery rm --unused, and what others keep on that file system",
        ));
    }
    if findings.is_empty() {
        let room =
            room.map(|Room { free, all, .. }| format!(", {} of {} free", bytes(free), bytes(all)));
        let room = room.unwrap_or_default();
        findings.push(Finding::well(format!("{path} is yours alone, on {sort}{room}")));
    }
    findings
}

/// Makes a lock and removes it, since only that tells whether one can be made.
fn probe(directory: &Path) -> Option<Finding> {
    let name = format!("doctor-{}", std::process::id());
    let made = Options::new().slots(2).create(&name, ());
    let outcome = made.map(drop);
    let _ = Options::remove(&name);
    let error = outcome.err()?;
    let cure = match &error {
        Error::NetworkFileSystem { .. } => {
            "Set BAKERY_LOCK_DIR to a directory on a local file system, or unset it"
        }
        Error::Io { source, .. } if source.raw_os_error() == Some(libc::ENOSPC) => {
            "Make room: bakery rm --unused, and what others keep on that file system"
        }
        Error::Io { source, .. } if source.raw_os_error() == Some(libc::EROFS) => {
            "Let the service write there (systemd: ReadWritePaths=), or set BAKERY_LOCK_DIR"
        }
        Error::Io { source, .. } if source.raw_os_error() == Some(libc::EFBIG) => {
            "Raise the limit on the length of files: ulimit -f"
        }
        _ => "Set BAKERY_LOCK_DIR to a directory on a local file system",
    };
    Some(Finding::wrong(format!("no lock can be made in {}: {error}", shown(directory)), cure))
}

/// Whoever else may take files away, by right or as a habit.
fn who_may_empty(directory: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    let path = shown(directory);
    let real = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
    for above in real.ancestors().skip(1) {
        let Ok(metadata) = fs::metadata(above) else { continue };
        let mode = metadata.mode();
        if mode & 0o022 != 0 && mode & 0o1000 == 0 && metadata.uid() == 0 && mode & 0o002 == 0 {
            // The superuser's own groups are trusted as it is.
            continue;
        }
        if mode & 0o022 != 0 && mode & 0o1000 == 0 {
            findings.push(Finding::wrong(
                format!(
                    "others may write to {} (mode {:04o}), so they can move {path} away and put another in its place: two would have one lock",
                    shown(above),
                    mode & 0o7777
                ),
                format!("chmod go-w {}, or set BAKERY_LOCK_DIR to another directory", shown(above)),
            ));
        }
    }
    if [Path::new("/tmp"), Path::new("/var/tmp")].iter().any(|cleaned| real.starts_with(cleaned)) {
        findings.push(Finding::wrong(
            format!("{path} is where old files are cleaned away (systemd-tmpfiles, tmpreaper), also locks that are in use"),
            "Unset BAKERY_LOCK_DIR, or set it to a directory in /run or your home",
        ));
    }
    if real.starts_with("/dev/shm") && is_emptied_at_logout() {
        findings.push(Finding::wrong(
            format!("{path} is emptied by systemd-logind when you log out for the last time, whatever of yours still runs"),
            "loginctl enable-linger, or RemoveIPC=no in /etc/systemd/logind.conf, or set BAKERY_LOCK_DIR",
        ));
    }
    findings
}

/// logind does it to all but the system's users, unless it is told not to.
fn is_emptied_at_logout() -> bool {
    // SAFETY: takes no pointers.
    let user = unsafe { libc::geteuid() };
    let is_running = Path::new("/run/systemd/seats").exists();
    let name = user_name(user).unwrap_or_default();
    let lingers = Path::new("/var/lib/systemd/linger").join(name).is_file();
    let configured = fs::read_to_string("/etc/systemd/logind.conf").unwrap_or_default();
    user >= 1000 && is_running && !lingers && !is_kept(&configured)
}

fn is_kept(configuration: &str) -> bool {
    let set = configuration.lines().rev().find_map(|line| line.trim().strip_prefix("RemoveIPC="));
    set.is_some_and(|value| ["no", "false", "0", "off", "n", "f"].contains(&value.trim()))
}

fn user_name(user: u32) -> Option<String> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let is_it = |line: &&str| line.split(':').nth(2) == Some(&*user.to_string());
    Some(users.lines().find(is_it)?.split(':').next()?.to_owned())
}

/// What those left who died while they made a lock, where files cannot be made without a name.
fn left_behind(directory: &Path) -> Vec<Finding> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let left: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().as_bytes().starts_with(b".bakery-lock-"))
        .map(|entry| entry.path())
        .collect();
    left.iter()
        .map(|path| {
            Finding::wrong(
                format!(
                    "{} was left behind by a process that died while it made a lock",
                    shown(path)
                ),
                format!("rm {}, if no lock is being made just now", shown(path)),
            )
        })
        .collect()
}

#[derive(Clone, Copy)]
struct Room {
    free: u64,
    all: u64,
    /// `None`: there is no limit.
    files: Option<u64>,
}

fn room(directory: &Path) -> Option<Room> {
    let path = CString::new(directory.as_os_str().as_bytes()).ok()?;
    let mut found = MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: the path ends with a zero byte, and there is room for the answer.
    let answer = unsafe { libc::statvfs(path.as_ptr(), found.as_mut_ptr()) };
    // SAFETY: it was written, as the call did not fail.
    let found = (answer == 0).then(|| unsafe { found.assume_init() })?;
    Some(Room {
        free: found.f_bavail.saturating_mul(found.f_frsize),
        all: found.f_blocks.saturating_mul(found.f_frsize),
        files: (found.f_files > 0).then_some(found.f_favail),
    })
}

/// The kind of file system that a directory is on, as mounts have it.
fn file_system(directory: &Path) -> Option<String> {
    let real = directory.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    kind_at(&mounts, &real)
}

fn kind_at(mounts: &str, path: &Path) -> Option<String> {
    let mut found: Option<(usize, &str)> = None;
    for line in mounts.lines() {
        let (left, right) = line.split_once(" - ")?;
        let point = left.split(' ').nth(4)?.replace("\\040", " ").replace("\\011", "\t");
        let point = Path::new(&point);
        let depth = point.components().count();
        // Of two at one point the later one is on top.
        if path.starts_with(point) && found.is_none_or(|(deepest, _)| depth >= deepest) {
            found = Some((depth, right.split(' ').next()?));
        }
    }
    found.map(|(_, kind)| kind.to_owned())
}

fn bytes(number: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
    let of = |unit: u64| number as f64 / unit as f64;
    match number {
        0..1024 => format!("{number} bytes"),
        1024..1_048_576 => format!("{:.0} KiB", of(1 << 10)),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", of(1 << 20)),
        _ => format!("{:.1} GiB", of(1 << 30)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_mount_is_the_one() {
        let mounts = "22 27 0:21 / / rw - ext4 /dev/a rw\n\
                      23 27 0:22 / /dev/shm rw shared:3 - tmpfs tmpfs rw\n\
                      24 27 0:23 / /a\\040b rw - overlay overlay rw\n";
        let of = |path: &str| kind_at(mounts, Path::new(path));
        assert_eq!(of("/dev/shm/x").as_deref(), Some("tmpfs"));
        assert_eq!(of("/dev/shmx").as_deref(), Some("ext4"));
        assert_eq!(of("/a b/c").as_deref(), Some("overlay"));
    }

    #[test]
    fn logind_is_believed() {
        assert!(is_kept("[Login]\nRemoveIPC=no\n"));
        assert!(!is_kept("[Login]\n#RemoveIPC=no\n") && !is_kept("RemoveIPC=yes") && !is_kept(""));
    }
}
