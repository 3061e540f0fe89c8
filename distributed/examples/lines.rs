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

mod start;

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use bakery_distributed::{Options, connect};
use start::{play, start, tell};

const ABOUT: &str = "\
Five processes add 20 lines each to a shared count, under a lock between machines. With --algorithm instead of an
engine, by messages among themselves: see --algorithm all --help.";

const PROCESSES: u32 = 5;
const LINES: u32 = 20;
const LOCK: &str = "lines";

fn main() -> Result<()> {
    #[cfg(feature = "messages")]
    if let Some(played) = messages::play() {
        return played;
    }
    play(ABOUT, &[("run", run), ("add", add)])
}

/// Has five processes count, and shows what came of it.
fn run(url: &str, words: &[&str]) -> Result<()> {
    ensure!(words.is_empty(), "what is {words:?}? See --help");
    let count = std::env::temp_dir().join(format!("lines-{}", std::process::id()));
    std::fs::write(&count, "0")?;
    let shown = count_and_show(url, &count);
    std::fs::remove_file(&count)?;
    shown
}

fn count_and_show(url: &str, count: &Path) -> Result<()> {
    let began = Instant::now();
    let path = count.to_str().context("the directory of temporary files has an odd name")?;
    let processes = (0..PROCESSES).map(|_| start(url, "add", &[path]));
    let processes = processes.collect::<Result<Vec<_>>>()?;
    let mut table = String::new();
    for (mut process, number) in processes.into_iter().zip(1..) {
        let row = process.hear().with_context(|| format!("process {number} failed"))?;
        process.succeed()?;
        let (longest, token) = row.split_once(' ').context("a process says nothing")?;
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
async fn add(url: &str, words: &[&str]) -> Result<()> {
    let [count] = words else { bail!("which count?") };
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
    tell(&format!("{} {token}", longest.as_nanos()));
    Ok(())
}
