//! The runtime on which a participant has joined, and what has to run there to its end.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio::task::AbortHandle;

#[derive(Debug)]
pub(crate) struct Runtime {
    handle: Handle,
    /// Of a task that ends with the runtime only.
    pulse: AbortHandle,
}

impl Runtime {
    /// The one on which this is called.
    pub(crate) fn current() -> Self {
        let pulse = tokio::spawn(std::future::pending::<()>()).abort_handle();
        Self { handle: Handle::current(), pulse }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.pulse.is_finished()
    }

    /// Runs this in the background.
    pub(crate) fn spawn(&self, future: impl Future<Output: Send + 'static> + Send + 'static) {
        self.handle.spawn(future);
    }

    /// Runs this to its end, whoever stops waiting for it. As long as somebody does, it runs there, and no task
    /// has to be woken on its account.
    pub(crate) fn to_its_end<F>(&self, future: F) -> ToItsEnd<F>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        ToItsEnd { handle: self.handle.clone(), rest: Some(Box::pin(future)) }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.pulse.abort();
    }
}

/// Dropped before its end, it goes on in the background.
pub(crate) struct ToItsEnd<F>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    handle: Handle,
    /// `None` once it has ended.
    rest: Option<Pin<Box<F>>>,
}

impl<F> Future for ToItsEnd<F>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // Whoever waits need not be in a runtime.
        let handle = self.handle.clone();
        let _inside = handle.enter();
        let Some(rest) = &mut self.rest else { return Poll::Pending };
        let polled = rest.as_mut().poll(context);
        if polled.is_ready() {
            self.rest = None;
        }
        polled
    }
}

impl<F> Drop for ToItsEnd<F>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    fn drop(&mut self) {
        if let Some(rest) = self.rest.take() {
            self.handle.spawn(rest);
        }
    }
}
