//! One at a time.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use bakery_distributed::connect;

use crate::arena::{Arena, LIMIT, options};
use crate::child::{Process, block_on};

/// The oldest test: five processes add 20 lines each to a shared count.
pub async fn five_processes_add_100_lines(arena: Arena) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let lines = directory.path().join("lines");
    fs::write(&lines, "")?;
    let path = lines.to_str().context("a path")?;
    let start = |_| Process::start(&arena, "adds", &[path]);
    let processes = (0..5).map(start).collect::<Result<Vec<_>>>()?;
    for process in processes {
        process.succeed()?;
    }
    let text = fs::read_to_string(&lines)?;
    let numbers = |column: usize| -> Result<Vec<u64>> {
        let number = |line: &str| Ok(line.split(' ').nth(column).context("no number")?.parse()?);
        text.lines().map(number).collect()
    };
    // Each has seen what the one before has written, and has a greater token.
    ensure!(numbers(0)?.into_iter().eq(1..=100), "lines were lost: {text}");
    ensure!(numbers(1)?.is_sorted_by(|a, b| a < b), "a token went back: {text}");
    Ok(())
}

pub fn adds(words: &[&str]) -> Result<()> {
    let [url, name, path] = words else { anyhow::bail!("not the words that are needed") };
    block_on(async {
        // A long life: whoever misses a wake-up looks again after half of it, which is too late here.
        let long = options().ttl(LIMIT * 10);
        let mut me = connect(url)?.mutex(name)?.with(long).join().await?;
        for _ in 0..20 {
            let guard = me.lock().await?;
            add(path.as_ref(), guard.token())?;
            guard.unlock().await?;
        }
        Ok(me.leave().await?)
    })
}

/// Writes all lines anew, so that two at the same time would lose some.
fn add(path: &Path, token: u64) -> Result<()> {
    let text = fs::read_to_string(path)?;
    let count = text.lines().count();
    std::thread::yield_now();
    Ok(fs::write(path, format!("{text}{} {token}\n", count + 1))?)
}
