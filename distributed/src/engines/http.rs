//! JSON over HTTP, to servers of which whoever answers is asked on.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::{Error, Result};

/// Servers that give the same answers.
#[derive(Debug)]
pub(super) struct Servers {
    engine: &'static str,
    client: Client<HttpConnector, Full<Bytes>>,
    urls: Vec<String>,
    current: AtomicUsize,
}

/// What is asked for. The path has its query with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'q> {
    pub what: &'static str,
    pub method: &'static Method,
    pub path: &'q str,
    pub headers: &'q [(&'static str, &'q str)],
    /// Whether whoever gives up means that the server does not answer.
    pub is_urgent: bool,
}

/// What a server says.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: StatusCode,
    /// Consul's: of which change this is the outcome.
    pub index: Option<u64>,
    pub text: String,
}

/// Goes on to the next server, unless the answer has come.
struct Asking<'s> {
    servers: &'s Servers,
    server: usize,
    is_answered: bool,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        let next = (self.server + 1) % self.servers.urls.len();
        if !self.is_answered {
            // If another one has gone on already, that will do.
            let _ = self.servers.current.compare_exchange(self.server, next, Relaxed, Relaxed);
        }
    }
}

impl Servers {
    /// The servers at these addresses, `HOST:PORT`.
    pub(super) fn new(engine: &'static str, servers: &[String]) -> Result<Self> {
        let check = |server: &String| {
            let url = format!("http://{server}");
            let why = match url.parse::<Uri>() {
                Ok(uri) if uri.host().is_some_and(|host| !host.is_empty()) => return Ok(url),
                Ok(_) => "it names no host".to_owned(),
                Err(why) => why.to_string(),
            };
            Err(Error::BadUrl { url: server.clone(), why })
        };
        let urls = servers.iter().map(check).collect::<Result<Vec<_>>>()?;
        if urls.is_empty() {
            return Err(Error::BadUrl { url: String::new(), why: "it names no server".to_owned() });
        }
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(Duration::from_secs(1)));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        // Not everybody asks the same one.
        let current = AtomicUsize::new(std::process::id() as usize % urls.len());
        Ok(Self { engine, client, urls, current })
    }

    /// The answer.
    pub(super) async fn ask(&self, question: Question<'_>, body: &Value) -> Result<Answer> {
        let Question { what, method, path, headers, is_urgent } = question;
        let server = self.current.load(Relaxed);
        let mut asking = Asking { servers: self, server, is_answered: !is_urgent };
        let unreachable = |why| Error::Unreachable { engine: self.engine, what, why };
        let mut request = Request::builder().method(method).uri(self.urls[server].clone() + path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = request
            .body(Full::new(Bytes::from(body)))
            .map_err(|why| unreachable(why.to_string()))?;
        let answer = async {
            let answer = self.client.request(request).await.map_err(|why| words(&why))?;
            let status = answer.status();
            let index = answer.headers().get("x-consul-index");
            let index = index.and_then(|index| index.to_str().ok()?.parse().ok());
            let body = answer.into_body().collect().await.map_err(|why| words(&why))?.to_bytes();
            Ok(Answer { status, index, text: String::from_utf8_lossy(&body).into_owned() })
        };
        let answer = answer.await;
        asking.is_answered = answer.as_ref().is_ok_and(|answer| !answer.status.is_server_error());
        answer.map_err(unreachable)
    }
}

impl Answer {
    /// What it means, or nothing if that is not JSON.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

/// An error with its causes: the first one alone says little.
fn words(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
