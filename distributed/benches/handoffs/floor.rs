//! What the locks protect: it sees who comes in, and that nobody else is in there.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::time::sleep;

pub struct Floor {
    /// How long each one works inside.
    work: Duration,
    is_taken: AtomicBool,
    is_over: AtomicBool,
    passages: Mutex<Vec<Passage>>,
}

/// Once in.
#[derive(Clone, Copy)]
pub struct Passage {
    pub client: usize,
    /// When it began to ask for the lock.
    pub asked: Instant,
    /// When it was in.
    pub entered: Instant,
}

/// What whoever has got the lock does.
pub struct Visit<'f> {
    floor: &'f Floor,
    client: usize,
    asked: Instant,
}

impl Floor {
    pub fn new(work: Duration) -> Self {
        Self { work, is_taken: false.into(), is_over: false.into(), passages: Mutex::default() }
    }

    /// A visit of one that asks for the lock now.
    pub fn visit(&self, client: usize) -> Visit<'_> {
        Visit { floor: self, client, asked: Instant::now() }
    }

    fn push(&self, client: usize, asked: Instant) {
        let passage = Passage { client, asked, entered: Instant::now() };
        self.passages.lock().unwrap_or_else(PoisonError::into_inner).push(passage);
    }

    /// Nobody is to ask for the lock any more.
    pub fn close(&self) {
        self.is_over.store(true, SeqCst);
    }

    pub fn is_over(&self) -> bool {
        self.is_over.load(SeqCst)
    }

    /// In their order.
    pub fn passages(&self) -> Vec<Passage> {
        self.passages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Visit<'_> {
    /// Whether it has come to nothing: the time is over. Its wait counts as far as it went.
    pub fn is_over(&self) -> bool {
        let is_over = self.floor.is_over();
        if is_over {
            self.floor.push(self.client, self.asked);
        }
        is_over
    }

    /// Is inside.
    pub async fn inside(self) -> Result<()> {
        let Self { floor, client, asked } = self;
        ensure!(!floor.is_taken.swap(true, SeqCst), "two are inside");
        floor.push(client, asked);
        if !floor.work.is_zero() {
            sleep(floor.work).await;
        }
        floor.is_taken.store(false, SeqCst);
        Ok(())
    }
}
