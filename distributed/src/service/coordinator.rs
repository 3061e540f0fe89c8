//! A coordinator: an engine that keeps the lines in this process's memory.
//!
//! One server, and no other one that takes over: while it is down, nobody gets in, and whoever is inside loses the
//! lock. It forgets sessions and places when it ends, and with them who died inside. After a restart its tokens go
//! on growing, and it lets nobody in before the longest lease has ended that was out when it ended; whoever comes
//! meanwhile stands in line. If sessions must outlive a server, front an engine with it instead.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::NAME;
use super::lines::{Gone, Id, Lines, RESTART};
use super::reserve::Reserve;
use crate::engine::{Engine, Line, Me, Patience, Place, Renewal, Session, Turn};
use crate::lease::now;
use crate::{Error, Result, Who};

/// No session may live for longer without a renewal: after a restart one would have to wait for it.
const LONGEST: Duration = Duration::from_hours(24);

/// How long one sleeps at most: no sleep goes on while the machine is suspended.
const TICK: Duration = Duration::from_secs(1);

/// Lines in memory, and their tokens in a file.
#[derive(Clone, Debug)]
pub struct Coordinator(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    /// A session ends earlier than all others.
    is_earlier: Notify,
}

#[derive(Debug)]
struct State {
    lines: Lines,
    reserve: Reserve,
    /// What may still be out of the time before the restart.
    earlier: Duration,
}

impl Coordinator {
    /// Begins, or goes on after a restart. The file is what has to be kept: if it is lost, tokens begin again. It
    /// is for one server at a time, which is made sure of on this machine.
    ///
    /// # Errors
    ///
    /// [`Error::BadAccess`] if the file is another server's, or is not whole; [`Error::Unreachable`] if it cannot
    /// be written.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn open(path: &Path) -> Result<Self> {
        let (reserve, earlier) = Reserve::open(path)?;
        let lines = Lines::new(now().saturating_add(earlier));
        let state = Mutex::new(State { lines, reserve, earlier });
        let inner = Arc::new(Inner { state, is_earlier: Notify::new() });
        tokio::spawn(expire(Arc::downgrade(&inner)));
        Ok(Self(inner))
    }
}

impl Inner {
    /// The lines, without the sessions whose time is over.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.lines.expire(now());
        state.keep_lease();
        state
    }
}

impl State {
    /// Has the file say which leases are out. If it cannot be written it says too much, which is safe.
    fn keep_lease(&mut self) {
        if now() >= self.lines.closed_until() {
            self.earlier = Duration::ZERO;
        }
        let _ = self.reserve.set_lease(self.lines.longest().max(self.earlier));
    }

    fn open(&mut self, ttl: Duration) -> Result<(Id, Gone)> {
        // Before anybody has it.
        self.reserve.set_lease(self.lines.longest().max(self.earlier).max(ttl))?;
        Ok(self.lines.open(now(), ttl))
    }
}

/// Ends sessions also when nobody asks for anything.
async fn expire(inner: Weak<Inner>) {
    while let Some(inner) = inner.upgrade() {
        let end = inner.state().lines.next_end();
        let left = end.map_or(TICK, |end| end.saturating_sub(now()).min(TICK));
        tokio::select! {
            () = sleep(left) => {}
            () = inner.is_earlier.notified() => {}
        }
    }
}

#[async_trait]
impl Engine for Coordinator {
    async fn open(&self, _: &Who, ttl: Duration) -> Result<Arc<dyn Session>> {
        // Whole milliseconds, which is what the file has.
        let millis = u64::try_from(ttl.as_micros().div_ceil(1000)).unwrap_or(u64::MAX);
        let rounded = Duration::from_millis(millis);
        if rounded.is_zero() || rounded > LONGEST {
            return Err(Error::BadTtl { engine: NAME, ttl, why: "it takes 1 ms to 24 h" });
        }
        let mut state = self.0.state();
        let (id, gone) = state.open(rounded)?;
        drop(state);
        self.0.is_earlier.notify_one();
        Ok(Arc::new(Seated { inner: self.0.clone(), id, ttl: rounded, gone }))
    }

    async fn look(&self, line: &str) -> Result<Line> {
        Ok(self.0.state().lines.look(now(), line))
    }

    async fn changed(&self, line: &str, known: &Line) -> Result<()> {
        let mut change = Change { inner: &self.0, line, next: None };
        loop {
            let closed = {
                let mut state = self.0.state();
                change.next = Some(state.lines.changes(line));
                if state.lines.look(now(), line) != *known {
                    return Ok(());
                }
                state.lines.closed_until().saturating_sub(now())
            };
            // It looks different when others may go in.
            let opens = async {
                if closed.is_zero() { std::future::pending().await } else { sleep(closed).await }
            };
            let Some(next) = &mut change.next else { return Ok(()) };
            tokio::select! {
                _ = next.changed() => {}
                () = opens => {}
            }
        }
    }
}

/// Somebody who looks on. Dropped, a line in which nobody is is forgotten.
struct Change<'i> {
    inner: &'i Inner,
    line: &'i str,
    next: Option<Gone>,
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        self.next = None;
        self.inner.state().lines.forget(self.line);
    }
}

#[derive(Debug)]
struct Seated {
    inner: Arc<Inner>,
    id: Id,
    ttl: Duration,
    gone: Gone,
}

/// Comes back when it is gone.
async fn is_gone(mut gone: Gone) {
    while gone.changed().await.is_ok() {}
}

#[async_trait]
impl Session for Seated {
    fn ttl(&self) -> Duration {
        self.ttl
    }

    async fn renew(&self) -> Result<Renewal> {
        Ok(self.inner.state().lines.renew(now(), self.id))
    }

    async fn ended(&self) {
        is_gone(self.gone.clone()).await;
    }

    async fn enter(&self, me: &Me, patience: Patience) -> Result<Turn> {
        let mut state = self.inner.state();
        let State { lines, reserve, .. } = &mut *state;
        lines.enter(now(), self.id, me, patience, || reserve.next())
    }

    async fn poll(&self, me: &Me) -> Result<Turn> {
        Ok(self.inner.state().lines.poll(now(), self.id, me))
    }

    async fn wait(&self, me: &Me, before: &Place) -> Result<()> {
        if before.order == RESTART {
            let closed = self.inner.state().lines.closed_until();
            sleep(closed.saturating_sub(now()).min(TICK)).await;
            return Ok(());
        }
        let gone = self.inner.state().lines.gone(&me.line, before.order);
        if let Some(gone) = gone {
            is_gone(gone).await;
        }
        Ok(())
    }

    async fn say(&self, me: &Me, note: &str) -> Result<()> {
        self.inner.state().lines.say(self.id, me, note);
        Ok(())
    }

    async fn leave(&self, me: &Me, clear: bool) -> Result<()> {
        self.inner.state().lines.leave(self.id, me, clear);
        Ok(())
    }

    async fn holds(&self, me: &Me) -> Result<bool> {
        let state = self.inner.state();
        Ok(now() >= state.lines.closed_until() && state.lines.holds(self.id, me))
    }

    async fn close(&self) -> Result<()> {
        let mut state = self.inner.state();
        state.lines.close(self.id);
        state.keep_lease();
        Ok(())
    }
}
