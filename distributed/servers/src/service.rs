//! The project's own lock service, which keeps the lines itself.

use std::net::TcpStream;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rustix::process::Signal;

use crate::{Cluster, Node, data, port};

/// Where it is: cargo puts it beside what it makes for tests, before they run.
pub fn program() -> Result<PathBuf> {
    let here = std::env::current_exe()?;
    let beside = here.ancestors().skip(1).take(2).map(|place| place.join("bakery-serve"));
    let found = beside.into_iter().find(|program| program.exists());
    found.context("bakery-serve is not there: cargo build -p bakery-distributed --features service")
}

/// Keeps the lines itself.
pub fn start(program: &Path) -> Result<Cluster> {
    let data = data("service")?;
    let lines = format!(r#"{{"coordinator": "{}"}}"#, data.join("state").display());
    start_with(program, data, &lines)
}

/// Stands in front of an engine's servers. It is the last one of the nodes.
pub fn start_before(engine: &str) -> Result<Cluster> {
    let mut cluster = Cluster::start(engine)?;
    let lines = format!(r#"{{"engine": "{}"}}"#, cluster.url);
    let before = start_with(&program()?, data("service")?, &lines)?;
    cluster.nodes.extend(before.nodes);
    Ok(Cluster { url: before.url, nodes: cluster.nodes, is_ready: before.is_ready })
}

fn start_with(program: &Path, data: PathBuf, lines: &str) -> Result<Cluster> {
    let (settings, port) = (data.join("settings"), port::free());
    let listen = format!("127.0.0.1:{port}");
    std::fs::write(&settings, format!(r#"{{"listen": "{listen}", "lines": {lines}}}"#))?;
    let node = Node::start(vec![program.into(), settings.into()], data, Signal::KILL)?;
    let is_ready = Box::new(move || TcpStream::connect(("127.0.0.1", port)).is_ok());
    Ok(Cluster { url: format!("bakery://{listen}"), nodes: vec![node], is_ready })
}
