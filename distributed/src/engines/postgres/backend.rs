//! A session: one connection, and the server's process at the other end of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::asked::Asked;
use super::connection::Connection;
use super::{Postgres, sql};
use crate::Result;
use crate::engine::{Me, Patience, Place, Renewal, Session, Turn};

#[derive(Debug)]
pub(super) struct Backend {
    pub connection: Arc<Connection>,
    pub ttl: Duration,
    pub pid: i64,
    pub asked: Mutex<Option<Asked>>,
    /// For what this connection cannot be asked while it waits.
    pub onlooker: Postgres,
}

#[async_trait]
impl Session for Backend {
    fn ttl(&self) -> Duration {
        self.ttl
    }

    async fn renew(&self) -> Result<Renewal> {
        if self.is_waiting() {
            return Ok(Renewal::Busy);
        }
        // An empty query: the server counts from its end.
        self.connection.ask("renew a session", "").await.map(|_| Renewal::Alive)
    }

    async fn ended(&self) {
        self.connection.closed().await;
    }

    async fn enter(&self, me: &Me, patience: Patience) -> Result<Turn> {
        match patience {
            Patience::None => self.try_to_go_in(me).await,
            Patience::Endless => {
                self.begin_to_wait(me);
                self.turn(me)
            }
        }
    }

    async fn placed(&self, me: &Me) -> Result<()> {
        self.stands_in_line(me).await
    }

    async fn poll(&self, me: &Me) -> Result<Turn> {
        self.turn(me)
    }

    async fn wait(&self, _me: &Me, _before: &Place) -> Result<()> {
        if let Some(mut asked) = self.asked() {
            asked.answered().await;
        }
        Ok(())
    }

    async fn say(&self, me: &Me, note: &str) -> Result<()> {
        let token = self.asked_by(me).map_or(0, |asked| asked.token());
        self.connection.ask("change a note", &sql::say(me, token, note)).await.map(|_| ())
    }

    async fn leave(&self, me: &Me, clear: bool) -> Result<()> {
        let Some(asked) = self.asked_by(me) else { return Ok(()) };
        self.stop_waiting(asked.clone()).await?;
        // Whatever came of it: a lock that was got before the cancellation is given back as well.
        self.connection.ask("unlock", &sql::leave(me, asked.token(), clear)).await?;
        self.set_asked(None);
        Ok(())
    }

    async fn holds(&self, me: &Me) -> Result<bool> {
        let rows = match self.connection.ask("tell what is held", &sql::look(&me.line)).await {
            // The lock has ended with it.
            Err(_) if self.connection.is_closed() => return Ok(false),
            rows => rows?,
        };
        let mut held = rows.iter().filter(|row| !row.has("death") && row.text("granted") == "t");
        Ok(held.any(|row| row.number("pid") == self.pid))
    }

    async fn close(&self) -> Result<()> {
        if self.is_waiting() {
            // Its process only heeds the connection's end now and then while it waits.
            let _ = self.cancel().await;
        }
        self.connection.close().await;
        Ok(())
    }
}

impl Backend {
    /// Has the server give up what this session waits for.
    pub(super) async fn cancel(&self) -> Result<()> {
        self.onlooker.ask("cancel a query", &sql::cancel(self.pid)).await.map(|_| ())
    }

    pub(super) fn asked(&self) -> Option<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What this attempt has asked for.
    pub(super) fn asked_by(&self, me: &Me) -> Option<Asked> {
        self.asked().filter(|asked| asked.attempt == me.attempt)
    }

    pub(super) fn set_asked(&self, asked: Option<Asked>) {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = asked;
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.asked().is_some_and(|asked| asked.is_waiting())
    }
}
