//! Files: locked by the [kernel], so that whoever uses flock(1) is excluded, too; and in the order of a line of this user's, which is there as long as somebody waits.
//!
//! A file that nobody waits for is locked straight. Who has to wait goes through the line, and sleeps in
//! the kernel only at its head. While there is a line, newcomers join it. Where there can be none (no
//! memory, another user's directory), it is plain flock(2).

use std::fmt::Write as _;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use bakery_lock::shared::{Error, Options};
use libc::c_int;

use crate::exit::{Failure, status};
use crate::hold::kernel::{self, Bytes, Extent, Mode};
use crate::hold::line::{self, AT_ONCE, LOOK_EVERY};
use crate::hold::{Patience, Taken, is_interrupted};
use crate::message::shown;
use crate::signals;
use crate::waiting::{self, Watch};

/// How long one that does not wait and shares is in line: others who share are only passing through.
const WHILE_OTHERS_PASS: Duration = Duration::from_millis(20);

/// What is wanted of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    pub mode: Mode,
    pub extent: Extent,
}

impl Want {
    /// As flock(2) has it.
    pub fn whole(mode: Mode) -> Self {
        Self { mode, extent: Extent::Whole }
    }
}

/// No terminal becomes this process's, and a FIFO is opened at once, and not when somebody writes to it.
const TO_LOCK: c_int = libc::O_NOCTTY | libc::O_NONBLOCK;

/// Opens a file to see whether it is locked.
///
/// # Errors
///
/// The system's.
pub fn open_to_look(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(TO_LOCK).open(path)
}

/// Opens a file or directory as flock(1) does: for reading, made if need be, never written to.
///
/// # Errors
///
/// With the status that flock(1) has for it.
pub fn open(path: &Path) -> Result<File, Failure> {
    open_as(path, libc::O_RDONLY)
}

/// The same, for writing only: the kernel locks bytes for one alone by such a description.
///
/// # Errors
///
/// As [`open`].
pub fn open_to_write(path: &Path) -> Result<File, Failure> {
    open_as(path, libc::O_WRONLY)
}

fn open_as(path: &Path, access: c_int) -> Result<File, Failure> {
    let open = |create: bool, access: c_int| {
        let flags = TO_LOCK | if create { libc::O_CREAT } else { 0 };
        // Not `create`, which asks for writing.
        let is_read = access == libc::O_RDONLY;
        let mut options = OpenOptions::new();
        options.read(is_read).write(!is_read).custom_flags(flags).mode(0o666).open(path)
    };
    let opened = match open(true, access) {
        // A directory; or another user's file in a directory for all (`fs.protected_regular`).
        Err(error) if matches!(error.raw_os_error(), Some(libc::EISDIR | libc::EACCES)) => {
            let is_directory = error.raw_os_error() == Some(libc::EISDIR);
            open(false, if is_directory { libc::O_RDONLY } else { access }).map_err(|_| error)
        }
        opened => opened,
    };
    opened.map_err(|error| {
        let status = match error.raw_os_error() {
            Some(libc::ENOMEM | libc::EMFILE | libc::ENFILE) => status::SYSTEM,
            Some(libc::EROFS | libc::ENOSPC) => status::CANNOT_MAKE,
            _ => status::CANNOT_OPEN,
        };
        Failure::new(status, format!("cannot open the lock file {}: {error}", shown(path)))
    })
}

/// For files on file systems that lock for writing only what is open for writing (NFS).
pub fn reopen_for_writing(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).custom_flags(TO_LOCK).open(path)
}

/// The name of a file's line, by what the file is and not by what it is called.
///
/// # Errors
///
/// If it is not open.
pub fn line_of(file: BorrowedFd<'_>) -> io::Result<String> {
    let metadata = metadata(file)?;
    Ok(format!("file-{:x}-{}", metadata.dev(), metadata.ino()))
}

/// Those who want other bytes are in another line, and in nobody's way.
fn line_for(file: BorrowedFd<'_>, extent: Extent) -> io::Result<String> {
    let line = line_of(file)?;
    Ok(match extent {
        Extent::Whole => line,
        Extent::Bytes(Bytes { start, length }) => format!("{line}-{start}-{length}"),
    })
}

fn metadata(file: BorrowedFd<'_>) -> io::Result<Metadata> {
    // SAFETY: it is open, and stays so: it is not closed here.
    let file = ManuallyDrop::new(unsafe { File::from_raw_fd(file.as_raw_fd()) });
    file.metadata()
}

/// What is known of a passage through a file's line.
#[derive(Debug, Default)]
pub struct Passage {
    /// Why the line was not to be had.
    pub without: Option<String>,
}

