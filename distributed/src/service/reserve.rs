//! What the coordinator has to know after a restart, in a file: which tokens have been given, and how long a lease
//! may still be out.
//!
//! The file is written before what it says is used, and has reached the disk by then. Tokens are taken from it by
//! the million, so that it is seldom written.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::{Error, Result};

/// How many tokens are reserved at a time.
const RANGE: u64 = 1 << 20;

const HEAD: &str = "bakery-lock coordinator 1";

#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    /// Held, so that no other server has the same file.
    _lock: File,
    next: u64,
    end: u64,
    lease: Duration,
}

impl Reserve {
    /// Reads the file, or begins it if it is not there. Tells the longest lease that may be out.
    pub(super) fn open(path: &Path) -> Result<(Self, Duration)> {
        let bad = |why: String| Error::BadAccess { what: path.display().to_string(), why };
        let mut lock = path.as_os_str().to_owned();
        lock.push(".lock");
        let lock = OpenOptions::new().create(true).append(true).open(&lock);
        let lock = lock.map_err(|why| bad(format!("its lock does not open: {why}")))?;
        lock.try_lock().map_err(|why| match why {
            TryLockError::WouldBlock => bad("another server has it: stop that one".to_owned()),
            TryLockError::Error(why) => bad(format!("it cannot be locked: {why}")),
        })?;
        let (end, lease) = match std::fs::read_to_string(path) {
            Ok(text) => parse(&text).ok_or_else(|| {
                let advice = "without it tokens would begin again; put back a whole copy of it";
                bad(format!("it is not a coordinator's, or not whole; {advice}"))
            })?,
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => (1, Duration::ZERO),
            Err(why) => return Err(bad(why.to_string())),
        };
        let mut reserve = Self { path: path.to_owned(), _lock: lock, next: end, end, lease };
        reserve.extend()?;
        Ok((reserve, lease))
    }

    /// A token that has never been given.
    pub(super) fn next(&mut self) -> Result<u64> {
        if self.next == self.end {
            self.extend()?;
        }
        self.next += 1;
        Ok(self.next - 1)
    }

    /// Has the file say how long a lease may be out.
    pub(super) fn set_lease(&mut self, lease: Duration) -> Result<()> {
        if lease != self.lease {
            self.write(self.end, lease)?;
            self.lease = lease;
        }
        Ok(())
    }

    fn extend(&mut self) -> Result<()> {
        let end = self.end.saturating_add(RANGE);
        self.write(end, self.lease)?;
        self.end = end;
        Ok(())
    }

    /// All of it or nothing.
    fn write(&self, end: u64, lease: Duration) -> Result<()> {
        let new = self.path.with_extension("new");
        let written = (|| {
            let mut file = File::create(&new)?;
            let lease = lease.as_millis();
            write!(file, "{HEAD}\ntokens {end}\nlease {lease} ms\n")?;
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

fn parse(text: &str) -> Option<(u64, Duration)> {
    let mut lines = text.strip_suffix('\n')?.split('\n');
    if lines.next() != Some(HEAD) {
        return None;
    }
    let end = lines.next()?.strip_prefix("tokens ")?.parse().ok()?;
    let lease = lines.next()?.strip_prefix("lease ")?.strip_suffix(" ms")?.parse().ok()?;
    lines.next().is_none().then_some((end, Duration::from_millis(lease)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{RANGE, Reserve};

    #[test]
    fn tokens_grow_over_restarts_and_ranges() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        let mut last = 0;
        for _ in 0..3 {
            let (mut reserve, _) = Reserve::open(&path).unwrap();
            for _ in 0..RANGE + 2 {
                let token = reserve.next().unwrap();
                assert!(token > last);
                last = token;
            }
        }
    }

    #[test]
    fn the_lease_that_is_out_is_known_after_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        let (mut reserve, lease) = Reserve::open(&path).unwrap();
        assert!(lease.is_zero());
        reserve.set_lease(Duration::from_secs(7)).unwrap();
        drop(reserve);
        assert_eq!(Reserve::open(&path).unwrap().1, Duration::from_secs(7));
    }

    #[test]
    fn two_servers_do_not_have_one_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        let _first = Reserve::open(&path).unwrap();
        let refused = Reserve::open(&path).unwrap_err().to_string();
        assert!(refused.contains("another server has it"), "{refused}");
    }

    #[test]
    fn a_file_that_is_not_whole_is_refused_and_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        drop(Reserve::open(&path).unwrap());
        let whole = std::fs::read_to_string(&path).unwrap();
        let cut = (0..whole.len()).map(|length| whole[..length].to_owned());
        for text in cut.chain([format!("{whole}x\n"), whole.replace("tokens", "token")]) {
            std::fs::write(&path, &text).unwrap();
            let refused = Reserve::open(&path).unwrap_err().to_string();
            assert!(refused.contains("not whole"), "{text:?}: {refused}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }
}
