//! What the coordinator has to know after a restart, in a file: which tokens have been given, and how long a lease
//! may still be out.
//!
//! The file is written before what it says is used, and has reached the disk by then. Tokens are taken from it by
//! the million, so that it is seldom written.

use std::path::Path;
use std::time::Duration;

use super::kept::Kept;
use crate::Result;

/// How many tokens are reserved at a time.
const RANGE: u64 = 1 << 20;

const HEAD: &str = "bakery-lock coordinator 1";

#[derive(Debug)]
pub(super) struct Reserve {
    kept: Kept,
    next: u64,
    end: u64,
    lease: Duration,
}

impl Reserve {
    /// Reads the file, or begins it if it is not there. Tells the longest lease that may be out.
    pub(super) fn open(path: &Path) -> Result<(Self, Duration)> {
        let (kept, text) = Kept::open(path)?;
        let (end, lease) = match text {
            Some(text) => parse(&text).ok_or_else(|| kept.not_whole())?,
            None => (1, Duration::ZERO),
        };
        let mut reserve = Self { kept, next: end, end, lease };
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

    fn write(&self, end: u64, lease: Duration) -> Result<()> {
        self.kept.write(&format!("{HEAD}\ntokens {end}\nlease {} ms\n", lease.as_millis()))
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
