//! A small file of one server's, which has reached the disk when it counts.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use crate::{Error, Result};

#[derive(Debug)]
pub(super) struct Kept {
    path: PathBuf,
    /// Held, so that no other server has the same file.
    lock: File,
}

impl Kept {
    /// The file, and what is in it; `None` if it is not there yet.
    pub(super) fn open(path: &Path) -> Result<(Self, Option<String>)> {
        let mut lock = path.as_os_str().to_owned();
        lock.push(".lock");
        let lock = OpenOptions::new().create(true).append(true).open(&lock);
        let kept = Self { path: path.to_owned(), lock: lock.map_err(|why| bad(path, &why))? };
        kept.lock.try_lock().map_err(|why| match why {
            TryLockError::WouldBlock => bad(path, &"another server has it: stop that one"),
            TryLockError::Error(why) => bad(path, &format!("it cannot be locked: {why}")),
        })?;
        match std::fs::read_to_string(path) {
            Ok(text) => Ok((kept, Some(text))),
            Err(why) if why.kind() == ErrorKind::NotFound => Ok((kept, None)),
            Err(why) => Err(bad(path, &why)),
        }
    }

    /// It has something else in it, or not all of something.
    pub(super) fn not_whole(&self) -> Error {
        let why = "it is not what this server has written, or not whole; without it tokens would begin again, so put \
                   back a whole copy of it";
        bad(&self.path, &why)
    }

    /// All of it or nothing.
    pub(super) fn write(&self, text: &str) -> Result<()> {
        let new = self.path.with_extension("new");
        let written = (|| {
            let mut file = File::create(&new)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&new, &self.path)?;
            // The name is the directory's, and has to be kept as well.
            let directory = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
            File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
        })();
        written.map_err(|why: std::io::Error| Error::Unreachable {
            engine: super::NAME,
            what: "keep its file",
            why: format!("{}: {why}", self.path.display()),
        })
    }
}

fn bad(path: &Path, why: &dyn ToString) -> Error {
    Error::BadAccess { what: path.display().to_string(), why: why.to_string() }
}
