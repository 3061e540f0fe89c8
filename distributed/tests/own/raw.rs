//! What an engine's servers say by themselves: JSON over HTTP, without the library.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// What the server of `HOST:PORT` answers, if it is content. Each of `headers` ends with its line.
pub fn ask(server: &str, request: &str, headers: &str, body: &Value) -> Result<Value> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut connection = TcpStream::connect(server)?;
    connection.set_read_timeout(Some(crate::arena::LIMIT))?;
    write!(
        connection,
        "{request} HTTP/1.0\r\nHost: {server}\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no body")?;
    ensure!(head.contains(" 200 "), "{request}: {answer}");
    Ok(serde_json::from_str(body)?)
}
