//! The library's errors, as statuses.

use std::io;

use bakery_lock::shared::Error;

use crate::exit::{Failure, status};

/// The library would not open or lock.
pub fn library(error: Error) -> Failure {
    let status = match &error {
        Error::BadName { .. } | Error::BadSlots { .. } | Error::Unsupported { .. } => status::USAGE,
        Error::Io { source, .. } => of_system(source),
        Error::Full { .. } | Error::Corrupt { .. } | Error::Forked { .. } => status::SYSTEM,
        _ => status::CANNOT_OPEN,
    };
    Failure::new(status, error)
}

/// The operating system would not.
pub fn system(doing: &str, error: &io::Error) -> Failure {
    Failure::new(of_system(error), format!("cannot {doing}: {error}"))
}

fn of_system(error: &io::Error) -> u8 {
    match error.raw_os_error() {
        Some(libc::ENOSPC | libc::EROFS | libc::EDQUOT | libc::EFBIG) => status::CANNOT_MAKE,
        Some(libc::ENOENT | libc::EACCES | libc::EPERM | libc::ENOTDIR) => status::CANNOT_OPEN,
        _ => status::SYSTEM,
    }
}
