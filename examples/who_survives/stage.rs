//! One lock, for one case.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::board::{Board, path_of};
use crate::cli::{Arguments, Orders};
use crate::locks::{LockName, Memory};
use crate::process::Process;

/// For how long nobody gets in where nobody should.
pub const WATCH: Duration = Duration::from_millis(500);

pub struct Stage<'a> {
    pub lock: LockName,
    memory: Memory,
    board: &'a Board,
    pub bound: Duration,
    /// How many deaths are timed.
    pub rounds: u32,
}

impl<'a> Stage<'a> {
    pub fn new(lock: LockName, board: &'a Board, arguments: &Arguments) -> Result<Self> {
        let memory = lock.create()?;
        Ok(Self { lock, memory, board, bound: arguments.bound, rounds: arguments.rounds })
    }

    /// How often to do what takes longer than a death.
    pub fn longer_rounds(&self) -> u32 {
        self.rounds.div_ceil(5)
    }

    fn orders(&self, alone: bool) -> Orders {
        let (memory, board) = (path_of(&self.memory), path_of(self.board));
        Orders { lock: self.lock, memory, board, bound: self.bound, alone }
    }

    /// A process that may go for the lock.
    pub fn process(&self) -> Result<Process> {
        Process::start(&self.orders(false))?.context("a process cannot be had")
    }

    /// The same, in a pid namespace of its own, if that is possible.
    pub fn process_alone(&self) -> Result<Option<Process>> {
        Process::start(&self.orders(true))
    }

    pub fn processes(&self, number: usize) -> Result<Vec<Process>> {
        (0..number).map(|_| self.process()).collect()
    }

    /// A process that has the lock.
    pub fn holder(&self) -> Result<Process> {
        let mut process = self.process()?;
        process.get_in()?;
        Ok(process)
    }

    /// A process that waits for it.
    pub fn waiter(&self) -> Result<Process> {
        let mut process = self.process()?;
        process.queue()?;
        Ok(process)
    }

    /// Whether a further process gets in while nobody should.
    pub fn lets_one_in(&self) -> Result<bool> {
        let mut process = self.process()?;
        process.go()?;
        Ok(process.entry(WATCH)?.is_some())
    }
}
