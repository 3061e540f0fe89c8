//! A session that is one with several servers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{sleep, timeout};

use super::{Inner, PAUSE};
use crate::engine::{Me, Patience, Place, Renewal, Session, Turn};
use crate::lease::now;
use crate::service::NAME;
use crate::{Error, Result, Who};

/// What whoever is first in line waits for whose lock has moved.
const MOVED: u64 = u64::MAX;

/// A session, and its sessions with those servers whose lines it has entered.
#[derive(Debug)]
pub(super) struct Spreading {
    spread: Arc<Inner>,
    who: Who,
    ttl: Duration,
    sessions: Mutex<BTreeMap<usize, Arc<dyn Session>>>,
}

impl Spreading {
    pub(super) fn new(spread: Arc<Inner>, who: Who, ttl: Duration) -> Self {
        Self { spread, who, ttl, sessions: Mutex::default() }
    }

    /// Another session. If its server is down, that is the end of it: this one's own would live on for ever without
    /// being in any line.
    async fn open(&self, place: usize) -> Result<Arc<dyn Session>> {
        let opening = self.spread.engines[place].open(&self.who, self.ttl);
        let why = match timeout(self.ttl / 4, opening).await {
            Ok(Err(error)) if error.is_passing() => error.to_string(),
            Ok(opened) => return opened,
            Err(_) => "it does not answer".to_owned(),
        };
        let what = "enter a line whose server is down";
        Err(Error::Refused { engine: NAME, what, why })
    }

    fn sessions(&self) -> MutexGuard<'_, BTreeMap<usize, Arc<dyn Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session with the server of this line, if there is one.
    fn of(&self, line: &str) -> Option<Arc<dyn Session>> {
        self.sessions().get(&self.spread.place(line)).cloned()
    }

    fn all(&self) -> Vec<Arc<dyn Session>> {
        self.sessions().values().cloned().collect()
    }

    /// What the server says whose turn it is, but nobody's as long as the lock is closed: nor has it been inside
    /// then, if it dies.
    async fn turn<F: Future<Output = Result<Turn>>>(
        &self,
        me: &Me,
        ask: impl FnOnce(Me) -> F,
    ) -> Result<Turn> {
        let is_closed = self.spread.is_closed(&me.line);
        let asking = Me { is_recorded: me.is_recorded && !is_closed, ..me.clone() };
        let turn = ask(asking).await?;
        if is_closed && matches!(turn, Turn::Mine { .. }) {
            return Ok(Turn::Blocked(Place { key: "moved".to_owned(), order: MOVED }));
        }
        self.spread.turn(turn)
    }
}

#[async_trait]
impl Session for Spreading {
    fn ttl(&self) -> Duration {
        self.ttl
    }

    async fn renew(&self) -> Result<Renewal> {
        let mut renewal = Renewal::Alive;
        for session in self.all() {
            match session.renew().await? {
                Renewal::Alive => {}
                Renewal::Busy => renewal = Renewal::Busy,
                Renewal::Ended => return Ok(Renewal::Ended),
            }
        }
        Ok(renewal)
    }

    async fn enter(&self, me: &Me, patience: Patience) -> Result<Turn> {
        if patience == Patience::None && self.spread.is_closed(&me.line) {
            return Ok(Turn::Out);
        }
        let place = self.spread.place(&me.line);
        if self.of(&me.line).is_none() {
            let session = self.open(place).await?;
            self.sessions().insert(place, session);
        }
        let Some(session) = self.of(&me.line) else { return Ok(Turn::Out) };
        let enter = async |asking: Me| {
            let turn = session.enter(&asking, patience).await;
            if let Some(order) = asking.order.get() {
                let _ = me.order.set(*order);
            }
            turn
        };
        self.turn(me, enter).await
    }

    async fn placed(&self, me: &Me) -> Result<()> {
        match self.of(&me.line) {
            Some(session) => session.placed(me).await,
            None => Ok(()),
        }
    }

    async fn poll(&self, me: &Me) -> Result<Turn> {
        let Some(session) = self.of(&me.line) else { return Ok(Turn::Out) };
        self.turn(me, async |asking: Me| session.poll(&asking).await).await
    }

    async fn wait(&self, me: &Me, before: &Place) -> Result<()> {
        match self.of(&me.line) {
            _ if before.order == MOVED => {
                sleep(self.spread.opens.saturating_sub(now()).min(PAUSE)).await;
                Ok(())
            }
            Some(session) => session.wait(me, before).await,
            None => Ok(()),
        }
    }

    async fn say(&self, me: &Me, note: &str) -> Result<()> {
        match self.of(&me.line) {
            Some(session) => session.say(me, note).await,
            None => Ok(()),
        }
    }

    async fn leave(&self, me: &Me, clear: bool) -> Result<()> {
        match self.of(&me.line) {
            Some(session) => session.leave(me, clear).await,
            None => Ok(()),
        }
    }

    async fn holds(&self, me: &Me) -> Result<bool> {
        match self.of(&me.line) {
            Some(session) => session.holds(me).await,
            None => Ok(false),
        }
    }

    async fn close(&self) -> Result<()> {
        for session in self.all() {
            session.close().await?;
        }
        Ok(())
    }
}
