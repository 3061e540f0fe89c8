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
//! Requests are signed if there is a key (AWS Signature Version 4). It is tried with dynalite, which does not
//! check signatures; they are compared with those that AWS has published. Never yet has it been tried with
//! Amazon's own servers.

mod change;
mod item;
mod member;
mod seen;
mod signature;
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
use crate::access::{Find, Names, of_url};
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

/// What Amazon's own programs read as well.
const NAMES: Names = Names {
    ca: ["AWS_CA_BUNDLE", "ca"],
    user: "AWS_ACCESS_KEY_ID",
    password: "AWS_SECRET_ACCESS_KEY",
    password_file: "password-file",
    token: "AWS_SESSION_TOKEN",
    token_file: ["", "token-file"],
    region: ["AWS_REGION", "region"],
    ..Names::NONE
};

/// The table of this address. It is made if it is not there.
pub(crate) fn from_url(url: &str, find: Find<'_>) -> Result<DynamoDb> {
    let (address, access) = of_url(url, &NAMES, &["pace"], find)?;
    let pace = match address.option("pace") {
        None => PACE,
        Some(pace) => {
            let millis = pace.strip_suffix("ms").and_then(|millis| millis.parse().ok());
            let bad = || address.bad("the pace is a number of milliseconds, as in ?pace=50ms");
            Duration::from_millis(millis.ok_or_else(bad)?)
        }
    };
    Ok(DynamoDb { table: Arc::new(Table::new(&address, &access)?), pace, seen: Arc::default() })
}

impl DynamoDb {
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
