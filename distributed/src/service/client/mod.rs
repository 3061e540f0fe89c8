//! The client of a service: one more engine, `bakery://HOST:PORT`.
//!
//! All its sessions go by one connection, which is made again when it has ended. A session is the service's, so it
//! outlives connections, and does not outlive the service.

mod link;
mod member;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use self::link::Link;
use self::member::Member;
use super::NAME;
use super::protocol::{Answer, Ask, Kind, millis};
use crate::access::{Find, Names, of_url};
use crate::engine::{Engine, Line, Session};
use crate::tls::Tls;
use crate::{Error, Result, Who};

/// A service.
#[derive(Clone, Debug)]
pub(crate) struct Bakery {
    link: Arc<Link>,
}

const NAMES: Names = Names {
    ca: ["BAKERY_CACERT", "ca"],
    certificate: ["BAKERY_CERT", "cert"],
    key: ["BAKERY_KEY", "key"],
    token: "BAKERY_TOKEN",
    token_file: ["BAKERY_TOKEN_FILE", "token-file"],
    ..Names::NONE
};

pub(crate) fn from_url(url: &str, find: Find<'_>) -> Result<Bakery> {
    let (address, access) = of_url(url, &NAMES, &[], find)?;
    if address.user.is_some() {
        return Err(address.bad("a lock service knows no users, but tokens: ?token-file=FILE"));
    }
    let [server] = &*address.servers else {
        return Err(address.bad("it is one server: another one would not know who is inside"));
    };
    if !address.path.is_empty() {
        return Err(address.bad("nothing follows the server's port"));
    }
    let link = Link::new(server, Tls::of(&address, &access)?, access.token);
    let link = link.map_err(|why| address.bad(why))?;
    Ok(Bakery { link: Arc::new(link) })
}

#[async_trait]
impl Engine for Bakery {
    async fn open(&self, who: &Who, ttl: Duration) -> Result<Arc<dyn Session>> {
        const WHAT: &str = "open a session";
        let ask = Ask::Open { who: who.clone(), ttl_ms: millis(ttl) };
        match self.link.ask(WHAT, ask).await? {
            Answer::Opened { session, ttl_ms } => {
                let ttl = Duration::from_millis(ttl_ms);
                Ok(Arc::new(Member { link: self.link.clone(), session, ttl }))
            }
            Answer::Failed { kind: Kind::BadTtl, .. } => {
                let why = "what the service stands for does not keep such a time";
                Err(Error::BadTtl { engine: NAME, ttl, why })
            }
            other => Err(unexpected(WHAT, other)),
        }
    }

    async fn look(&self, line: &str) -> Result<Line> {
        Ok(self.look_at(line).await?.0)
    }

    async fn changed(&self, line: &str, known: &Line) -> Result<()> {
        const WHAT: &str = "watch a line";
        let (now, version) = self.look_at(line).await?;
        if now != *known {
            return Ok(());
        }
        self.link.wait(WHAT, Ask::Changed { line: line.to_owned(), version }).await
    }
}

impl Bakery {
    /// The line, and which one it is.
    async fn look_at(&self, line: &str) -> Result<(Line, u64)> {
        const WHAT: &str = "look at a line";
        match self.link.ask(WHAT, Ask::Look { line: line.to_owned() }).await? {
            Answer::Line { line, version } => Ok((line, version)),
            other => Err(unexpected(WHAT, other)),
        }
    }
}

/// The error of an answer that is not what was asked for.
fn unexpected(what: &'static str, answer: Answer) -> Error {
    match answer {
        Answer::Failed { kind: Kind::Passing, why } => {
            Error::Unreachable { engine: NAME, what, why }
        }
        Answer::Failed { why, .. } => Error::Refused { engine: NAME, what, why },
        other => {
            let why = format!("its answer is to something else: {other:?}");
            Error::Refused { engine: NAME, what, why }
        }
    }
}
