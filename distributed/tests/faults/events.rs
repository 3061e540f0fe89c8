//! What a process writes down, one line each, so that it is there also if the process is killed.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// What has happened. What is said of a lease is in nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It asks for the lock.
    Asks,
    /// It is inside with this token, and its guard says that it is for so long at least.
    In { token: u64, left: u64 },
    /// Its guard says that it still is.
    Still { left: u64 },
    /// Its guard says that it is lost.
    Lost,
    /// It begins to leave, and its guard does not say that it is lost.
    Leaves,
    /// It has left, and its guard did not say that it was lost before.
    Out,
    /// It has been told that somebody died inside with this token.
    Told { token: u64 },
    /// It has not got the lock.
    Without,
    /// Something that must not be.
    Bad { what: String },
    /// It has done all that it was to do.
    Done,
}

/// On the clock of this machine, which all its processes share and nobody steps: nanoseconds.
pub fn now() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let now = Duration::new(now.tv_sec.cast_unsigned(), u32::try_from(now.tv_nsec).unwrap_or(0));
    nanos(now)
}

pub fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Where a process writes.
pub struct Log(File);

impl Log {
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self(OpenOptions::new().create(true).append(true).open(path)?))
    }

    pub fn write(&self, at: u64, event: &Event) {
        let line = match event {
            Event::Asks => "asks".to_owned(),
            Event::In { token, left } => format!("in {token} {left}"),
            Event::Still { left } => format!("still {left}"),
            Event::Lost => "lost".to_owned(),
            Event::Leaves => "leaves".to_owned(),
            Event::Out => "out".to_owned(),
            Event::Told { token } => format!("told {token}"),
            Event::Without => "without".to_owned(),
            Event::Bad { what } => format!("bad {}", what.replace('\n', " ")),
            Event::Done => "done".to_owned(),
        };
        // One write: a line is there as a whole, or not at all.
        (&self.0).write_all(format!("{at} {line}\n").as_bytes()).unwrap();
    }
}

/// What has been written.
pub fn read(path: &Path) -> Result<Vec<(u64, Event)>> {
    // One that was killed early has no log.
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .map(|line| parse(line).with_context(|| format!("{}: {line}", path.display())))
        .collect()
}

fn parse(line: &str) -> Result<(u64, Event)> {
    let (at, event) = line.split_once(' ').context("no time")?;
    let (kind, rest) = event.split_once(' ').unwrap_or((event, ""));
    let number = |word: Option<&str>| Ok::<u64, anyhow::Error>(word.context("no number")?.parse()?);
    let mut words = rest.split(' ');
    let event = match kind {
        "asks" => Event::Asks,
        "in" => Event::In { token: number(words.next())?, left: number(words.next())? },
        "still" => Event::Still { left: number(words.next())? },
        "lost" => Event::Lost,
        "leaves" => Event::Leaves,
        "out" => Event::Out,
        "told" => Event::Told { token: number(words.next())? },
        "without" => Event::Without,
        "bad" => Event::Bad { what: rest.to_owned() },
        "done" => Event::Done,
        _ => bail!("an unknown event"),
    };
    Ok((at.parse()?, event))
}
