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

pub fn start(program: &Path) -> Result<Cluster> {
    let (data, port) = (data("service")?, port::free());
    let (settings, state) = (data.join("settings"), data.join("state"));
    let listen = format!("127.0.0.1:{port}");
    let json =
        format!(r#"{{"listen": "{listen}", "lines": {{"coordinator": "{}"}}}}"#, state.display());
    std::fs::write(&settings, json)?;
    let node = Node::start(vec![program.into(), settings.into()], data, Signal::KILL)?;
    let is_ready = Box::new(move || TcpStream::connect(("127.0.0.1", port)).is_ok());
    Ok(Cluster { url: format!("bakery://{listen}"), nodes: vec![node], is_ready })
}
