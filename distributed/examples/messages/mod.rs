//! The same without an engine: each of the five is a node of an algorithm by messages.
//!
//! ```sh
//! cargo run --release --manifest-path distributed/Cargo.toml --features messages --example lines -- \
//!     --algorithm voting
//! ```

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use bakery_distributed::algorithm::{Entered, Lock, RicartAgrawala, TokenRing, Voting};
use bakery_distributed::node::{Config, Node, Run};

use lexopt::prelude::*;

use crate::{LINES, PROCESSES};

const HELP: &str = "\
Five processes add 20 lines each to a shared count, each of them a node of an algorithm by messages.

  --algorithm NAME   the algorithm
  --unix             over Unix sockets, not TCP";

const ALGORITHMS: [&str; 3] = [RicartAgrawala::NAME, TokenRing::NAME, Voting::NAME];

fn theory(algorithm: &str) -> String {
    match algorithm {
        RicartAgrawala::NAME => format!("2 (N - 1) = {}", 2 * (PROCESSES - 1)),
        TokenRing::NAME => "1 to unboundedly many".to_owned(),
        _ => format!("3 (N - 1) = {}, and 3 for each vote that is given back", 3 * (PROCESSES - 1)),
    }
}

/// What the command line asks for, if it is an algorithm.
pub fn play() -> Option<Result<()>> {
    let is_asked = std::env::args().any(|argument| argument.starts_with("--algorithm"));
    is_asked.then(parse)
}

fn parse() -> Result<()> {
    let (mut algorithm, mut is_unix) = (String::new(), false);
    // One of the five.
    let (mut me, mut nodes, mut count) = (None, None, None);
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("algorithm") => algorithm = arguments.value()?.string()?,
            Long("unix") => is_unix = true,
            Long("node") => me = Some(arguments.value()?.parse()?),
            Long("nodes") => nodes = Some(arguments.value()?.string()?),
            Long("count") => count = Some(PathBuf::from(arguments.value()?)),
            Long("help") => {
                println!("{HELP}\n\nAlgorithms: {}", ALGORITHMS.join(", "));
                return Ok(());
            }
            _ => return Err(argument.unexpected().into()),
        }
    }
    match (me, nodes, count) {
        (Some(me), Some(nodes), Some(count)) => add(&algorithm, me, &nodes, &count),
        _ => run(&algorithm, is_unix),
    }
}

/// Has five processes count, and shows what came of it.
fn run(algorithm: &str, is_unix: bool) -> Result<()> {
    ensure!(ALGORITHMS.contains(&algorithm), "there are {}", ALGORITHMS.join(", "));
    let directory = std::env::temp_dir().join(format!("lines-{}", std::process::id()));
    std::fs::create_dir(&directory)?;
    let shown = count_and_show(algorithm, is_unix, &directory);
    std::fs::remove_dir_all(&directory)?;
    shown
}

fn addresses(is_unix: bool, directory: &Path) -> Result<Vec<String>> {
    let unix = |node| format!("unix:{}/{node}", directory.display());
    if is_unix {
        return Ok((0..PROCESSES).map(unix).collect());
    }
    // All of them are there before one is let go, so that none comes twice.
    let ports = (0..PROCESSES).map(|_| TcpListener::bind("127.0.0.1:0"));
    let ports = ports.collect::<std::io::Result<Vec<_>>>()?;
    ports.iter().map(|port| Ok(port.local_addr()?.to_string())).collect()
}

/// One of the five. Killed, if it is left.
struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Process {
    fn start(command: &mut Command) -> Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().context("no output")?);
        Ok(Self { child, input, output })
    }

    fn hear(&mut self) -> Result<String> {
        let mut line = String::new();
        ensure!(self.output.read_line(&mut line)? > 0, "a process has ended");
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = (self.child.kill(), self.child.wait());
    }
}

