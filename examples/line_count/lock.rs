//! The locks by name, and what it takes to use one.

use std::str::FromStr;

use anyhow::Result;
use bakery_lock::shared::{Kind, Participant, UnknownKind};
use zerocopy::{FromBytes, IntoBytes};

use crate::attempts::{Attempt, now};

/// What the lock protects.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes)]
#[repr(C)]
pub struct Count {
    pub lines: u64,
    /// How many of the files' chunks have been given out.
    pub chunks: u64,
}

/// One of this library's locks, one to compare it with, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockName {
    Ours(Kind),
    Pthread,
    Flock,
    None,
}

impl LockName {
    pub const BAKERY: Self = Self::Ours(Kind::Bakery);
    pub const PETERSON: Self = Self::Ours(Kind::Peterson);
}

impl FromStr for LockName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "pthread" => Ok(Self::Pthread),
            "flock" => Ok(Self::Flock),
            "none" => Ok(Self::None),
            _ => {
                let kind = name.parse().map(Self::Ours);
                kind.map_err(|error: UnknownKind| format!("{error}, pthread, flock, none"))
            }
        }
    }
}

/// Somebody who may change the count, under a lock.
pub trait Adder {
    /// Waits for the lock, changes the count, releases it, and says when what happened.
    fn add(&mut self, change: &mut dyn FnMut(&mut Count)) -> Result<Attempt>;
}

impl Adder for Participant<Count> {
    fn add(&mut self, change: &mut dyn FnMut(&mut Count)) -> Result<Attempt> {
        let begun = now();
        let waiting = self.enter()?;
        let in_line = now();
        let mut count = waiting.wait()?;
        let entered = now();
        change(&mut count);
        Ok(Attempt { begun, in_line, entered })
    }
}
