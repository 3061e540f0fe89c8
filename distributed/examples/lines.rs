//! Five processes add 20 lines each to a shared count, under a lock between machines.
//!
//! ```sh
//! cargo run --release --manifest-path distributed/Cargo.toml --all-features --example lines -- --engine etcd
//! ```
//!
//! Starts the engine's servers on loopback and stops them; with `--url` it takes those that are there. With
//! `--algorithm` and the feature `messages` it needs none.

#[cfg(feature = "messages")]
mod messages;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use bakery_distributed::{Options, connect};
use bakery_servers::{Cluster, ENGINES};
use lexopt::prelude::*;

const PROCESSES: u32 = 5;
const LINES: u32 = 20;
const LOCK: &str = "lines";

const HELP: &str = "\
Five processes add 20 lines each to a shared count, under a lock between machines.

  --engine NAME   the engine, whose servers are started on loopback and stopped again
  --url URL       servers that are there: etcd://HOST:PORT,.../PREFIX, postgres://USER@HOST:PORT/DATABASE,
                  zookeeper://HOST:PORT,.../DIRECTORY, and others as `connect` takes them";

fn main() -> Result<()> {
    #[cfg(feature = "messages")]
    if let Some(played) = messages::play() {
        return played;
    }
    let (mut engine, mut url, mut count) = (None, None, None);
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("engine") => engine = Some(arguments.value()?.string()?),
            Long("url") => url = Some(arguments.value()?.string()?),
            // One of the five.
            Long("count") => count = Some(PathBuf::from(arguments.value()?)),
            Long("help") => {
                println!("{HELP}\n\nEngines: {}", ENGINES.join(", "));
                return Ok(());
            }
            _ => return Err(argument.unexpected().into()),
        }
    }
    match (engine, url, count) {
        (None, Some(url), Some(count)) => add(&url, &count),
        (None, Some(url), None) => run(&url),
        (Some(engine), None, None) => {
            let began = Instant::now();
            let cluster = Cluster::start(&engine)?;
            let servers = match cluster.nodes.len() {
                1 => "1 server".to_owned(),
                number => format!("{number} servers"),
            };
            println!("{engine}: {servers} after {:.1?}", began.elapsed());
            run(&cluster.url)
        }
        _ => bail!("either --engine or --url; see --help"),
    }
}

/// Has five processes count, and shows what came of it.
fn run(url: &str) -> Result<()> {
    let count = std::env::temp_dir().join(format!("lines-{}", std::process::id()));
    std::fs::write(&count, "0")?;
    let shown = count_and_show(url, &count);
    std::fs::remove_file(&count)?;
    shown
}

fn count_and_show(url: &str, count: &Path) -> Result<()> {
    let began = Instant::now();
    let start = |_| -> Result<Child> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--url", url, "--count"]).arg(count);
        Ok(command.stdout(Stdio::piped()).spawn()?)
    };
    let processes = (0..PROCESSES).map(start).collect::<Result<Vec<_>>>()?;
    let mut table = String::new();
    for (process, number) in processes.into_iter().zip(1..) {
        let output = process.wait_with_output()?;
        ensure!(output.status.success(), "process {number} failed: {}", output.status);
        let row = String::from_utf8(output.stdout)?;
        let (longest, token) = row.trim().split_once(' ').context("a process says nothing")?;
        let longest = format!("{:.1?}", Duration::from_nanos(longest.parse()?));
        writeln!(table, "{number:>8}  {LINES:>10}  {longest:>12}  {token:>11}")?;
    }
    let total: u32 = std::fs::read_to_string(count)?.parse()?;
    println!("Total de Líneas:  {total}");
    println!(" process  iterations  longest wait  last token");
    print!("{table}");
    println!("{PROCESSES} processes took {:.1?}, joining included", began.elapsed());
    ensure!(total == PROCESSES * LINES, "lines were lost");
    Ok(())
}

/// One of the five: adds its lines, and tells its longest wait in nanoseconds, and its last token.
#[tokio::main]
async fn add(url: &str, count: &Path) -> Result<()> {
    let lock = connect(url)?.mutex(LOCK)?.with(Options::default().poisoning(false));
    let mut me = lock.join().await?;
    let (mut longest, mut token) = (Duration::ZERO, 0);
    for _ in 0..LINES {
        let began = Instant::now();
        let guard = me.lock().await?;
        longest = longest.max(began.elapsed());
        ensure!(guard.token() > token, "a token went back");
        token = guard.token();
        let lines: u32 = std::fs::read_to_string(count)?.parse()?;
        std::fs::write(count, (lines + 1).to_string())?;
        guard.unlock().await?;
    }
    me.leave().await?;
    println!("{} {token}", longest.as_nanos());
    Ok(())
}
