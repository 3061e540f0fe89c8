//! The locks by name, and the memory that each is in.

use std::fmt;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::str::FromStr;

use anyhow::Result;
use bakery_lock::shared::{Kind, Mutex, Options};

use crate::contender::Contender;
use crate::ours::Ours;
use crate::peers::{self, FileLock, Flock, Pthread, Semaphore};

/// One of this library's locks, or one to compare it with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockName {
    /// `PTHREAD_PROCESS_SHARED` and `PTHREAD_MUTEX_ROBUST`.
    PthreadRobust,
    /// `PTHREAD_PROCESS_SHARED`, and no more.
    Pthread,
    /// `sem_init` for processes.
    Semaphore,
    /// `flock(2)`.
    Flock,
    /// `F_SETLKW`.
    Fcntl,
    /// `F_OFD_SETLKW`.
    Ofd,
    Ours(Kind),
}

impl LockName {
    pub const ALL: [Self; 11] = [
        Self::PthreadRobust,
        Self::Pthread,
        Self::Semaphore,
        Self::Flock,
        Self::Fcntl,
        Self::Ofd,
        Self::Ours(Kind::Bakery),
        Self::Ours(Kind::BlackWhite),
        Self::Ours(Kind::Ticket),
        Self::Ours(Kind::Bypass),
        Self::Ours(Kind::Peterson),
    ];

    fn name(self) -> &'static str {
        match self {
            Self::PthreadRobust => "pthread-robust",
            Self::Pthread => "pthread",
            Self::Semaphore => "semaphore",
            Self::Flock => "flock",
            Self::Fcntl => "fcntl",
            Self::Ofd => "ofd",
            Self::Ours(Kind::BlackWhite) => "black-white",
            Self::Ours(Kind::Ticket) => "ticket",
            Self::Ours(Kind::Bypass) => "bypass",
            Self::Ours(Kind::Peterson) => "peterson",
            Self::Ours(_) => "bakery",
        }
    }

    /// How often one in line may be passed by its own account.
    pub fn most_bypasses(self) -> u64 {
        if self == Self::Ours(Kind::Bypass) { 1024 } else { 0 }
    }

    /// For how many processes at a time.
    pub fn room(self) -> usize {
        if self == Self::Ours(Kind::Peterson) { 2 } else { usize::MAX }
    }

    /// Makes one.
    pub fn create(self) -> Result<Memory> {
        Ok(match self {
            Self::Ours(kind) => Memory::Ours(Options::new().kind(kind).anonymous(0)?),
            _ => Memory::Peer(peers::create()?),
        })
    }

    /// Becomes one of those who may hold the lock that is in this memory.
    pub fn contender(self, memory: File) -> Result<Box<dyn Contender>> {
        Ok(match self {
            Self::PthreadRobust => Box::new(Pthread::robust(&memory)?),
            Self::Pthread => Box::new(Pthread::plain(&memory)?),
            Self::Semaphore => Box::new(Semaphore::attach(&memory)?),
            Self::Flock => Box::new(Flock(memory)),
            Self::Fcntl => Box::new(FileLock::of_the_process(memory)),
            Self::Ofd => Box::new(FileLock::of_the_description(memory)),
            Self::Ours(kind) => Box::new(Ours::join(kind, memory)?),
        })
    }
}

impl fmt::Display for LockName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for LockName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let lock = Self::ALL.into_iter().find(|lock| lock.name() == name);
        lock.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("there is no lock {name:?}; there are {names}")
        })
    }
}

/// What a lock is in, until this is dropped and the processes that have it have ended.
pub enum Memory {
    Ours(Mutex<u64>),
    Peer(OwnedFd),
}

impl AsFd for Memory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Ours(mutex) => mutex.as_fd(),
            Self::Peer(file) => file.as_fd(),
        }
    }
}
