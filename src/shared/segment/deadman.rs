//! The byte that says that a file with a name has users.
//!
//! Whoever uses the file holds the byte for reading, and looks whether the name still leads to the
//! file *after* it got hold of it. Whoever takes the name away holds the byte for writing
//! meanwhile. So a file that has users keeps its name, and whoever comes too late to be a user
//! finds out.

use std::os::fd::OwnedFd;

use crate::shared::Error;
use crate::shared::life::ofd::{self, DEADMAN, Held};

/// Becomes a user, until the description is closed and no longer mapped. `false`: not while
/// somebody takes the name away.
pub(crate) fn hold(file: &OwnedFd, segment: &str) -> Result<bool, Error> {
    ofd::try_read_lock(file, DEADMAN).map_err(Error::io(segment, "lock the file"))
}

/// Is no user any more. Not left to closing: a child that was forked off meanwhile may have the description,
/// and would be taken for another user.
pub(crate) fn let_go(file: &OwnedFd) {
    ofd::unlock(file, DEADMAN);
}

/// Whether this is the only user of a file, a moment ago.
pub(crate) fn is_only_user(file: &OwnedFd, segment: &str) -> Result<bool, Error> {
    let held = ofd::held_by_others(file, DEADMAN).map_err(Error::io(segment, "lock the file"))?;
    Ok(held == Held::No)
}

/// Who uses a file.
#[derive(Debug)]
pub(crate) enum Users<'a> {
    /// Nobody, and nobody will while this lives.
    None(Alone<'a>),
    Some,
    /// Nobody that can be seen: somebody else takes the name away, or did a moment ago.
    Unknown,
}

/// That a file has no users.
#[derive(Debug)]
pub(crate) struct Alone<'a>(&'a OwnedFd);

/// Keeps users out, if there are none.
pub(crate) fn keep_out<'a>(file: &'a OwnedFd, segment: &str) -> Result<Users<'a>, Error> {
    let look = || {
        if ofd::try_write_lock(file, DEADMAN)? {
            return Ok(Users::None(Alone(file)));
        }
        Ok(match ofd::held_by_others(file, DEADMAN)? {
            Held::ForReading => Users::Some,
            Held::ForWriting | Held::No => Users::Unknown,
        })
    };
    look().map_err(Error::io::<std::io::Error>(segment, "lock the file"))
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        // Not left to closing: a child that was forked off meanwhile may have the description.
        ofd::unlock(self.0, DEADMAN);
    }
}