/// Locks a file.
///
/// # Errors
///
/// What flock(2) answers.
pub fn lock(
    file: BorrowedFd<'_>,
    want: Want,
    patience: Patience,
    watch: Watch<'_>,
) -> io::Result<Taken<Passage>> {
    let name = line_for(file, want.extent)?;
    let path = match Options::path_of(&name) {
        Ok(path) => path,
        Err(error) => return plainly(file, want, patience, Some(&error)),
    };
    let is_in_line = path.symlink_metadata().is_ok();
    if !is_in_line {
        if kernel::try_lock(file, want.extent, want.mode)? {
            return Ok(Taken::In(Passage::default()));
        }
        if matches!(patience, Patience::None) {
            return Ok(Taken::Busy);
        }
    }
    in_line(file, want, patience, &name, watch)
}

/// Goes through the line, and then locks.
fn in_line(
    file: BorrowedFd<'_>,
    want: Want,
    patience: Patience,
    name: &str,
    watch: Watch<'_>,
) -> io::Result<Taken<Passage>> {
    let (taken, passage) = {
        let mutex = match Options::new().look_every(LOOK_EVERY).open_any(name) {
            Ok(mutex) => mutex,
            Err(error) => return plainly(file, want, patience, Some(&error)),
        };
        let time_in_line = match (patience, want.mode) {
            (Patience::None, Mode::Shared) => Patience::of(Some(WHILE_OTHERS_PASS)),
            (Patience::None, Mode::Exclusive) => Patience::of(Some(AT_ONCE)),
            (patience, _) => patience,
        };
        let joined = match line::join(&mutex, time_in_line) {
            Ok(Some(participant)) => participant,
            Ok(None) => return Ok(Taken::Busy),
            Err(error) => return plainly(file, want, patience, Some(&error)),
        };
        let slot = joined.slot();
        let look = || mutex.status().ok();
        let turn = waiting::during(
            watch,
            look,
            |one| one.slot == slot,
            || {
                let turn = line::go_in(joined, time_in_line, || Ok(true));
                turn.map(|taken| match taken {
                    Taken::In(inside) => {
                        let taken = blocking(file, want, patience);
                        drop(inside);
                        (taken, Passage::default())
                    }
                    Taken::Busy => (Ok(Taken::Busy), Passage::default()),
                    Taken::Interrupted => (Ok(Taken::Interrupted), Passage::default()),
                })
            },
        );
        match turn {
            Ok((taken, passage)) => (taken?, passage),
            Err(error) => return plainly(file, want, patience, Some(&error)),
        }
    };
    // The last one out; whoever is in line keeps it.
    let _ = Options::remove(name);
    Ok(match taken {
        Taken::In(()) => Taken::In(passage),
        Taken::Busy => Taken::Busy,
        Taken::Interrupted => Taken::Interrupted,
    })
}

/// Without a line.
pub fn plainly(
    file: BorrowedFd<'_>,
    want: Want,
    patience: Patience,
    why: Option<&Error>,
) -> io::Result<Taken<Passage>> {
    let mut without = String::new();
    if let Some(why) = why {
        let _ = write!(without, "{why}");
    }
    Ok(match blocking(file, want, patience)? {
        Taken::In(()) => Taken::In(Passage { without: Some(without) }),
        Taken::Busy => Taken::Busy,
        Taken::Interrupted => Taken::Interrupted,
    })
}

/// In the kernel's own line.
fn blocking(file: BorrowedFd<'_>, want: Want, patience: Patience) -> io::Result<Taken<()>> {
    if matches!(patience, Patience::None) {
        return Ok(if kernel::try_lock(file, want.extent, want.mode)? {
            Taken::In(())
        } else {
            Taken::Busy
        });
    }
    let is_timed = matches!(patience, Patience::Until(_));
    if is_timed {
        signals::wake_by_alarm();
        // No time at all would be no end.
        let left = patience.left().unwrap_or_default().max(Duration::from_micros(1));
        signals::wake_after(left)?;
    }
    let taken = loop {
        match kernel::lock(file, want.extent, want.mode) {
            Ok(()) => break Ok(Taken::In(())),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break Err(error),
        }
        if is_interrupted() {
            break Ok(Taken::Interrupted);
        }
        if patience.is_over() {
            break Ok(Taken::Busy);
        }
    };
    if is_timed {
        signals::wake_after(Duration::ZERO)?;
    }
    taken
}

/// Whether somebody has a file locked, as far as the kernel tells in `/proc/locks`.
pub fn is_locked(file: BorrowedFd<'_>) -> bool {
    let Ok(metadata) = metadata(file) else { return false };
    let (device, inode) = (metadata.dev(), metadata.ino());
    let id = format!("{:02x}:{:02x}:{inode}", libc::major(device), libc::minor(device));
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    locks.lines().any(|line| {
        let mut words = line.split_whitespace().filter(|word| *word != "->");
        words.nth(1) == Some("FLOCK") && words.nth(3) == Some(&*id) && !line.contains("->")
    })
}
