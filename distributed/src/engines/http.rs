//! JSON over HTTP, to servers of which whoever answers is asked on.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::header::{HOST, HeaderValue};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, ResponseFuture};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use super::rotation::Rotation;
use crate::access::Access;
use crate::address::Address;
use crate::tls::{Tls, refusal, words};
use crate::{Error, Result};

/// Servers that give the same answers.
#[derive(Debug)]
pub(super) struct Servers {
    engine: &'static str,
    client: Connections,
    hosts: Rotation<String>,
}

#[derive(Debug)]
enum Connections {
    Plain(Client<HttpConnector, Full<Bytes>>),
    #[cfg(feature = "tls")]
    Tls(Client<super::secure::Secure, Full<Bytes>>),
}

/// What is said of whoever asks a server of this name for this.
pub(super) type Headers<'q> =
    &'q (dyn Fn(&str, &str) -> Vec<(&'static str, HeaderValue)> + Send + Sync);

/// What is asked for. The path has its query with it.
#[derive(Clone, Copy)]
pub(super) struct Question<'q> {
    pub what: &'static str,
    pub method: &'static Method,
    pub path: &'q str,
    pub headers: Headers<'q>,
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

impl Connections {
    fn new(tls: Option<Tls>) -> Self {
        let builder = Client::builder(TokioExecutor::new());
        match tls {
            #[cfg(feature = "tls")]
            Some(tls) => Self::Tls(builder.build(super::secure::Secure::new(&tls))),
            #[cfg(not(feature = "tls"))]
            Some(tls) => match tls {},
            None => {
                let mut connector = HttpConnector::new();
                connector.set_connect_timeout(Some(Duration::from_secs(1)));
                connector.set_nodelay(true);
                Self::Plain(builder.build(connector))
            }
        }
    }

    fn scheme(&self) -> &'static str {
        match self {
            Self::Plain(_) => "http://",
            #[cfg(feature = "tls")]
            Self::Tls(_) => "https://",
        }
    }

    fn request(&self, request: Request<Full<Bytes>>) -> ResponseFuture {
        match self {
            Self::Plain(client) => client.request(request),
            #[cfg(feature = "tls")]
            Self::Tls(client) => client.request(request),
        }
    }
}

impl Servers {
    pub(super) fn new(engine: &'static str, address: &Address, access: &Access) -> Result<Self> {
        for host in &address.servers {
            if let Err(why) = format!("http://{host}").parse::<Uri>() {
                return Err(address.bad(why.to_string()));
            }
        }
        let client = Connections::new(Tls::of(address, access)?);
        Ok(Self { engine, client, hosts: Rotation::new(address.servers.clone()) })
    }

    /// The answer.
    pub(super) async fn ask(&self, question: Question<'_>, body: &Value) -> Result<Answer> {
        let Question { what, method, path, headers, is_urgent } = question;
        let mut asking = self.hosts.ask();
        asking.is_answered = !is_urgent;
        let engine = self.engine;
        let host = asking.server();
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let uri = format!("{}{host}{path}", self.client.scheme());
        let mut request = Request::builder().method(method).uri(uri).header(HOST, host);
        for (name, value) in headers(host, &body) {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(body))).map_err(|why| Error::Refused {
            engine,
            what,
            why: why.to_string(),
        })?;
        let answer = async {
            let answer = self.client.request(request).await?;
            let status = answer.status();
            let index = answer.headers().get("x-consul-index");
            let index = index.and_then(|index| index.to_str().ok()?.parse().ok());
            let body = answer.into_body().collect().await?.to_bytes();
            Ok(Answer { status, index, text: String::from_utf8_lossy(&body).into_owned() })
        };
        let answer = answer.await;
        asking.is_answered = answer.as_ref().is_ok_and(|answer| !answer.status.is_server_error());
        answer.map_err(|error: Box<dyn std::error::Error + Send + Sync>| match refusal(&*error) {
            Some(why) => Error::Refused { engine, what, why },
            None => Error::Unreachable { engine, what, why: words(&*error) },
        })
    }
}

impl Answer {
    /// What it means, or nothing if that is not JSON.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}
