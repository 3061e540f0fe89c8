//! How many requests reach the servers: as they count them themselves, where they do; where not, by a link
//! in between, which counts how often a client has said something after the server has.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use anyhow::{Context as _, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use crate::round::to_f64;

pub type Counting = Arc<AtomicU64>;

#[derive(Clone)]
pub enum Counter {
    Own(Counting),
    /// The messages that etcd's servers have received from clients.
    Etcd(Vec<String>),
    /// The packets that ZooKeeper's servers have received from clients, their pings included.
    ZooKeeper(Vec<String>),
}

impl Counter {
    pub async fn read(&self) -> Result<f64> {
        let mut sum = 0.0;
        match self {
            Self::Own(count) => sum = to_f64(count.load(Relaxed)),
            Self::Etcd(servers) => {
                for server in servers {
                    let request = "GET /metrics HTTP/1.0\r\n\r\n";
                    let answer = ask(server, request).await?;
                    let received = "grpc_server_msg_received_total{";
                    let lines = answer.lines().filter(|line| line.starts_with(received));
                    let count = |line: &str| line.rsplit_once(' ')?.1.parse::<f64>().ok();
                    sum += lines.filter_map(count).sum::<f64>();
                }
            }
            Self::ZooKeeper(servers) => {
                for server in servers {
                    let answer = ask(server, "srvr").await?;
                    let count = answer.lines().find_map(|line| line.strip_prefix("Received: "));
                    sum += count.context("it does not count")?.parse::<f64>()?;
                }
            }
        }
        Ok(sum)
    }
}

/// What a server says to this before it hangs up.
pub async fn ask(server: &str, words: &str) -> Result<String> {
    let mut connection = TcpStream::connect(server).await?;
    connection.write_all(words.as_bytes()).await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// The servers of an address, `HOST:PORT` each.
pub fn servers(url: &str) -> Vec<String> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default().split(',').map(str::to_owned).collect()
}

/// Where the engine's servers are found while they count, and their counter.
pub async fn counted(engine: &str, url: &str) -> Result<(String, Counter)> {
    match engine {
        "etcd" => Ok((url.to_owned(), Counter::Etcd(servers(url)))),
        "zookeeper" => Ok((url.to_owned(), Counter::ZooKeeper(servers(url)))),
        _ => {
            let (count, mut url) = (Counting::default(), url.to_owned());
            for server in servers(&url) {
                let listener = TcpListener::bind("127.0.0.1:0").await?;
                url = url.replace(&server, &listener.local_addr()?.to_string());
                tokio::spawn(link(listener, server, count.clone()));
            }
            Ok((url, Counter::Own(count)))
        }
    }
}

async fn link(listener: TcpListener, server: String, count: Counting) {
    while let Ok((client, _)) = listener.accept().await {
        let Ok(server) = TcpStream::connect(&server).await else { continue };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let ((from_client, to_client), (from_server, to_server)) =
            (client.into_split(), server.into_split());
        let is_asking = Arc::new(AtomicBool::new(false));
        let (asking, count) = (is_asking.clone(), count.clone());
        let asks = move || {
            if !asking.swap(true, Relaxed) {
                count.fetch_add(1, Relaxed);
            }
        };
        tokio::spawn(carry(from_client, to_server, asks));
        tokio::spawn(carry(from_server, to_client, move || is_asking.store(false, Relaxed)));
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, saw: impl Fn()) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        saw();
        if to.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
}
