//! What all locks have in common here.

use anyhow::Result;

/// What the lock tells the one who gets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Nothing.
    Clean,
    /// That the one who was in last has died there.
    OwnerDied,
    /// And which process that was.
    ThisOwnerDied(u32),
}

/// Somebody who may hold the lock.
pub trait Contender {
    /// Waits for the lock, does this, and releases it.
    fn lock(&mut self, inside: &mut dyn FnMut(Entry) -> Result<()>) -> Result<()>;

    /// The same if nobody is in the way. Whether nobody was.
    fn try_lock(&mut self, inside: &mut dyn FnMut(Entry) -> Result<()>) -> Result<bool>;
}
