//! The command line.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Parser;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::lock::LockName;

/// Adds lines to one shared count, from several processes, under a lock
///
/// Without files, each process adds its iterations one line at a time. With files, the processes
/// take the files' chunks in turn and add the lines that they find there; the total is that of `wc
/// -l`. The exit status is 0 if the total is right.
#[derive(Debug, Parser)]
#[command(name = "line_count", max_term_width = 100)]
pub struct Arguments {
    /// How many processes [default: 5; with peterson, which is for two: 2]
    #[arg(short, long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    processes: Option<u32>,

    /// How many lines each of them adds [default: 20; with peterson: 50]
    #[arg(short, long, conflicts_with = "files", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    iterations: Option<u32>,

    /// The lock; pthread (robust) and flock are for comparison, and none shows what gets lost
    #[arg(short, long, default_value = "bakery", value_parser = PossibleValuesParser::new(LockName::NAMES).try_map(|name| name.parse::<LockName>()))]
    pub lock: LockName,

    /// Threads of one process instead of processes
    #[arg(short, long)]
    threads: bool,

    /// The files whose lines are counted
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// How this program tells a process that it starts what it is to do.
    #[arg(long, hide = true)]
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
