//! Somebody between a client and a server that speaks HTTP, who may meddle.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use anyhow::{Context as _, Result};

/// Sees each request's head and body, and may answer it with this JSON.
pub trait Meddle: Fn(&str, &str) -> Option<String> + Send + Sync + 'static {}
impl<M: Fn(&str, &str) -> Option<String> + Send + Sync + 'static> Meddle for M {}

/// Where a client finds the server of `HOST:PORT` from now on.
pub fn between(server: &str, meddle: impl Meddle) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let (server, meddle) = (server.to_owned(), Arc::new(meddle));
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let (server, meddle) = (server.clone(), meddle.clone());
            // An error is the client's or the server's end.
            thread::spawn(move || pass(client, &server, &*meddle));
        }
    });
    Ok(address)
}

fn pass(client: TcpStream, server: &str, meddle: &impl Meddle) -> Result<()> {
    let (mut reader, mut client) = (BufReader::new(client.try_clone()?), client);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            anyhow::ensure!(reader.read_line(&mut head)? > 0);
        }
        let lower = head.to_ascii_lowercase();
        let length = lower.lines().find_map(|line| line.strip_prefix("content-length:"));
        let mut body = vec![0; length.map_or(Ok(0), |length| length.trim().parse())?];
        reader.read_exact(&mut body)?;
        let body = String::from_utf8(body)?;
        if let Some(json) = meddle(&head, &body) {
            let length = json.len();
            write!(client, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{json}")?;
            continue;
        }
        let mut server = TcpStream::connect(server)?;
        // The answer ends with the connection.
        let (first, rest) = head.split_once("\r\n").context("no head")?;
        write!(server, "{first}\r\nConnection: close\r\n{rest}{body}")?;
        std::io::copy(&mut server, &mut client)?;
        client.shutdown(std::net::Shutdown::Both)?;
        return Ok(());
    }
}
