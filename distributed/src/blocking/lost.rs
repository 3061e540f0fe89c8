//! Being told that a lock is lost.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

use super::runtime::block_on;
use crate::lease::Lease;

/// What a thread waits on that is to be told when the lock is lost: [`lost`](super::Blocking::lost) of a guard
/// gives it. It borrows nothing, and any number of threads may wait.
#[derive(Clone)]
pub struct Lost {
    pub(super) runtime: Handle,
    pub(super) lease: Arc<Lease>,
    pub(super) held: watch::Receiver<()>,
}

/// What became of a guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It [is lost](crate::Guard::is_lost).
    Lost,
    /// It was unlocked or dropped.
    Unlocked,
}

impl Lost {
    /// Blocks until the lock is lost, 5 % of the session's time before the engine could give it away; or
    /// unlocked.
    #[must_use]
    pub fn wait(&self) -> End {
        block_on(&self.runtime, self.end())
    }

    /// Blocks as [`wait`](Self::wait) does, but not longer than this: `None` if the time is over.
    #[must_use]
    pub fn wait_for(&self, time: Duration) -> Option<End> {
        block_on(&self.runtime, async { timeout(time, self.end()).await.ok() })
    }

    pub(super) async fn end(&self) -> End {
        let mut held = self.held.clone();
        tokio::select! {
            // The lease ends too when a participant leaves that has unlocked before.
            biased;
            _ = held.changed() => End::Unlocked,
            () = self.lease.over() => End::Lost,
        }
    }
}

impl fmt::Debug for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lost").field("time_left", &self.lease.left()).finish_non_exhaustive()
    }
}
