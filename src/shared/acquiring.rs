//! Locking without blocking the thread that asks.

use std::future::Future;
use std::io;
use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use crate::algorithm::Intent;
use crate::shared::Error;
use crate::shared::guard::OwnedGuard;
use crate::shared::mutex::Data;
use crate::shared::pool::{Pool, Pooled};
use crate::shared::waiting::seat::Accept;
use crate::shared::waiting::watch::Until;
use crate::wait::{Deadline, DefaultWait, Never, Wait};

/// The future of [`Mutex::lock_async`](crate::shared::Mutex::lock_async).
#[must_use = "a future does nothing until it is polled"]
pub struct Acquiring<T, W: Wait = DefaultWait> {
    state: State<W>,
    data: PhantomData<fn() -> T>,
}

enum State<W: Wait> {
    /// Not polled yet.
    Asked(Arc<Pool<W>>),
    /// A thread waits in line.
    Waiting(Arc<Post<W>>),
    Over,
}

/// Where the thread that waits and the task meet.
struct Post<W: Wait> {
    called_off: AtomicBool,
    news: Mutex<News<W>>,
}

struct News<W: Wait> {
    task: Waker,
    outcome: Option<Result<Pooled<W>, Error>>,
}

impl<W: Wait> Post<W> {
    fn with<R>(&self, f: impl FnOnce(&mut News<W>) -> R) -> R {
        f(&mut self.news.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// No end, until the future is dropped.
impl<W: Wait> Deadline for Post<W> {
    fn left(&self) -> Option<Duration> {
        (!self.called_off.load(Relaxed)).then_some(Duration::MAX)
    }
}

impl<W: Wait> Until for Post<W> {
    fn may_be_called_off(&self) -> bool {
        true
    }
}

impl<T: Data, W: Wait + 'static> Acquiring<T, W> {
    pub(super) fn new(pool: Arc<Pool<W>>) -> Self {
        Self { state: State::Asked(pool), data: PhantomData }
    }
}

/// Goes through the doorway, and in if nobody is ahead. Whether it is in.
fn enter<W: Wait>(seat: &mut Pooled<W>) -> Result<bool, Error> {
    seat.enter(Intent::Stay, &Never)?;
    seat.is_next(Accept::Sound)
}

/// Has a thread wait for the turn of one that is in line.
fn wait<W: Wait + 'static>(mut seat: Pooled<W>, task: Waker) -> Result<Arc<Post<W>>, Error> {
    let segment = seat.segment().name().to_owned();
    let news = Mutex::new(News { task, outcome: None });
    let post = Arc::new(Post { called_off: AtomicBool::new(false), news });
    let here = post.clone();
    let waits = move || {
        let outcome = seat.wait(&*here, Accept::Sound);
        // If it is called off just now, the guard is dropped with the post.
        if let Some(outcome) = outcome.map(|inside| inside.then_some(seat)).transpose() {
            let task = here.with(|news| {
                news.outcome = Some(outcome);
                news.task.clone()
            });
            // Outside of the lock: the task may be polled in there.
            task.wake();
        }
    };
    thread::Builder::new().name("bakery-lock".to_owned()).spawn(waits).map_err(Error::io::<
        io::Error,
    >(
        segment,
        "start a thread that waits",
    ))?;
    Ok(post)
}

impl<T: Data, W: Wait + 'static> Future for Acquiring<T, W> {
    type Output = Result<OwnedGuard<T, W>, Error>;

    /// # Panics
    ///
    /// If it has been ready before.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = match mem::replace(&mut self.state, State::Over) {
            State::Asked(pool) => pool.take(&Instant::now()).and_then(|mut seat| {
                if enter(&mut seat)? {
                    return Ok(Some(seat));
                }
                self.state = State::Waiting(wait(seat, cx.waker().clone())?);
                Ok(None)
            }),
            State::Waiting(post) => {
                let outcome = post.with(|news| {
                    news.task.clone_from(cx.waker());
                    news.outcome.take()
                });
                if outcome.is_none() {
                    self.state = State::Waiting(post);
                }
                outcome.transpose()
            }
            State::Over => panic!("polled after it was ready"),
        };
        match outcome {
            Ok(None) => Poll::Pending,
            Ok(Some(seat)) => Poll::Ready(Ok(OwnedGuard::new(seat))),
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

impl<T, W: Wait> Drop for Acquiring<T, W> {
    fn drop(&mut self) {
        if let State::Waiting(post) = &self.state {
            post.called_off.store(true, Relaxed);
        }
    }
}

impl<T, W: Wait> std::fmt::Debug for Acquiring<T, W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = match self.state {
            State::Asked(_) => "asked",
            State::Waiting(_) => "waiting",
            State::Over => "over",
        };
        f.debug_tuple("Acquiring").field(&state).finish()
    }
}
