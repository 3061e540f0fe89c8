//! A way in that has been asked for: the server's answer comes when it is this one's turn.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::backend::Backend;
use super::connection::Row;
use super::{NAME, sql};
use crate::engine::{Me, Place, Turn};
use crate::{Error, Result};

#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub attempt: u64,
    /// `None` as long as it waits.
    answer: watch::Receiver<Option<Answer>>,
}

/// A turn, or the server's words.
type Answer = std::result::Result<Turn, String>;

impl Backend {
    pub(super) async fn try_to_go_in(&self, me: &Me) -> Result<Turn> {
        let rows = self.connection.ask("try a lock", &sql::try_to_go_in(me)).await?;
        let turn = turn(&rows);
        let (_, answer) = watch::channel(Some(Ok(turn.clone())));
        self.set_asked(Some(Asked { attempt: me.attempt, answer }));
        Ok(turn)
    }

    /// Asks for the way in, unless this attempt has.
    pub(super) fn begin_to_wait(&self, me: &Me) {
        if self.asked_by(me).is_some() {
            return;
        }
        let (tell, answer) = watch::channel(None);
        self.set_asked(Some(Asked { attempt: me.attempt, answer }));
        let (connection, sql) = (self.connection.clone(), sql::go_in(me));
        tokio::spawn(async move {
            let rows = connection.ask("wait for a lock", &sql).await;
            let answer = rows.map(|rows| turn(&rows));
            tell.send_replace(Some(answer.map_err(|error| error.to_string())));
        });
    }

    /// Comes back when the server has it in its queue, or has let it in.
    pub(super) async fn stands_in_line(&self, me: &Me) -> Result<()> {
        let mut pause = Duration::from_millis(1);
        while self.is_waiting() {
            let rows = self.onlooker.ask("look at a line", &sql::look(&me.line)).await?;
            if rows.iter().any(|row| !row.has("death") && row.number("pid") == self.pid) {
                break;
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(50));
        }
        Ok(())
    }

    pub(super) fn turn(&self, me: &Me) -> Result<Turn> {
        let Some(asked) = self.asked_by(me) else { return Ok(Turn::Out) };
        let answer = asked.answer.borrow().clone();
        match answer {
            // Whom it waits for is the server's business.
            None => Ok(Turn::Blocked(Place { key: String::new(), order: 0 })),
            Some(Ok(turn)) => Ok(turn),
            Some(Err(why)) if !self.connection.is_closed() => {
                Err(Error::Refused { engine: NAME, what: "wait for a lock", why })
            }
            Some(Err(_)) => Ok(Turn::Out),
        }
    }

    /// Comes back when the server has answered, with whatever.
    pub(super) async fn stop_waiting(&self, mut asked: Asked) -> Result<()> {
        while asked.is_waiting() {
            self.cancel().await?;
            // A cancellation is lost if it comes before the query.
            let _ = timeout(Duration::from_millis(100), asked.answered()).await;
        }
        Ok(())
    }
}

impl Asked {
    pub(super) fn is_waiting(&self) -> bool {
        self.answer.borrow().is_none()
    }

    /// 0 if it is not inside.
    pub(super) fn token(&self) -> u64 {
        match &*self.answer.borrow() {
            Some(Ok(Turn::Mine { token, .. })) => *token,
            _ => 0,
        }
    }

    pub(super) async fn answered(&mut self) {
        // An error is that nobody is left to answer: then the last answer stays.
        let _ = self.answer.wait_for(Option::is_some).await;
    }
}

/// What the rows of an entry say.
fn turn(rows: &[Row]) -> Turn {
    let Some(token) = rows.iter().find(|row| row.has("mine")).map(|row| row.number("mine")) else {
        return Turn::Out;
    };
    let deaths = rows.iter().filter(|row| row.has("death")).map(Row::death);
    Turn::Mine { token: token.cast_unsigned(), deaths: deaths.collect() }
}
