//! One connection, and what the server says on it.

use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage, SimpleQueryRow, Socket};

use super::{NAME, sql};
use crate::tls::{Tls, refusal, words};
use crate::{Competitor, Death, Error, Mode, Result, Who};

#[derive(Debug)]
pub(super) struct Connection {
    client: Client,
    task: AbortHandle,
    /// Nobody sends any more once the connection's task has ended.
    closed: watch::Receiver<()>,
}

/// A row of an answer, in text.
#[derive(Debug)]
pub(super) struct Row(SimpleQueryRow);

impl Connection {
    /// A connection whose other end is the server, and no pooler: the server's process has been started for
    /// it.
    pub(super) async fn open(config: &Config, tls: Option<&Tls>) -> Result<Self> {
        // Only a process that is started for this very connection is told of this number. A pooler's has been
        // started without it. A process's own number proves nothing: a pooler gives one that is alone the same
        // process again and again.
        let mark = RandomState::new().hash_one(0);
        let mut config = config.clone();
        let others = config.get_options().unwrap_or_default();
        config.options(format!("{others} -c bakery.connection={mark}"));
        match tls {
            #[cfg(feature = "tls")]
            Some(tls) => Self::open_by(&config, mark, super::secure::Secure::new(tls)).await,
            #[cfg(not(feature = "tls"))]
            Some(tls) => match *tls {},
            None => Self::open_by(&config, mark, NoTls).await,
        }
    }

    async fn open_by<T>(config: &Config, mark: u64, tls: T) -> Result<Self>
    where
        T: MakeTlsConnect<Socket, Stream: Send + 'static>,
    {
        let (client, connection) = config.connect(tls).await.map_err(|why| no_connection(&why))?;
        let (open, closed) = watch::channel(());
        let task = tokio::spawn(async move {
            // Whoever waits for an answer gets the error as well.
            let _ = connection.await;
            drop(open);
        });
        let connection = Self { client, task: task.abort_handle(), closed };
        let asked = connection.ask("tell who it is", sql::MARK).await?;
        if asked.first().is_none_or(|row| row.text("mark") != mark.to_string()) {
            let why = "the server's process has not been started for this connection".to_owned();
            return Err(Error::Pooled { why });
        }
        Ok(connection)
    }

    pub(super) async fn ask(&self, what: &'static str, sql: &str) -> Result<Vec<Row>> {
        let answer = self.client.simple_query(sql).await.map_err(|why| error(what, &why))?;
        let row = |message| match message {
            SimpleQueryMessage::Row(row) => Some(Row(row)),
            _ => None,
        };
        Ok(answer.into_iter().filter_map(row).collect())
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    pub(super) async fn closed(&self) {
        let mut closed = self.closed.clone();
        while closed.changed().await.is_ok() {}
    }

    /// Hangs up.
    pub(super) async fn close(&self) {
        self.task.abort();
        self.closed().await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Row {
    pub(super) fn has(&self, column: &str) -> bool {
        self.0.columns().iter().any(|found| found.name() == column)
    }

    pub(super) fn text(&self, column: &str) -> &str {
        self.0.try_get(column).ok().flatten().unwrap_or_default()
    }

    pub(super) fn number(&self, column: &str) -> i64 {
        self.text(column).parse().unwrap_or_default()
    }

    fn since(&self) -> Option<SystemTime> {
        let seconds: f64 = self.text("since").parse().ok()?;
        UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(seconds).ok()?)
    }

    pub(super) fn competitor(&self) -> Competitor {
        let is_shared = self.text("mode") == "ShareLock";
        Competitor {
            who: Who::parse(self.text("who")),
            note: self.text("note").to_owned(),
            mode: if is_shared { Mode::Shared } else { Mode::Exclusive },
            token: self.number("token").cast_unsigned(),
            since: self.since(),
        }
    }

    pub(super) fn death(&self) -> Death {
        let token = self.number("death").cast_unsigned();
        Death {
            who: Who::parse(self.text("who")),
            note: self.text("note").to_owned(),
            token,
            since: self.since(),
        }
    }
}

/// Why there is no connection.
fn no_connection(why: &tokio_postgres::Error) -> Error {
    match why.as_db_error() {
        // A pooler that does not pass on what it is told to start the server's process with.
        Some(words) if *words.code() == SqlState::PROTOCOL_VIOLATION => {
            Error::Pooled { why: words.message().to_owned() }
        }
        _ => error("connect", why),
    }
}

/// Of what the client says by itself: it has no password, does not get along with the server about one, or the
/// server has no TLS.
fn is_for_good(words: &str) -> bool {
    ["invalid configuration", "authentication error"].iter().any(|kind| words.starts_with(kind))
        || words.ends_with("server does not support TLS")
}

fn error(what: &'static str, error: &tokio_postgres::Error) -> Error {
    let Some(words) = error.as_db_error() else {
        let why = words(error);
        return match refusal(error) {
            Some(why) => Error::Refused { engine: NAME, what, why },
            None if is_for_good(&why) => Error::Refused { engine: NAME, what, why },
            None => Error::Unreachable { engine: NAME, what, why },
        };
    };
    let why = words.message().to_owned();
    // The server comes, goes, or is full: connection exceptions, insufficient resources, operator
    // intervention.
    if ["08", "53", "57"].iter().any(|class| words.code().code().starts_with(class)) {
        Error::Unreachable { engine: NAME, what, why }
    } else {
        Error::Refused { engine: NAME, what, why }
    }
}
