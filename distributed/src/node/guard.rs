//! A node inside.

use tokio::sync::oneshot;

use super::{Error, Node, Result, Run};
use crate::algorithm::{Entered, Lock};

/// A node inside. Dropped, it unlocks.
///
/// These algorithms know no time: the others wait for as long as this node is inside, and also when it is
/// stopped or cut off. So a guard is not lost while its node lives. Whoever takes a node for dead that is
/// not, and starts it again elsewhere, has two inside: give the [token](Self::token) to what the lock
/// protects, and have it refuse a smaller one than it has seen.
#[derive(Debug)]
#[must_use = "a guard that is dropped at once releases the lock at once"]
pub struct Guard<'n, A: Run<Request = Lock, Answer = Entered>> {
    node: &'n mut Node<A>,
    token: u64,
}

impl<'n, A: Run<Request = Lock, Answer = Entered>> Guard<'n, A> {
    pub(super) fn new(node: &'n mut Node<A>, token: u64) -> Self {
        node.is_inside = true;
        Self { node, token }
    }

    /// Greater than that of everybody who was inside before, unless all nodes died at once: a fencing token.
    #[must_use]
    pub fn token(&self) -> u64 {
        self.token
    }

    /// Unlocks: when it comes back, the others are being told.
    ///
    /// # Errors
    ///
    /// [`Error::Ended`].
    pub async fn unlock(self) -> Result<()> {
        let (done, is_done) = oneshot::channel();
        self.node.is_inside = false;
        self.node.command(Lock::Leave, Some(done))?;
        is_done.await.map_err(|_| Error::Ended)
    }
}

impl<A: Run<Request = Lock, Answer = Entered>> Drop for Guard<'_, A> {
    fn drop(&mut self) {
        if std::mem::take(&mut self.node.is_inside) {
            // One that has ended is not inside any more.
            let _ = self.node.ask(Lock::Leave);
        }
    }
}
