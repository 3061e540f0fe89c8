//! A node of an [algorithm](crate::algorithm) that runs: one of several processes that lock by messages alone.
//!
//! ```no_run
//! # async fn lock() -> Result<(), Box<dyn std::error::Error>> {
//! use bakery_distributed::algorithm::RicartAgrawala;
//! use bakery_distributed::node::{Config, Node, next_life};
//!
//! let nodes = ["10.0.0.1:7000", "10.0.0.2:7000", "10.0.0.3:7000"];
//! let nodes = nodes.iter().map(|node| node.parse()).collect::<Result<Vec<_>, _>>()?;
//! let life = next_life("/var/lib/lines/life".as_ref())?;
//! let mut node = Node::<RicartAgrawala>::start(Config::new(0, life, nodes)).await?;
//! let guard = node.lock().await?;
//! println!("inside, with token {}", guard.token());
//! guard.unlock().await?;
//! # Ok(())
//! # }
//! ```
//!
//! A node takes part for as long as it is kept, also while its program wants nothing: the others need its
//! answers. What happens when one is gone, each algorithm says in its first lines.

mod config;
mod connections;
mod error;
mod guard;
mod journal;
mod life;
pub mod memory;
mod run;
mod runs;

pub use config::Config;
pub use error::{Error, Result};
pub use guard::Guard;
pub use life::next_life;
pub use run::Status;
pub use runs::{Exclude, Run};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::algorithm::Lock;
use run::{Command, Running};

/// A node that runs. Dropped, it ends, as if its process had died.
///
/// It works on the tokio runtime that it was started on.
#[derive(Debug)]
pub struct Node<A: Run> {
    commands: mpsc::UnboundedSender<Command<A::Request>>,
    answers: mpsc::UnboundedReceiver<(u64, A::Answer)>,
    status: watch::Receiver<Status>,
    task: JoinHandle<()>,
    /// How often something was asked for.
    asked: u64,
    /// Whether there was a guard that did not unlock.
    is_inside: bool,
}

impl<A: Run> Node<A> {
    /// Starts this node: it listens, and connects to the others.
    ///
    /// # Errors
    ///
    /// [`Error::BadConfig`]; [`Error::BadJournal`]; [`Error::Unlistenable`] if it cannot listen at its address.
    pub async fn start(config: Config) -> Result<Self> {
        config.check()?;
        let (commands, to_do) = mpsc::unbounded_channel();
        let (say, answers) = mpsc::unbounded_channel();
        let (show, status) = watch::channel(Status::default());
        let running = Running::<A>::begin(config, to_do, say, show).await?;
        let task = tokio::spawn(running.go_on());
        Ok(Self { commands, answers, status, task, asked: 0, is_inside: false })
    }

    /// Asks for something. Answers to it have the number that this gives.
    ///
    /// # Errors
    ///
    /// [`Error::Ended`].
    pub fn ask(&mut self, request: A::Request) -> Result<u64> {
        self.command(request, None)
    }

    /// The next answer, and the number of what was asked for last when it was given.
    ///
    /// # Errors
    ///
    /// [`Error::Ended`].
    pub async fn answer(&mut self) -> Result<(u64, A::Answer)> {
        self.answers.recv().await.ok_or(Error::Ended)
    }

    /// How it stands with the others. It changes.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Ends it. Nothing is left of it when this comes back, and nothing was said to the others.
    pub async fn stop(mut self) {
        // It goes on for as long as somebody may ask for something.
        self.commands = mpsc::unbounded_channel().0;
        // Whether it had ended by itself makes no difference any more.
        let _ = (&mut self.task).await;
    }

    fn command(&mut self, request: A::Request, done: Option<oneshot::Sender<()>>) -> Result<u64> {
        self.asked += 1;
        let number = self.asked;
        let command = Command { number, request, done };
        self.commands.send(command).map_err(|_| Error::Ended)?;
        Ok(number)
    }
}

impl<A: Exclude> Node<A> {
    /// Waits for this node's turn.
    ///
    /// A future that is dropped gives up.
    ///
    /// # Errors
    ///
    /// [`Error::Behind`] if a node that is away has been sent too much already; [`Error::Ended`].
    pub async fn lock(&mut self) -> Result<Guard<'_, A>> {
        let (kept, most) = {
            let status = self.status.borrow();
            (status.kept, status.most_kept)
        };
        if kept > most {
            return Err(Error::Behind { kept });
        }
        // Of a guard that was forgotten.
        if std::mem::take(&mut self.is_inside) {
            self.ask(A::request(Lock::Leave))?;
        }
        let number = self.ask(A::request(Lock::Enter))?;
        let mut attempt = Attempt { node: Some(self) };
        loop {
            let Some(node) = attempt.node.as_mut() else { return Err(Error::Ended) };
            let (to, answer) = node.answer().await?;
            // The answer to one that was given up meanwhile is none to this one.
            if to == number
                && let Some(token) = A::token(&answer)
                && let Some(node) = attempt.node.take()
            {
                return Ok(Guard::new(node, token));
            }
        }
    }
}

/// One that waits. Dropped, it gives up.
struct Attempt<'n, A: Exclude> {
    node: Option<&'n mut Node<A>>,
}

impl<A: Exclude> Drop for Attempt<'_, A> {
    fn drop(&mut self) {
        if let Some(node) = &mut self.node {
            // One that has ended wants nothing any more.
            let _ = node.ask(A::request(Lock::Leave));
        }
    }
}

impl<A: Run> Drop for Node<A> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(doctest)]
#[doc = include_str!("../../docs/messages.md")]
mod page {}
