//! A session of the service's.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::link::Link;
use super::unexpected;
use crate::Result;
use crate::engine::{Me, Patience, Place, Renewal, Session, Turn};
use crate::service::protocol::{Answer, Ask, Attempt, SessionId};

#[derive(Debug)]
pub(super) struct Member {
    pub(super) link: Arc<Link>,
    pub(super) session: SessionId,
    pub(super) ttl: Duration,
}

impl Member {
    fn attempt(&self, me: &Me) -> Attempt {
        Attempt { session: self.session.clone(), line: me.line.to_string(), number: me.attempt }
    }

    async fn turn(&self, what: &'static str, ask: Ask) -> Result<Turn> {
        match self.link.ask(what, ask).await? {
            Answer::Turn(turn) => Ok(turn),
            other => Err(unexpected(what, other)),
        }
    }

    async fn done(&self, what: &'static str, ask: Ask) -> Result<()> {
        match self.link.ask(what, ask).await? {
            Answer::Done => Ok(()),
            other => Err(unexpected(what, other)),
        }
    }
}

#[async_trait]
impl Session for Member {
    fn ttl(&self) -> Duration {
        self.ttl
    }

    async fn renew(&self) -> Result<Renewal> {
        const WHAT: &str = "renew a session";
        match self.link.ask(WHAT, Ask::Renew { session: self.session.clone() }).await? {
            Answer::Renewed(renewal) => Ok(renewal),
            other => Err(unexpected(WHAT, other)),
        }
    }

    async fn enter(&self, me: &Me, patience: Patience) -> Result<Turn> {
        let ask = Ask::Enter {
            attempt: self.attempt(me),
            mode: me.mode,
            recorded: me.is_recorded,
            note: me.note.to_string(),
            since: me.since,
            wait: patience == Patience::Endless,
        };
        self.turn("enter a line", ask).await
    }

    async fn placed(&self, me: &Me) -> Result<()> {
        self.link.wait("make sure of a place", Ask::Placed(self.attempt(me))).await
    }

    async fn poll(&self, me: &Me) -> Result<Turn> {
        self.turn("look whose turn it is", Ask::Poll(self.attempt(me))).await
    }

    async fn wait(&self, me: &Me, before: &Place) -> Result<()> {
        let ask = Ask::Wait { attempt: self.attempt(me), before: before.clone() };
        self.link.wait("wait in a line", ask).await
    }

    async fn say(&self, me: &Me, note: &str) -> Result<()> {
        let ask = Ask::Say { attempt: self.attempt(me), note: note.to_owned() };
        self.done("change a note", ask).await
    }

    async fn leave(&self, me: &Me, clear: bool) -> Result<()> {
        self.done("leave a line", Ask::Leave { attempt: self.attempt(me), clear }).await
    }

    async fn holds(&self, me: &Me) -> Result<bool> {
        const WHAT: &str = "look who is inside";
        match self.link.ask(WHAT, Ask::Holds(self.attempt(me))).await? {
            Answer::Holds(holds) => Ok(holds),
            other => Err(unexpected(WHAT, other)),
        }
    }

    async fn close(&self) -> Result<()> {
        self.done("end a session", Ask::Close { session: self.session.clone() }).await
    }
}
