//! This library's locks.

use std::fs::File;

use anyhow::Result;
use bakery_lock::shared::{Kind, Mutex, Options, Participant};

use crate::contender::{Contender, Entry};

pub struct Ours(Participant<u64>);

impl Ours {
    pub fn join(kind: Kind, memory: File) -> Result<Self> {
        // For the rest of the process's life, so that the participant may borrow from it.
        let mutex: &'static Mutex<u64> =
            Box::leak(Box::new(Options::new().kind(kind).attach_fd(memory)?));
        Ok(Self(mutex.join()?))
    }
}

impl Contender for Ours {
    fn lock(&mut self, inside: &mut dyn FnMut(Entry) -> Result<()>) -> Result<()> {
        let mut entry = Entry::Clean;
        let _guard = self.0.lock_or_repair(|_, death| entry = Entry::ThisOwnerDied(death.pid))?;
        inside(entry)
    }

    fn try_lock(&mut self, inside: &mut dyn FnMut(Entry) -> Result<()>) -> Result<bool> {
        let Some(_guard) = self.0.try_lock()? else { return Ok(false) };
        inside(Entry::Clean)?;
        Ok(true)
    }
}
