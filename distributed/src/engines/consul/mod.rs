//! Consul: a line is the keys below `PREFIXline:NAME/queue/`, in the order of their create indexes. Each
//! attempt has a key of its own there, which its session holds.
//!
//! - **Session**: Consul's, on a node of its own (`bakery-locks`, which is registered if it is not there):
//!   a session of an agent's node ends with whatever takes that node out of the catalog. Consul does not
//!   end it before its time is over, and usually after twice that. The servers' `session_ttl_min` says
//!   which time is too short (10 s if nothing else is set).
//! - **Token**: the create index of the key in line. It is the whole cluster's number of changes, so it
//!   grows over restarts; not over restoring an older backup. Not the lock index: that begins again with
//!   each key.
//! - **Record of who is inside**: `PREFIXline:NAME/inside/...`, which no session holds.
//!
//! Whoever waits keeps one request open; the servers' `http_max_conns_per_client` (200 if nothing else is
//! set) says how many may do so from one address. There is no lock-delay: nobody takes a key that another
//! one had. Whoever looks on keeps one open as well, for changes below the line's key. Tried with Consul 1.8.7.
//!
//! **By `?usual-key`**, whoever goes in holds `PREFIXNAME/.lock` as well: the key that `consul lock PREFIXNAME`
//! takes, and what Consul's own client makes of that name. So either keeps the other out. Between the two it is
//! not first come first served, and `status` does not show who is in by that key. It is for mutexes: a lock
//! cannot be shared by one key.

mod member;
mod tree;
mod turn;
mod usual;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hyper::header::HeaderValue;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use self::member::Member;
use self::tree::Tree;
use super::http::{Answer, Headers, Question, Servers};
use crate::access::{Find, Names, of_url};
use crate::engine::{Engine, Line, Session};
use crate::secret::Secret;
use crate::{Error, Result, Who};

const NAME: &str = "Consul";
/// The node that all sessions are of.
const NODE: &str = "bakery-locks";

/// A data centre.
#[derive(Clone, Debug)]
pub struct Consul {
    servers: Arc<Servers>,
    prefix: Arc<str>,
    has_usual_key: bool,
    /// In `Debug`, it shows itself as sensitive.
    token: Option<HeaderValue>,
}

/// What Consul's own client reads as well.
const NAMES: Names = Names {
    ca: ["CONSUL_CACERT", "ca"],
    certificate: ["CONSUL_CLIENT_CERT", "cert"],
    key: ["CONSUL_CLIENT_KEY", "key"],
    token: "CONSUL_HTTP_TOKEN",
    token_file: ["CONSUL_HTTP_TOKEN_FILE", "token-file"],
    ..Names::NONE
};

/// The data centre of these agents. The locks' names have what follows the slash in front of them.
pub(crate) fn from_url(url: &str, find: Find<'_>) -> Result<Consul> {
    let (address, access) = of_url(url, &NAMES, &["usual-key"], find)?;
    if address.user.is_some() {
        return Err(address.bad("Consul knows no users, but tokens: ?token-file=FILE"));
    }
    let header = |token: &Secret| {
        let mut header = HeaderValue::from_str(token.reveal()).map_err(|_| Error::BadAccess {
            what: "the token".to_owned(),
            why: "there is something in it that no header can have".to_owned(),
        })?;
        header.set_sensitive(true);
        Ok::<_, Error>(header)
    };
    Ok(Consul {
        servers: Arc::new(Servers::new(NAME, &address, &access)?),
        prefix: address.path.as_str().into(),
        has_usual_key: address.option("usual-key").is_some(),
        token: access.token.as_ref().map(header).transpose()?,
    })
}

impl Consul {
    /// The usual key, if it is to be held.
    fn usual_key(&self, line: &str) -> Option<String> {
        self.has_usual_key.then(|| format!("{}{line}/.lock", self.prefix))
    }

    /// What a line's keys begin with. Not the name alone: `..` would climb out of a request's path.
    fn root(&self, line: &str) -> String {
        format!("{}line:{line}/", self.prefix)
    }

    /// An answer that is none of the usual ones becomes an error.
    async fn put(&self, what: &'static str, path: &str, body: &Value) -> Result<Answer> {
        let headers: Headers<'_> = &|_, _| self.headers();
        let question = Question { what, method: &Method::PUT, path, headers, is_urgent: true };
        let answer = self.servers.ask(question, body).await?;
        judge(what, answer)
    }

    /// What says who asks.
    fn headers(&self) -> Vec<(&'static str, HeaderValue)> {
        self.token.iter().map(|token| ("x-consul-token", token.clone())).collect()
    }

    /// What the operations found, if all of them could be done.
    async fn txn(&self, what: &'static str, txn: &Value) -> Result<Option<Tree>> {
        let answer = self.put(what, "/v1/txn", txn).await?;
        let is_done = answer.status != StatusCode::CONFLICT;
        if !is_done && answer.text.contains("Permission denied") {
            // Not what the operations found.
            return Err(Error::Refused { engine: NAME, what, why: answer.text });
        }
        Ok(is_done.then(|| Tree::of(&answer.json()["Results"])))
    }

    /// The line, as whoever takes itself for the leader has it; or as it is for certain.
    async fn tree(&self, line: &str, is_certain: bool) -> Result<Tree> {
        let look = json!([{"KV": {"Verb": "get-tree", "Key": self.root(line)}}]);
        let path = if is_certain { "/v1/txn?consistent" } else { "/v1/txn" };
        let answer = self.put("look at a line", path, &look).await?;
        Ok(Tree::of(&answer.json()["Results"]))
    }
}

#[async_trait]
impl Engine for Consul {
    async fn open(&self, who: &Who, ttl: Duration) -> Result<Arc<dyn Session>> {
        let node = json!({
            "Node": NODE, "Address": "127.0.0.1", "NodeMeta": {"external-node": "true"},
        });
        self.put("register a node", "/v1/catalog/register", &node).await?;
        let session = json!({
            "Name": who.to_string(), "Node": NODE, "NodeChecks": [], "Checks": [],
            "TTL": format!("{}ns", ttl.as_nanos()), "Behavior": "delete", "LockDelay": "0s",
        });
        let answer = match self.put("open a session", "/v1/session/create", &session).await {
            Err(Error::Unreachable { why, .. }) if why.contains("Session TTL") => {
                let why = "it is not between the servers' session_ttl_min and a day";
                return Err(Error::BadTtl { engine: NAME, ttl, why });
            }
            answer => answer?,
        };
        let id = answer.json()["ID"].as_str().unwrap_or_default().to_owned();
        Ok(Arc::new(Member { consul: self.clone(), id, ttl, before: 0.into() }))
    }

    async fn look(&self, line: &str) -> Result<Line> {
        Ok(self.tree(line, true).await?.into_line())
    }

    async fn changed(&self, line: &str, known: &Line) -> Result<()> {
        self.watch(line, known).await
    }
}

fn judge(what: &'static str, answer: Answer) -> Result<Answer> {
    let Answer { status, text, .. } = &answer;
    let why = || format!("{status}: {}", text.trim());
    match *status {
        // A key or a session that is not there, and an operation that could not be done.
        StatusCode::OK | StatusCode::NOT_FOUND | StatusCode::CONFLICT => Ok(answer),
        // No leader, or too many connections.
        StatusCode::TOO_MANY_REQUESTS => Err(Error::Unreachable { engine: NAME, what, why: why() }),
        status if status.is_server_error() => {
            Err(Error::Unreachable { engine: NAME, what, why: why() })
        }
        _ => Err(Error::Refused { engine: NAME, what, why: why() }),
    }
}
