//! Nodes by their numbers.

use std::fmt;

/// A node's number, from 0.
pub type Id = u8;

/// The least term that is greater than this one and that no other of so many nodes draws.
pub(crate) fn next_term(term: u32, me: Id, nodes: Id) -> u32 {
    (term / u32::from(nodes) + 1) * u32::from(nodes) + u32::from(me)
}

/// Some of up to 64 nodes.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Nodes(u64);

impl Nodes {
    /// None.
    pub const NONE: Self = Self(0);

    /// All of so many but one.
    ///
    /// # Panics
    ///
    /// If there are more than 64.
    #[must_use]
    pub fn others(nodes: Id, me: Id) -> Self {
        assert!(nodes <= 64, "{nodes} nodes are more than 64");
        (0..nodes).filter(|&node| node != me).collect()
    }

    /// With this one as well. Whether it is new.
    pub fn insert(&mut self, node: Id) -> bool {
        let is_new = !self.contains(node);
        self.0 |= Self::bit(node);
        is_new
    }

    /// Without this one. Whether it was there.
    pub fn remove(&mut self, node: Id) -> bool {
        let was_there = self.contains(node);
        self.0 &= !Self::bit(node);
        was_there
    }

    /// Whether this one is among them.
    #[must_use]
    pub fn contains(self, node: Id) -> bool {
        self.0 & Self::bit(node) != 0
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many there are.
    #[must_use]
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Each.
    pub fn iter(self) -> impl Iterator<Item = Id> {
        (0..64).filter(move |&node| self.contains(node))
    }

    fn bit(node: Id) -> u64 {
        1_u64.checked_shl(node.into()).unwrap_or(0)
    }
}

impl FromIterator<Id> for Nodes {
    fn from_iter<I: IntoIterator<Item = Id>>(nodes: I) -> Self {
        let mut all = Self::NONE;
        for node in nodes {
            all.insert(node);
        }
        all
    }
}

impl fmt::Debug for Nodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
