//! DynamoDB: a line is one item, which is only changed under conditions. Nothing of it needs
//! transactions, streams, or that clocks agree.
//!
//! - **Session**: an item with a number that each renewal adds to, and its time. Whoever waits for the one
//!   before it looks at that number; if it has not changed for the session's time, by the onlooker's own
//!   clock, the session is ended and its place taken out of the line. So one that died is seen in the line
//!   until somebody waits there, or tries again and again by the same [`DynamoDb`].
//! - **Token**: how many have ever entered the line. It is kept in the line's item, and grows as long as
//!   nobody deletes that.
//! - **Record of who is inside**: in the line's item as well.
//!
//! An entry may arrive after its session has ended, if its answer was long in coming. Whoever is behind it
//! takes it out of the line. If it had gone in, it is told of as a death, though nobody has been inside.
//!
//! Who waits asks again and again: every 50 ms for each one before it, up to 400 ms (`?pace=50ms`). Each
//! asking is a strongly consistent read.
//!
//! An item has up to 400 KB: that is a line of 90 with the longest notes, and of some 2,000 without.
//!
//! Requests are **not signed**, and go over plain HTTP: this is for servers that do not check who asks, as
//! dynalite, with which it is tried. Amazon's own refuses them.

mod change;
mod item;
mod member;
mod seen;

mod table;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tokio::time::{Instant, sleep};

use self::change::Change;
use self::item::Item;
use self::member::Member;
use self::seen::Seen;
use self::table::Table;
use crate::engine::{Engine, Line, Session};
use crate::{Error, Result, Who};

const NAME: &str = "DynamoDB";
/// The least time in which one waits for its turn.
const PACE: Duration = Duration::from_millis(50);

/// How often one looks whether the sessions of others are renewed.
const LOOK: Duration = Duration::from_millis(100);

/// A table.
#[derive(Clone, Debug)]
pub struct DynamoDb {
    table: Arc<Table>,
    pace: Duration,
    seen: Arc<Seen>,
}

impl DynamoDb {
    /// The table of this name at these servers (`HOST:PORT`). It is made if it is not there.
    ///
    /// It connects when it is asked for something.
    ///
    /// # Errors
    ///
    /// [`Error::BadUrl`].
    pub fn new(servers: &[String], table: &str) -> Result<Self> {
        let name = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        if !(3..=255).contains(&table.len()) || !table.chars().all(name) {
            let why = "a table's name has 3 to 255 letters, digits, `_`, `-` and `.`".to_owned();
            return Err(Error::BadUrl { url: table.to_owned(), why });
        }
        Ok(Self { table: Arc::new(Table::new(servers, table)?), pace: PACE, seen: Arc::default() })
    }

    /// How long whoever waits for one other waits between two looks; 50 ms if nothing is said.
    #[must_use]
    pub fn pace(self, pace: Duration) -> Self {
        Self { pace, ..self }
    }

    async fn line(&self, line: &str) -> Result<Item> {
        Ok(Item::of(&self.table.get("look at a line", &line_key(line)).await?))
    }

    /// The line after the change; `None` if its condition was not met.
    async fn change(&self, what: &'static str, line: &str, change: Change) -> Result<Option<Item>> {
        let answer = self.table.ask(what, "UpdateItem", change.of_line(line)).await?;
        Ok(answer.map(|answer| Item::of(&answer["Attributes"])))
    }
}

#[async_trait]
impl Engine for DynamoDb {
    async fn open(&self, who: &Who, ttl: Duration) -> Result<Arc<dyn Session>> {
        let millis = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
        if millis == 0 {
            let why = "it takes 1 ms at least";
            return Err(Error::BadTtl { engine: NAME, ttl, why });
        }
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|why| Error::Refused {
            engine: "the operating system",
            what: "give random bytes",
            why: why.to_string(),
        })?;
        let id = format!("{:032x}", u128::from_ne_bytes(id));
        let session = json!({"Item": {
            "k": {"S": session_key(&id)}, "who": {"S": who.to_string()},
            "rv": {"N": "0"}, "ttl": {"N": millis.to_string()},
        }});
        self.table.begin("open a session", session).await?;
        let ttl = Duration::from_millis(millis);
        Ok(Arc::new(Member::new(self.clone(), id, ttl)))
    }

    async fn look(&self, line: &str) -> Result<Line> {
        Ok(self.line(line).await?.line())
    }

    async fn changed(&self, line: &str, known: &Line) -> Result<()> {
        let mut looked = None;
        loop {
            let item = self.line(line).await?;
            if item.line() != *known {
                return Ok(());
            }
            // Nobody else may look after those in it.
            if looked.is_none_or(|looked: Instant| looked.elapsed() >= LOOK) {
                looked = Some(Instant::now());
                for entry in &item.entries {
                    self.look_after(line, entry, &item).await?;
                }
            }
            sleep(self.pace).await;
        }
    }
}

fn line_key(line: &str) -> String {
    format!("line#{line}")
}

fn session_key(id: &str) -> String {
    format!("session#{id}")
}
