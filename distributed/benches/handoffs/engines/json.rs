//! JSON over HTTP.

use anyhow::Result;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// A server, and connections of one's own to it.
pub struct Server {
    client: Client<HttpConnector, Full<Bytes>>,
    url: String,
}

pub struct Answer {
    pub status: StatusCode,
    /// Consul's.
    pub index: u64,
    pub json: Value,
}

impl Server {
    pub fn new(server: &str) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Self { client, url: format!("http://{server}") }
    }

    pub async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Result<Answer> {
        let mut request = Request::builder().method(method).uri(self.url.clone() + path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.client.request(request.body(Full::new(Bytes::from(body)))?).await?;
        let status = answer.status();
        let index = answer.headers().get("x-consul-index");
        let index = index.and_then(|index| index.to_str().ok()?.parse().ok()).unwrap_or(0);
        let bytes = answer.into_body().collect().await?.to_bytes();
        Ok(Answer { status, index, json: serde_json::from_slice(&bytes).unwrap_or_default() })
    }
}
