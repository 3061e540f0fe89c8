//! A node inside.

use tokio::sync::{mpsc, oneshot};

use super::{Error, Exclude, Node, Result};
use crate::algorithm::Lock;

/// A node inside. Dropped, it unlocks.
///
/// It may not be alone there, by what its algorithm says in its first lines. Under
/// [`Coordinator`](crate::algorithm::Coordinator) the others go on without one that they take for dead, and
/// under [`ReplicatedLock`](crate::algorithm::ReplicatedLock) without one that was expired; under the others
/// they wait, unless it is started again elsewhere. Nothing can tell a node that is stopped or cut off: give
/// the [token](Self::token) to what the lock protects, and have it refuse a smaller one than it has seen.
#[derive(Debug)]
#[must_use = "a guard that is dropped at once releases the lock at once"]
pub struct Guard<'n, A: Exclude> {
    node: &'n mut Node<A>,
    token: u64,
    is_lost: bool,
}

impl<'n, A: Exclude> Guard<'n, A> {
    pub(super) fn new(node: &'n mut Node<A>, token: u64) -> Self {
        node.is_inside = true;
        Self { node, token, is_lost: false }
    }

    /// Greater than that of everybody who was inside before, unless all nodes died at once and forgot: a fencing
    /// token.
    #[must_use]
    pub fn token(&self) -> u64 {
        self.token
    }

    /// Whether this node has been told that it is not inside any more: under
    /// [`ReplicatedLock`](crate::algorithm::ReplicatedLock), that it was expired. Or the node has ended.
    pub fn is_lost(&mut self) -> bool {
        while !self.is_lost {
            match self.node.answers.try_recv() {
                Ok((_, answer)) => self.is_lost = A::token(&answer).is_none(),
                Err(mpsc::error::TryRecvError::Empty) => return false,
                Err(mpsc::error::TryRecvError::Disconnected) => self.is_lost = true,
            }
        }
        true
    }

    /// Waits until it [is lost](Self::is_lost): for ever, if nobody says so.
    pub async fn lost(&mut self) {
        while !self.is_lost {
            match self.node.answers.recv().await {
                Some((_, answer)) => self.is_lost = A::token(&answer).is_none(),
                None => self.is_lost = true,
            }
        }
    }

    /// Unlocks: when it comes back, the others are being told.
    ///
    /// # Errors
    ///
    /// [`Error::Ended`].
    pub async fn unlock(self) -> Result<()> {
        let (done, is_done) = oneshot::channel();
        self.node.is_inside = false;
        self.node.command(A::request(Lock::Leave), Some(done))?;
        is_done.await.map_err(|_| Error::Ended)
    }
}

impl<A: Exclude> Drop for Guard<'_, A> {
    fn drop(&mut self) {
        if std::mem::take(&mut self.node.is_inside) {
            // One that has ended is not inside any more.
            let _ = self.node.ask(A::request(Lock::Leave));
        }
    }
}
