//! PostgreSQL: a line is an advisory lock's own queue, which is first come first served.
//!
//! - **Session**: a connection of its own. `idle_session_timeout` is its lease (PostgreSQL 14 or later).
//! - **A pooler is refused** ([`Error::Pooled`]), in whatever mode: it gives a server's process to one client
//!   after the other, and with it the locks; one that pools by sessions does so too, unless it cleans up, which
//!   no client can see. A process that has not been started for this very connection is known by a setting
//!   that it lacks. What only passes on bytes (a tunnel) is no pooler.
//! - **The lock's number** is `hashtextextended(NAME, 0)`; a name that is a whole number stands for itself.
//!   So whoever takes `pg_advisory_lock(hashtextextended('lines', 0))` stands in the same line as a lock of
//!   the name `lines`.
//! - **Token**: the sequence `bakery_token`. **Record of who is inside**: the table `bakery_inside`. Both
//!   are made if they are not there.
//!
//! It is one server, and no quorum: a standby that takes over knows of no lock. The sequence and the table
//! go with it, if it has them.
//!
//! Whoever looks on, an observer of an election or the first one that waits for a permit, asks every 50 ms.
//! `NOTIFY` would not spare it that: nobody notifies of a session that has ended, and those who do commit one
//! after the other, whatever they have locked.
//!
//! Each participant has a connection, and each [`Client`](crate::Client) one more, of the server's
//! `max_connections`. Names are told apart by 64 bits of their hash. Tried with PostgreSQL 15.18.

mod address;
mod asked;
mod backend;
mod connection;
#[cfg(feature = "tls")]
mod secure;
mod sql;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio_postgres::Config;

use self::backend::Backend;
use self::connection::{Connection, Row};
use crate::access::Find;
use crate::engine::{Engine, Line, Session};
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
        let pid = connection.ask("prepare", &sql::prepare()).await?;
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
        let (mut found, mut once) = (Line::default(), Vec::new());
        for row in self.ask("look at a line", &sql::look(line)).await? {
            if row.has("death") {
                let death = row.death();
                if once.contains(&death) {
                    found.deaths.push(death);
                } else {
                    once.push(death);
                }
            } else if row.text("granted") == "t" {
                found.inside.push(row.competitor());
            } else {
                found.queue.push(row.competitor());
            }
        }
        Ok(found)
    }
}
