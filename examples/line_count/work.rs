//! What each participant does: add lines of its own, or count those of files.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::attempts::Attempt;
use crate::cli::Arguments;
use crate::lock::{Adder, Count};

/// How many bytes of a file are counted at a time.
const CHUNK: u64 = 1 << 20;

/// Between reading and writing the count, so that others come meanwhile, as they would to a slow
/// printer.
const MOMENT: Duration = Duration::from_micros(50);

/// A program of work for one participant.
pub enum Work {
    Iterations(u32),
    Files(Vec<Input>),
}

/// A file and its length when the work was planned: what is appended meanwhile is not counted.
#[derive(Debug)]
pub struct Input {
    path: PathBuf,
    pub length: u64,
}

impl Input {
    fn chunks(&self) -> u64 {
        self.length.div_ceil(CHUNK)
    }
}

impl Work {
    /// Finds out whether all files can be read before anything is begun.
    pub fn plan(arguments: &Arguments) -> Result<Self> {
        let length = |path: &Path| -> Result<u64> {
            let file = File::open(path)?;
            let metadata = file.metadata()?;
            if metadata.is_dir() {
                bail!("is a directory; name the files in it");
            }
            if !metadata.is_file() {
                bail!("is not a regular file");
            }
            Ok(metadata.len())
        };
        let lengths: Vec<_> = arguments
            .files
            .iter()
            .map(|path| length(path).with_context(|| format!("{}", path.display())))
            .collect::<Result<_>>()?;
        Ok(Self::with_lengths(arguments, &lengths))
    }

    /// The same work in a process that was told the lengths.
    pub fn with_lengths(arguments: &Arguments, lengths: &[u64]) -> Self {
        if arguments.files.is_empty() {
            return Self::Iterations(arguments.iterations());
        }
        let input =
            |(path, length): (&PathBuf, &u64)| Input { path: path.clone(), length: *length };
        Self::Files(arguments.files.iter().zip(lengths).map(input).collect())
    }

    /// How many times all participants together will have the lock.
    pub fn attempts(&self, participants: u32) -> u64 {
        match self {
            Self::Iterations(each) => u64::from(*each) * u64::from(participants),
            Self::Files(inputs) => {
                inputs.iter().map(Input::chunks).sum::<u64>() + u64::from(participants)
            }
        }
    }

    /// Does one participant's share, reports each attempt, and says how many lines it has added.
    pub fn run(
        &self,
        adder: &mut dyn Adder,
        report: &mut dyn FnMut(Attempt) -> Result<()>,
    ) -> Result<u64> {
        match self {
            Self::Iterations(each) => {
                for _ in 0..*each {
                    report(adder.add(&mut |count| {
                        let lines = count.lines;
                        thread::sleep(MOMENT);
                        count.lines = lines + 1;
                    })?)?;
                }
                Ok(u64::from(*each))
            }
            Self::Files(inputs) => count_files(inputs, adder, report),
        }
    }
}

/// Takes chunk after chunk until there are none: each time it has the lock, a participant adds what
/// it has found and takes the next number.
fn count_files(
    inputs: &[Input],
    adder: &mut dyn Adder,
    report: &mut dyn FnMut(Attempt) -> Result<()>,
) -> Result<u64> {
    let mut buffer = Vec::new();
    let (mut found, mut total) = (0, 0);
    loop {
        let mut number = 0;
        report(adder.add(&mut |count: &mut Count| {
            count.lines += found;
            number = count.chunks;
            count.chunks += 1;
        })?)?;
        total += found;
        let Some((input, offset)) = chunk(inputs, number) else { return Ok(total) };
        found = count_chunk(input, offset, &mut buffer)
            .with_context(|| format!("{}", input.path.display()))?;
    }
}

/// The file and the offset of a chunk, all files being laid end to end.
fn chunk(inputs: &[Input], mut number: u64) -> Option<(&Input, u64)> {
    for input in inputs {
        if number < input.chunks() {
            return Some((input, number * CHUNK));
        }
        number -= input.chunks();
    }
    None
}

#[expect(clippy::naive_bytecount, reason = "reading takes longer, and it needs no dependency")]
fn count_chunk(input: &Input, offset: u64, buffer: &mut Vec<u8>) -> Result<u64> {
    let length = CHUNK.min(input.length - offset);
    buffer.resize(usize::try_from(length)?, 0);
    let file = File::open(&input.path)?;
    file.read_exact_at(buffer, offset).context("it has become shorter")?;
    Ok(buffer.iter().filter(|byte| **byte == b'\n').count() as u64)
}
