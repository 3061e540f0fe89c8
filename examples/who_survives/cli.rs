//! The command line.

use std::error::Error;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use lexopt::{Arg, Parser, ValueExt};

use crate::locks::LockName;

pub const HELP: &str = "\
Puts locks between processes through the same deaths and queues, and prints what came of it

The exit status is 0 if this library's locks did in each case as they should.

Usage: who_survives [OPTIONS] [LOCK]...

  [LOCK]...              pthread-robust, pthread, semaphore, flock, fcntl, ofd, bakery, black-white,
                         ticket, bypass, peterson [default: all]
  -m, --markdown         The table in Markdown
  -r, --rounds <NUMBER>  How many deaths are timed; of what takes longer, a fifth as many
                         [default: 100]
  -b, --bound <SECONDS>  After how many seconds a lock that nobody gets is stuck [default: 3]
  -h, --help             This text
";

#[derive(Debug)]
pub struct Arguments {
    pub locks: Vec<LockName>,
    /// The table in Markdown.
    pub markdown: bool,
    /// How many deaths are timed; of what takes longer, a fifth as many.
    pub rounds: u32,
    /// When a lock that nobody gets is stuck.
    pub bound: Duration,
    /// How this program tells a process that it starts what it is to do.
    pub worker: Option<Orders>,
}

impl Arguments {
    /// `None` if it is the help that is asked for.
    pub fn parse() -> Result<Option<Self>, lexopt::Error> {
        let mut it = Self {
            locks: Vec::new(),
            markdown: false,
            rounds: 100,
            bound: Duration::from_secs(3),
            worker: None,
        };
        let mut parser = Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Short('m') | Arg::Long("markdown") => it.markdown = true,
                Arg::Short('r') | Arg::Long("rounds") => {
                    it.rounds = number(&mut parser, 1..=100_000)?;
                }
                Arg::Short('b') | Arg::Long("bound") => {
                    it.bound = Duration::from_secs(number(&mut parser, 1..=60)?.into());
                }
                Arg::Short('h') | Arg::Long("help") => return Ok(None),
                Arg::Long("worker") => it.worker = Some(parser.value()?.parse()?),
                Arg::Value(lock) => it.locks.push(lock.parse()?),
                _ => return Err(argument.unexpected()),
            }
        }
        if it.locks.is_empty() {
            it.locks = LockName::ALL.into();
        }
        Ok(Some(it))
    }
}

fn number(parser: &mut Parser, range: RangeInclusive<u32>) -> Result<u32, lexopt::Error> {
    parser.value()?.parse_with(|text| match text.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(format!("a number from {} to {} is wanted", range.start(), range.end())),
    })
}

/// What a process that is started is told, as one word: `LOCK,MEMORY,BOARD,BOUND,ALONE`.
#[derive(Clone, Debug)]
pub struct Orders {
    pub lock: LockName,
    /// Where the lock is.
    pub memory: PathBuf,
    /// Where the board is.
    pub board: PathBuf,
    pub bound: Duration,
    /// Whether it is to be in a pid namespace of its own.
    pub alone: bool,
}

impl fmt::Display for Orders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (memory, board) = (self.memory.display(), self.board.display());
        write!(f, "{},{memory},{board},{},{}", self.lock, self.bound.as_millis(), self.alone)
    }
}

impl FromStr for Orders {
    type Err = Box<dyn Error + Send + Sync>;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let mut words = word.split(',');
        let mut next = || words.next().ok_or("LOCK,MEMORY,BOARD,BOUND,ALONE");
        Ok(Self {
            lock: next()?.parse()?,
            memory: next()?.into(),
            board: next()?.into(),
            bound: Duration::from_millis(next()?.parse()?),
            alone: next()?.parse()?,
        })
    }
}
