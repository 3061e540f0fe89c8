//! How each example begins: its command line, an engine's servers, and the same program in other processes.
#![allow(dead_code, unused_imports, reason = "no example uses all of it")]

#[path = "../../tests/suite/process.rs"]
mod process;

use std::env;
use std::process::Command;
use std::time::Instant;

use anyhow::{Result, bail};
use bakery_servers::{Cluster, ENGINES};
use lexopt::prelude::*;

pub use process::{Process, tell};

/// Is given the servers' address, and the words that follow it.
pub type Role = fn(url: &str, words: &[&str]) -> Result<()>;

const OPTIONS: &str = "
  --engine NAME   the engine, whose servers are started on loopback and stopped again
  --url URL       servers that are there: etcd://HOST:PORT,.../PREFIX, postgres://USER@HOST:PORT/DATABASE,
                  zookeeper://HOST:PORT,.../DIRECTORY, and others as `connect` takes them";

/// Plays the first role, or that of the name which comes first on the command line.
pub fn play(about: &str, roles: &[(&str, Role)]) -> Result<()> {
    let (mut engine, mut url, mut words) = (None, None, Vec::new());
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("engine") => engine = Some(arguments.value()?.string()?),
            Long("url") => url = Some(arguments.value()?.string()?),
            Long("help") => {
                println!("{about}\n{OPTIONS}\n\nEngines: {}", ENGINES.join(", "));
                return Ok(());
            }
            Value(word) => words.push(word.string()?),
            _ => return Err(argument.unexpected().into()),
        }
    }
    let mut words: Vec<_> = words.iter().map(String::as_str).collect();
    let named = roles.iter().find(|(role, _)| words.first() == Some(role));
    if named.is_some() {
        words.remove(0);
    }
    let (_, role) = named.unwrap_or(&roles[0]);
    match (engine, url) {
        (None, Some(url)) => role(&url, &words),
        (Some(engine), None) => {
            let began = Instant::now();
            let cluster = Cluster::start(&engine)?;
            let servers = match cluster.nodes.len() {
                1 => "1 server".to_owned(),
                number => format!("{number} servers"),
            };
            println!("{engine}: {servers} after {:.1?}", began.elapsed());
            role(&cluster.url, &words)
        }
        _ => bail!("either --engine or --url; see --help"),
    }
}

/// Starts this program again, in another role.
pub fn start(url: &str, role: &str, words: &[&str]) -> Result<Process> {
    let mut command = Command::new(env::current_exe()?);
    Process::spawn(command.args(["--url", url, role]).args(words))
}
