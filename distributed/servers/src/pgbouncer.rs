//! `PgBouncer`, a pooler: between a server of PostgreSQL and its clients.

use std::ffi::OsString;
use std::fs;
use std::net::TcpStream;

use anyhow::{Context as _, Result};
use rustix::process::Signal;

use crate::postgres::as_somebody;
use crate::{Cluster, Node, data, port, programs};

/// Starts a pooler before the server of this URL, with more settings, each on a line. The URL is the pooler's.
///
/// # Errors
///
/// If its program cannot be had on this machine, or it does not start.
pub fn start(server: &str, settings: &str) -> Result<Cluster> {
    let programs = programs("pgbouncer")?;
    let port_of = server.rsplit_once(':').and_then(|(_, end)| end.split('/').next());
    let to = port_of.context("the server has no port")?;
    let (data, port) = (data("pgbouncer")?, port::free());
    let file = data.join("settings");
    fs::write(
        &file,
        format!(
            "[databases]\n* = host=127.0.0.1 port={to} user=bakery\n[pgbouncer]\nauth_type = any\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n{settings}\n"
        ),
    )?;
    let mut command: Vec<OsString> = vec!["env".into()];
    let libraries = programs.join("../lib/x86_64-linux-gnu");
    command.push(format!("LD_LIBRARY_PATH={}", libraries.display()).into());
    // It does not run as root either.
    command.extend(as_somebody(&programs, "pgbouncer", &data)?.into_iter().skip(1));
    command.push(file.into());
    let node = Node::start(command, data, Signal::KILL)?;
    let url = format!("postgres://bakery@127.0.0.1:{port}/postgres");
    let is_ready = Box::new(move || TcpStream::connect(("127.0.0.1", port)).is_ok());
    let cluster = Cluster { url, nodes: vec![node], is_ready };
    cluster.wait()?;
    Ok(cluster)
}
