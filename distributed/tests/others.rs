//! Other programs that lock the same things: each engine's own command line stands in the same line.
#![cfg(any(feature = "etcd", feature = "postgres"))]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bakery_distributed::{Mutex, connect};
use bakery_servers::{Cluster, programs};
use tokio::time::sleep;

const NAME: &str = "it's a line";
const LIMIT: Duration = Duration::from_mins(1);

/// A command that says something when it has got the lock, and gives it back when its input ends.
type Locks = fn(&Path, &Cluster) -> Command;

#[cfg(feature = "etcd")]
#[test]
fn etcdctl() -> Result<()> {
    stand_in_line("etcd", "etcdctl", |program, cluster| {
        let mut command = Command::new("sh");
        let servers = cluster.url.trim_start_matches("etcd://");
        command.args(["-c", r#""$0" "$@" & cat; kill $!; wait"#]).arg(program);
        command.env("ETCDCTL_API", "3").args(["--endpoints", servers, "lock", NAME]);
        command
    })
}

#[cfg(feature = "postgres")]
#[test]
fn psql() -> Result<()> {
    stand_in_line("postgres", "psql", |program, cluster| {
        let lock = "SELECT pg_advisory_lock(hashtextextended('it''s a line', 0)), 'in'";
        let mut command = Command::new("sh");
        command.args(["-c", r#"(printf '%s;\n' "$2"; cat) | "$0" -qAt "$1""#]).arg(program);
        command.args([&cluster.url, lock]);
        command
    })
}

fn stand_in_line(engine: &str, program: &str, locks: Locks) -> Result<()> {
    let found = programs(engine).map(|programs| programs.join(program));
    let started = found.and_then(|program| Ok((program, Cluster::start(engine)?)));
    let (program, cluster) = match started {
        Ok((program, cluster)) if program.exists() => (program, cluster),
        Ok((program, _)) => return skip(program.display()),
        Err(error) => return skip(format!("{program}: {error:#}")),
    };
    let mutex = connect(&cluster.url)?.mutex(NAME)?;
    tokio::runtime::Runtime::new()?.block_on(both_ways(&mutex, || locks(&program, &cluster)))
}

/// Says so where the harness does not hide it.
fn skip(what: impl std::fmt::Display) -> Result<()> {
    Ok(writeln!(std::io::stderr(), "\nSKIPPED: {what}")?)
}

async fn both_ways(mutex: &Mutex, locks: impl Fn() -> Command) -> Result<()> {
    let mut me = mutex.join().await?;
    // It waits for us.
    let guard = me.lock().await?;
    let other = start(locks())?;
    waits(mutex, 1).await?;
    guard.unlock().await?;
    let other = tokio::task::spawn_blocking(|| says_something(other)).await??;
    // We wait for it.
    ensure!(me.try_lock().await?.is_none());
    let waiting = me.enter().await?;
    let status = mutex.status().await?;
    ensure!(status.holders.len() == 1 && status.queue.len() == 1, "{status:?}");
    hang_up(other)?;
    waiting.wait().await?.unlock().await?;
    Ok(me.leave().await?)
}

fn start(mut command: Command) -> Result<Child> {
    Ok(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?)
}

fn says_something(mut other: Child) -> Result<Child> {
    let mut line = String::new();
    BufReader::new(other.stdout.as_mut().context("no output")?).read_line(&mut line)?;
    ensure!(!line.trim().is_empty(), "it has ended");
    Ok(other)
}

fn hang_up(mut other: Child) -> Result<()> {
    drop(other.stdin.take());
    other.wait()?;
    Ok(())
}

async fn waits(mutex: &Mutex, number: usize) -> Result<()> {
    let end = Instant::now() + LIMIT;
    while mutex.status().await?.queue.len() != number {
        ensure!(Instant::now() < end, "not within a minute: {:?}", mutex.status().await?);
        sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}
