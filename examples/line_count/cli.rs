//! The command line.

use std::error::Error;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use lexopt::{Arg, Parser, ValueExt};

use crate::lock::LockName;

pub const HELP: &str = "\
Adds lines to one shared count, from several processes, under a lock

Without files, each process adds its iterations one line at a time. With files, the processes
take the files' chunks in turn and add the lines that they find there; the total is that of
`wc -l`. The exit status is 0 if the total is right.

Usage: line_count [OPTIONS] [FILE]...

  -p, --processes <NUMBER>   How many processes [default: 5; with peterson, which is for two: 2]
  -i, --iterations <NUMBER>  How many lines each of them adds [default: 20; with peterson: 50]
  -l, --lock <LOCK>          bakery [default], black-white, fast-unrecoverable, peterson, filter,
                             tournament, ticket, or bypass; for comparison pthread (robust) or flock;
                             and none shows what gets lost
  -t, --threads              Threads of one process instead of processes
  -h, --help                 This text
";

#[derive(Debug)]
pub struct Arguments {
    processes: Option<u32>,
    iterations: Option<u32>,
    pub lock: LockName,
    threads: bool,
    /// The files whose lines are counted.
    pub files: Vec<PathBuf>,
    /// How this program tells a process that it starts what it is to do.
    pub worker: Option<Worker>,
}

/// What the parent tells a process that it starts, as one word: `NUMBER,MEMORY,LENGTH...`.
#[derive(Clone, Debug)]
pub struct Worker {
    /// Which one it is, from 0.
    pub number: u32,
    /// Where the parent's shared memory is.
    pub memory: PathBuf,
    /// The files' lengths as the parent has found them.
    pub lengths: Vec<u64>,
}

impl fmt::Display for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.number, self.memory.display())?;
        self.lengths.iter().try_for_each(|length| write!(f, ",{length}"))
    }
}

impl FromStr for Worker {
    type Err = Box<dyn Error + Send + Sync>;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let mut words = word.split(',');
        let mut next = || words.next().ok_or("NUMBER,MEMORY,LENGTH...");
        let (number, memory) = (next()?.parse()?, next()?.into());
        Ok(Self { number, memory, lengths: words.map(str::parse).collect::<Result<_, _>>()? })
    }
}

/// Who adds the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Processes,
    Threads,
}

impl Arguments {
    /// `None` if it is the help that is asked for.
    pub fn parse() -> Result<Option<Self>, lexopt::Error> {
        let mut it = Self {
            processes: None,
            iterations: None,
            lock: LockName::BAKERY,
            threads: false,
            files: Vec::new(),
            worker: None,
        };
        let mut parser = Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Short('p') | Arg::Long("processes") => {
                    it.processes = Some(number(&mut parser, 1..=1000)?);
                }
                Arg::Short('i') | Arg::Long("iterations") => {
                    it.iterations = Some(number(&mut parser, 1..=1_000_000)?);
                }
                Arg::Short('l') | Arg::Long("lock") => it.lock = parser.value()?.parse()?,
                Arg::Short('t') | Arg::Long("threads") => it.threads = true,
                Arg::Short('h') | Arg::Long("help") => return Ok(None),
                Arg::Long("worker") => it.worker = Some(parser.value()?.parse()?),
                Arg::Value(file) => it.files.push(file.into()),
                _ => return Err(argument.unexpected()),
            }
        }
        if it.iterations.is_some() && !it.files.is_empty() {
            return Err("--iterations cannot be used with files".into());
        }
        Ok(Some(it))
    }

    pub fn scope(&self) -> Scope {
        if self.threads { Scope::Threads } else { Scope::Processes }
    }

    pub fn participants(&self) -> u32 {
        self.processes.unwrap_or(if self.lock == LockName::PETERSON { 2 } else { 5 })
    }

    pub fn iterations(&self) -> u32 {
        self.iterations.unwrap_or(if self.lock == LockName::PETERSON { 50 } else { 20 })
    }
}

fn number(parser: &mut Parser, range: RangeInclusive<u32>) -> Result<u32, lexopt::Error> {
    parser.value()?.parse_with(|text| match text.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(format!("a number from {} to {} is wanted", range.start(), range.end())),
    })
}