fn count_and_show(algorithm: &str, is_unix: bool, directory: &Path) -> Result<()> {
    let (began, count) = (Instant::now(), directory.join("count"));
    std::fs::write(&count, "0")?;
    let addresses = addresses(is_unix, directory)?.join(",");
    let start = |me: u32| -> Result<Process> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--algorithm", algorithm, "--nodes", &addresses, "--node", &me.to_string()]);
        command.arg("--count").arg(&count);
        Process::start(&mut command)
    };
    let mut processes = (0..PROCESSES).map(start).collect::<Result<Vec<_>>>()?;
    for process in &mut processes {
        ensure!(process.hear()? == "ready", "a process does not begin");
    }
    for process in &mut processes {
        process.input.as_mut().context("no input")?.write_all(b"go\n")?;
    }
    let waits = processes.iter_mut().map(Process::hear).collect::<Result<Vec<_>>>()?;
    let (mut table, mut messages) = (String::new(), 0);
    // All have been inside: nobody waits for another one's answers any more.
    for ((process, wait), number) in processes.iter_mut().zip(&waits).zip(1..) {
        process.input = None;
        let sent: u64 = process.hear()?.parse()?;
        let status = process.child.wait()?;
        ensure!(status.success(), "process {number} failed: {status}");
        messages += sent;
        let (longest, token) = wait.split_once(' ').context("a process says nothing")?;
        let longest = format!("{:.1?}", Duration::from_nanos(longest.parse()?));
        writeln!(table, "{number:>8}  {LINES:>10}  {longest:>12}  {token:>11}  {sent:>8}")?;
    }
    let total: u32 = std::fs::read_to_string(&count)?.parse()?;
    println!("Total de Líneas:  {total}");
    println!(" process  iterations  longest wait   last token  messages");
    print!("{table}");
    let mean = f64::from(u32::try_from(messages)?) / f64::from(PROCESSES * LINES);
    println!("{mean:.1} messages per section; in theory {}", theory(algorithm));
    println!("{PROCESSES} processes took {:.1?}, joining included", began.elapsed());
    ensure!(total == PROCESSES * LINES, "lines were lost");
    Ok(())
}

/// One of the five: adds its lines once it is told to, and tells its longest wait in nanoseconds and its last
/// token; and when its input ends, how many messages it has sent.
fn add(algorithm: &str, me: u8, nodes: &str, count: &Path) -> Result<()> {
    match algorithm {
        RicartAgrawala::NAME => add_by::<RicartAgrawala>(me, nodes, count),
        TokenRing::NAME => add_by::<TokenRing>(me, nodes, count),
        Voting::NAME => add_by::<Voting>(me, nodes, count),
        _ => bail!("there are {}", ALGORITHMS.join(", ")),
    }
}

#[tokio::main]
async fn add_by<A>(me: u8, nodes: &str, count: &Path) -> Result<()>
where
    A: Run<Request = Lock, Answer = Entered>,
{
    let nodes = nodes.split(',').map(str::parse).collect::<Result<Vec<_>, _>>();
    let nodes = nodes.map_err(anyhow::Error::msg)?;
    let others = nodes.len() - 1;
    let mut node = Node::<A>::start(Config::new(me, 1, nodes).called("lines")).await?;
    let mut status = node.status();
    // What it takes to meet is no part of a section.
    let met = status.wait_for(|status| status.connected.len() == others).await?.sent;
    println!("ready");
    hear().await?;
    let (mut longest, mut token) = (Duration::ZERO, 0);
    for _ in 0..LINES {
        let began = Instant::now();
        let guard = node.lock().await?;
        longest = longest.max(began.elapsed());
        ensure!(guard.token() > token, "a token went back");
        token = guard.token();
        let lines: u32 = std::fs::read_to_string(count)?.parse()?;
        std::fs::write(count, (lines + 1).to_string())?;
        guard.unlock().await?;
    }
    println!("{} {token}", longest.as_nanos());
    // The others still need its answers.
    hear().await?;
    let sent = status.borrow().sent - met;
    println!("{sent}");
    node.stop().await;
    Ok(())
}

/// Waits for a line of input, or its end. The node goes on meanwhile.
async fn hear() -> Result<()> {
    let hear = || std::io::stdin().read_line(&mut String::new());
    tokio::task::spawn_blocking(hear).await??;
    Ok(())
}
