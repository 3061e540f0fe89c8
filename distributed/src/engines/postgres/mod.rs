//! PostgreSQL: a line is an advisory lock's own queue, which is first come first served.
//!
//! - **Session**: a connection of its own, which must not go through a pooler that gives it to others
//!   between two statements. `idle_session_timeout` is its lease (PostgreSQL 14 or later).
//! - **The lock's number** is `hashtextextended(NAME, 0)`; a name that is a whole number stands for itself.
//!   So whoever takes `pg_advisory_lock(hashtextextended('lines', 0))` stands in the same line as a lock of
//!   the name `lines`.
//! - **Token**: the sequence `bakery_token`. **Record of who is inside**: the table `bakery_inside`. Both
//!   are made if they are not there.
//!
//! It is one server, and no quorum: a standby that takes over knows of no lock. The sequence and the table
//! go with it, if it has them.

mod address;
mod connection;
#[cfg(feature = "tls")]
mod secure;
mod sql;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_postgres::Config;

use self::connection::{Connection, Row};
use crate::access::Find;
use crate::engine::{Engine, Line, Me, Patience, Place, Renewal, Session, Turn};
use crate::tls::Tls;
use crate::{Error, Result, Who};

const NAME: &str = "PostgreSQL";

/// A database.
#[derive(Debug)]
pub struct Postgres {
    config: Config,
    tls: Option<Tls>,
    /// For looks from outside.
    onlooker: Arc<tokio::sync::Mutex<Option<Arc<Connection>>>>,
}

#[derive(Debug)]
struct Backend {
    connection: Arc<Connection>,
    ttl: Duration,
    pid: i64,
    asked: Mutex<Option<Asked>>,
    onlooker: Postgres,
}

/// A way in that has been asked for.
#[derive(Clone, Debug)]
struct Asked {
    attempt: u64,
    /// `None` as long as it waits.
    answer: watch::Receiver<Option<Answer>>,
}

/// A turn, or the server's words.
type Answer = std::result::Result<Turn, String>;

/// The database of this address.
pub(crate) fn from_url(url: &str, find: Find<'_>) -> Result<Postgres> {
    let (config, tls) = address::parse(url, find)?;
    Ok(Postgres { config, tls, onlooker: Arc::default() })
}

impl Postgres {
    async fn connect(&self, name: &str) -> Result<Connection> {
        let mut config = self.config.clone();
        config.application_name(name);
        Connection::open(&config, self.tls.as_ref()).await
    }

    /// What somebody who takes no part is answered.
    async fn ask(&self, what: &'static str, sql: &str) -> Result<Vec<Row>> {
        let mut onlooker = self.onlooker.lock().await;
        let connection = match &*onlooker {
            Some(connection) if !connection.is_closed() => connection.clone(),
            _ => {
                let connection = self.connect("bakery: looks on").await?;
                connection.ask("make its table", &sql::schema()).await?;
                onlooker.insert(Arc::new(connection)).clone()
            }
        };
        drop(onlooker);
        connection.ask(what, sql).await
    }
}

#[async_trait]
impl Engine for Postgres {
    async fn open(&self, who: &Who, ttl: Duration) -> Result<Arc<dyn Session>> {
        let millis = i32::try_from(ttl.as_millis()).unwrap_or(0);
        if millis == 0 {
            let why = "it takes 1 ms to 24 days";
            return Err(Error::BadTtl { engine: NAME, ttl, why });
        }
        let connection = self.connect(&who.to_string()).await?;
        connection.ask("begin a session", &sql::begin(millis)).await?;
        // Makes the table.
        self.ask("make its table", "").await?;
        let pid = connection.ask("tell its process id", sql::PID).await?;
        let pid = pid.first().map_or(0, |row| row.number("pid"));
        Ok(Arc::new(Backend {
            connection: Arc::new(connection),
            ttl,
            pid,
            asked: Mutex::new(None),
            onlooker: Self {
                config: self.config.clone(),
                tls: self.tls.clone(),
                onlooker: self.onlooker.clone(),
            },
        }))
    }

    async fn look(&self, line: &str) -> Result<Line> {
        let mut found = Line::default();
        for row in self.ask("look at a line", &sql::look(line)).await? {
            if row.has("death") {
                found.deaths.push(row.death());
            } else if row.text("granted") == "t" {
                found.inside.push(row.competitor());
            } else {
                found.queue.push(row.competitor());
            }
        }
        Ok(found)
    }
}

