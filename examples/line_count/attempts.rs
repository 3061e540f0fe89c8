//! When each attempt happened, and what that says about the order.

use std::fmt;
use std::str::FromStr;

use rustix::time::{ClockId, clock_gettime};

/// One attempt, in nanoseconds of a clock that all processes of the machine share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub begun: u64,
    /// When the doorway was completed; for locks without a doorway, when the attempt began.
    pub in_line: u64,
    pub entered: u64,
}

pub fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    let part = |part: i64| u64::try_from(part).expect("the clock starts at 0");
    part(time.tv_sec) * 1_000_000_000 + part(time.tv_nsec)
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.begun, self.in_line, self.entered)
    }
}

impl FromStr for Attempt {
    type Err = anyhow::Error;

    fn from_str(line: &str) -> Result<Self, Self::Err> {
        let times: Vec<u64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        match times[..] {
            [begun, in_line, entered] => Ok(Self { begun, in_line, entered }),
            _ => anyhow::bail!("not an attempt: {line:?}"),
        }
    }
}

/// What one participant has done.
#[derive(Clone, Debug, Default)]
pub struct Share {
    pub attempts: Vec<Attempt>,
    /// How many lines it has added, by its own account.
    pub lines: u64,
}

/// How often the attempts of each participant were passed: by attempts that began after theirs were
/// in line, and were in before.
pub fn bypasses(shares: &[Share]) -> Vec<usize> {
    let mut by_entry: Vec<Attempt> =
        shares.iter().flat_map(|share| &share.attempts).copied().collect();
    by_entry.sort_unstable_by_key(|attempt| attempt.entered);
    let passed = |attempt: &Attempt| {
        let first = by_entry.partition_point(|other| other.entered <= attempt.in_line);
        by_entry[first..]
            .iter()
            .take_while(|other| other.entered < attempt.entered)
            .filter(|other| other.begun > attempt.in_line)
            .count()
    };
    shares.iter().map(|share| share.attempts.iter().map(passed).sum()).collect()
}
