//! The limit on the length of files (`ulimit -f`), which ends whoever exceeds it (`SIGXFSZ`).

use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

use crate::shared::Error;

/// Refuses to make a file so long, or to write so far into one, if that would end this process. To be
/// called before each `fallocate`, `ftruncate` and `pwrite`; it holds for memory without a name too.
/// Memory that is mapped may be written to all the same.
pub(crate) fn check(end: u64, segment: &str) -> Result<(), Error> {
    match getrlimit(Resource::Fsize).current {
        Some(limit) if limit < end => {
            let doing = "make it so long: this process has a limit on the length of files (RLIMIT_FSIZE, `ulimit -f`)";
            Err(Error::io(segment, doing)(Errno::FBIG))
        }
        _ => Ok(()),
    }
}
