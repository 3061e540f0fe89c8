//! The command line.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Parser;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::locks::LockName;

/// Puts locks between processes through the same deaths and queues, and prints what came of it
///
/// The exit status is 0 if this library's locks did in each case as they should.
#[derive(Debug, Parser)]
#[command(name = "who_survives", max_term_width = 100)]
pub struct Arguments {
    /// The locks [default: all]
    #[arg(value_name = "LOCK", default_values = LockName::names(), hide_default_value = true, value_parser = PossibleValuesParser::new(LockName::names()).try_map(|name| name.parse::<LockName>()))]
    pub locks: Vec<LockName>,

    /// The table in Markdown
    #[arg(short, long)]
    pub markdown: bool,

    /// How many deaths are timed; of what takes longer, a fifth as many
    #[arg(short, long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub rounds: u32,

    /// After how many seconds a lock that nobody gets is stuck
    #[arg(short, long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=60))]
    bound: u32,

    /// How this program tells a process that it starts what it is to do.
    #[arg(long, hide = true)]
    pub worker: Option<Orders>,
}

impl Arguments {
    pub fn bound(&self) -> Duration {
        Duration::from_secs(self.bound.into())
    }
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