#[async_trait]
impl Session for Backend {
    fn ttl(&self) -> Duration {
        self.ttl
    }

    async fn renew(&self) -> Result<Renewal> {
        if self.asked().is_some_and(|asked| asked.answer.borrow().is_none()) {
            return Ok(Renewal::Busy);
        }
        // An empty query: the server counts from its end.
        self.connection.ask("renew a session", "").await.map(|_| Renewal::Alive)
    }

    async fn ended(&self) {
        self.connection.closed().await;
    }

    async fn enter(&self, me: &Me, patience: Patience) -> Result<Turn> {
        if patience == Patience::None {
            let rows = self.connection.ask("try a lock", &sql::try_to_go_in(me)).await?;
            let turn = turn(&rows);
            let (_, answer) = watch::channel(Some(Ok(turn.clone())));
            self.set_asked(Some(Asked { attempt: me.attempt, answer }));
            return Ok(turn);
        }
        if self.asked().is_none_or(|asked| asked.attempt != me.attempt) {
            let (tell, answer) = watch::channel(None);
            self.set_asked(Some(Asked { attempt: me.attempt, answer }));
            // The line is the server's, and its answer comes when it is this one's turn.
            let (connection, sql) = (self.connection.clone(), sql::go_in(me));
            tokio::spawn(async move {
                let rows = connection.ask("wait for a lock", &sql).await;
                let answer = rows.map(|rows| turn(&rows));
                tell.send_replace(Some(answer.map_err(|error| error.to_string())));
            });
        }
        self.poll(me).await
    }

    async fn placed(&self, me: &Me) -> Result<()> {
        let mut pause = Duration::from_millis(1);
        while self.asked().is_some_and(|asked| asked.answer.borrow().is_none()) {
            let rows = self.onlooker.ask("look at a line", &sql::look(&me.line)).await?;
            if rows.iter().any(|row| !row.has("death") && row.number("pid") == self.pid) {
                break;
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(50));
        }
        Ok(())
    }

    async fn poll(&self, me: &Me) -> Result<Turn> {
        let Some(asked) = self.asked().filter(|asked| asked.attempt == me.attempt) else {
            return Ok(Turn::Out);
        };
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

    async fn wait(&self, _me: &Me, _before: &Place) -> Result<()> {
        if let Some(mut asked) = self.asked() {
            asked.answered().await;
        }
        Ok(())
    }

    async fn say(&self, me: &Me, note: &str) -> Result<()> {
        let asked = self.asked().filter(|asked| asked.attempt == me.attempt);
        let token = asked.map_or(0, |asked| asked.token());
        self.connection.ask("change a note", &sql::say(me, token, note)).await.map(|_| ())
    }

    async fn leave(&self, me: &Me, clear: bool) -> Result<()> {
        let Some(mut asked) = self.asked().filter(|asked| asked.attempt == me.attempt) else {
            return Ok(());
        };
        while asked.answer.borrow().is_none() {
            self.cancel().await?;
            // A cancellation is lost if it comes before the query.
            let _ = tokio::time::timeout(Duration::from_millis(100), asked.answered()).await;
        }
        // Whatever came of it: a lock that was got before the cancellation is given back as well.
        self.connection.ask("unlock", &sql::leave(me, clear)).await?;
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
        if self.asked().is_some_and(|asked| asked.answer.borrow().is_none()) {
            // Its process only heeds the connection's end now and then while it waits.
            let _ = self.cancel().await;
        }
        self.connection.close().await;
        Ok(())
    }
}

impl Backend {
    async fn cancel(&self) -> Result<()> {
        self.onlooker.ask("cancel a query", &sql::cancel(self.pid)).await.map(|_| ())
    }

    fn asked(&self) -> Option<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_asked(&self, asked: Option<Asked>) {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = asked;
    }
}

impl Asked {
    /// 0 if it is not inside.
    fn token(&self) -> u64 {
        match &*self.answer.borrow() {
            Some(Ok(Turn::Mine { token, .. })) => *token,
            _ => 0,
        }
    }

    async fn answered(&mut self) {
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
