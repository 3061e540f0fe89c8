//! Looking on: one request waits until something below a line's key changes.

use std::time::Duration;

use hyper::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::time::sleep;

use super::tree::Tree;
use super::{Consul, Headers, Question, judge};
use crate::Result;
use crate::engine::Line;

/// Before a request that does not wait is sent again.
const PAUSE: Duration = Duration::from_millis(100);

/// For how long one request waits. The servers go on with it after it has been dropped.
const TIME: &str = "5s";

impl Consul {
    /// Comes back when the line is another one.
    pub(super) async fn watch(&self, line: &str, known: &Line) -> Result<()> {
        const WHAT: &str = "watch a line";
        let root = utf8_percent_encode(&self.root(line), NON_ALPHANUMERIC).to_string();
        // The first one does not wait; those after it do, for a change that it does not know.
        let mut index = 0;
        loop {
            let path = format!("/v1/kv/{root}?recurse&consistent&index={index}&wait={TIME}");
            let method = &Method::GET;
            let headers: Headers<'_> = &|_, _| self.headers();
            let question =
                Question { what: WHAT, method, path: &path, headers, is_urgent: index == 0 };
            let answer = judge(WHAT, self.servers.ask(question, &Value::Null).await?)?;
            let keys = answer.json();
            if Tree::of_keys(keys.as_array().into_iter().flatten()).into_line() != *known {
                return Ok(());
            }
            // It goes back when the servers have been restored from a backup: then nothing is known.
            index = answer.index.filter(|now| *now >= index).unwrap_or(0);
            if index == 0 {
                sleep(PAUSE).await;
            }
        }
    }
}
