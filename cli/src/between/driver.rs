//! The runtime, which is driven by a thread of its own: it renews the session while this one waits for its
//! command. Signals are this thread's.

use std::io;
use std::thread::{self, JoinHandle};

use tokio::net::unix::pipe::Receiver;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinHandle as Task;

use crate::exit::{Failure, status};
use crate::signals;

/// A runtime, until it is dropped.
pub struct Driver {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Driver {
    /// # Errors
    ///
    /// The operating system has no thread, or no descriptors.
    pub fn start() -> Result<Self, Failure> {
        let failed = |error: io::Error| {
            Failure::new(status::SYSTEM, format!("cannot begin to talk to the engine: {error}"))
        };
        let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let drive = move || {
            signals::leave_to_others();
            let _ = runtime.block_on(stopped);
            // Not for a name that is still looked up.
            runtime.shutdown_background();
        };
        let thread = thread::Builder::new().name("engine".into()).spawn(drive).map_err(failed)?;
        Ok(Self { handle, stop: Some(stop), thread: Some(thread) })
    }

    /// Waits for an answer on this thread.
    pub fn wait<F: Future>(&self, answer: F) -> F::Output {
        self.handle.block_on(answer)
    }

    /// Has this go on beside.
    pub fn beside(&self, task: impl Future<Output = ()> + Send + 'static) -> Task<()> {
        self.handle.spawn(task)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Tells of each signal that is [noted](signals::Noted) from here on.
pub struct CalledOff {
    told: Receiver,
}

impl CalledOff {
    /// # Errors
    ///
    /// There are no descriptors.
    pub fn begin(driver: &Driver) -> Result<Self, Failure> {
        let told: io::Result<Receiver> = io::pipe().and_then(|(read, write)| {
            let told = driver.wait(async { Receiver::from_owned_fd(read.into()) })?;
            signals::tell_by(write);
            Ok(told)
        });
        told.map(|told| Self { told })
            .map_err(|error| Failure::new(status::SYSTEM, format!("cannot note signals: {error}")))
    }

    /// Comes back when one has come that has not been told of yet.
    pub async fn comes(&self) {
        let mut one = [0];
        while self.told.readable().await.is_ok() {
            if self.told.try_read(&mut one).is_ok() {
                return;
            }
        }
    }
}

impl Drop for CalledOff {
    fn drop(&mut self) {
        signals::tell_nobody();
    }
}
