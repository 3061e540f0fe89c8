//! Who has not been heard of for long: a suspicion, and no more. Such a node may be dead, stopped, cut off,
//! slow, or about to be heard of.
//!
//! No I/O, no clock: the time is what the caller says.

use std::time::Duration;

use crate::algorithm::{Id, Nodes};

/// When each node was heard of.
#[derive(Clone, Debug)]
pub struct Silence {
    patience: Duration,
    heard: Vec<Duration>,
}

impl Silence {
    /// For so many nodes, of which each may be silent for so long from now on.
    #[must_use]
    pub fn new(nodes: Id, patience: Duration, now: Duration) -> Self {
        Self { patience, heard: vec![now; nodes.into()] }
    }

    /// This one was heard of.
    pub fn heard(&mut self, node: Id, now: Duration) {
        if let Some(heard) = self.heard.get_mut(usize::from(node)) {
            *heard = now.max(*heard);
        }
    }

    /// Nobody has been silent until now, as far as can be said: whoever was to hear them was away.
    pub fn forgive(&mut self, now: Duration) {
        self.heard.iter_mut().for_each(|heard| *heard = now.max(*heard));
    }

    /// Whether this one has been silent for too long.
    #[must_use]
    pub fn is_silent(&self, node: Id, now: Duration) -> bool {
        let heard = self.heard.get(usize::from(node));
        heard.is_some_and(|&heard| now.saturating_sub(heard) > self.patience)
    }

    /// All who have.
    #[must_use]
    pub fn silent(&self, now: Duration) -> Nodes {
        (0..)
            .zip(&self.heard)
            .map(|(node, _)| node)
            .filter(|&node| self.is_silent(node, now))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Silence;
    use std::time::Duration;

    #[test]
    fn whoever_is_not_heard_of_is_suspected_until_it_is() {
        let at = Duration::from_secs;
        let mut silence = Silence::new(3, at(5), at(10));
        assert!(silence.silent(at(15)).is_empty());
        silence.heard(1, at(12));
        silence.heard(7, at(12));
        // One that was heard of earlier does not take back that it was later.
        silence.heard(1, at(11));
        assert_eq!(silence.silent(at(16)), [0, 2].into_iter().collect());
        assert_eq!(silence.silent(at(18)), [0, 1, 2].into_iter().collect());
        silence.heard(0, at(18));
        assert_eq!(silence.silent(at(18)), [1, 2].into_iter().collect());
        silence.forgive(at(20));
        assert!(silence.silent(at(25)).is_empty());
        assert_eq!(silence.silent(at(26)).len(), 3);
        // A clock that goes back suspects nobody.
        assert!(silence.silent(at(0)).is_empty());
    }
}
