//! Each engine's contestants.

mod consul;
mod dynamodb;
mod etcd;
mod json;
mod postgres;
mod zookeeper;

use anyhow::{Result, bail};

use crate::contest::Contestant;

/// This library's first.
pub fn contestants(engine: &str, url: &str) -> Result<Vec<Contestant>> {
    let mut contestants = crate::ours::contestants(url);
    contestants.extend(match engine {
        "consul" => consul::contestants(url),
        "dynamodb" => dynamodb::contestants(url),
        "etcd" => etcd::contestants(url),
        "postgres" => postgres::contestants(url),
        "zookeeper" => zookeeper::contestants(url),
        _ => bail!("nobody competes on {engine}"),
    });
    Ok(contestants)
}

/// What the servers are.
pub async fn version(engine: &str, url: &str) -> Result<String> {
    match engine {
        "consul" => consul::version(url).await,
        "dynamodb" => dynamodb::version(),
        "etcd" => etcd::version(url).await,
        "postgres" => postgres::version(url).await,
        "zookeeper" => zookeeper::version(url).await,
        _ => bail!("nobody knows {engine}"),
    }
}

/// The server that this library asks first, of several.
fn first(url: &str) -> String {
    let servers = crate::requests::servers(url);
    servers[std::process::id() as usize % servers.len()].clone()
}
