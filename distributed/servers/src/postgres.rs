//! One server of PostgreSQL.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;

use crate::{Cluster, Node, data, port};

pub fn start(programs: &Path) -> Result<Cluster> {
    let data = data("postgres")?;
    let port = port::free();
    let files = data.join("data");
    let mut made: Vec<OsString> = as_somebody(programs, "initdb", &data)?;
    made.extend(["-D".into(), files.clone().into()]);
    made.extend(["-A", "trust", "-U", "bakery", "-E", "UTF8", "--no-sync"].map(Into::into));
    let made = Command::new(&made[0]).args(&made[1..]).output().context("initdb does not run")?;
    ensure!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr).trim());
    let mut command = as_somebody(programs, "postgres", &data)?;
    command.extend(["-D".into(), files.clone().into()]);
    let set = |setting: &str| ["-c".into(), setting.into()];
    command.extend(set("listen_addresses=127.0.0.1"));
    command.extend(set(&format!("port={port}")));
    command.extend(set(&format!("unix_socket_directories={}", data.display())));
    command.extend(set("max_connections=200"));
    // An immediate shutdown: as if it crashed, but for the memory that it shares.
    let node = Node::start(command, data, Signal::QUIT)?;
    let url = format!("postgres://bakery@127.0.0.1:{port}/postgres");
    Ok(Cluster { url, nodes: vec![node], is_ready: Box::new(move || lets_in(port)) })
}

/// Whether the server welcomes a client.
pub fn lets_in(port: u16) -> bool {
    let ask = || {
        let mut server = TcpStream::connect(("127.0.0.1", port))?;
        server.set_read_timeout(Some(Duration::from_secs(2)))?;
        // The length, the protocol's version, and who it is.
        server.write_all(b"\0\0\0\x15\0\x03\0\0user\0bakery\0\0")?;
        let mut answer = [0];
        server.read_exact(&mut answer)?;
        Ok::<_, std::io::Error>(answer)
    };
    ask().is_ok_and(|answer| answer == *b"R")
}

/// `nobody`, and `nogroup`.
pub const NOBODY: u32 = 65534;

/// The command of a program that refuses to run as root.
pub fn as_somebody(programs: &Path, program: &str, data: &Path) -> Result<Vec<OsString>> {
    let libraries = programs.join("../../../x86_64-linux-gnu");
    let mut command: Vec<OsString> = vec!["env".into()];
    if libraries.is_dir() && !programs.starts_with("/usr/lib") {
        command.push(format!("LD_LIBRARY_PATH={}", libraries.display()).into());
    }
    if rustix::process::geteuid().is_root() {
        chown(data, Some(NOBODY), Some(NOBODY))?;
        command.push("setpriv".into());
        command.extend(["--reuid", "--regid"].map(|id| format!("{id}={NOBODY}").into()));
        command.push("--clear-groups".into());
    }
    command.push(programs.join(program).into());
    Ok(command)
}
