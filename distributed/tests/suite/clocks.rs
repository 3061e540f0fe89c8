//! Clocks that are stepped.

use std::fs;
use std::io::BufRead as _;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail, ensure};
use bakery_distributed::{Error, connect};
use bakery_servers::programs;
use tokio::time::sleep;

use crate::arena::{Arena, TTL, short, skip};
use crate::child::{Process, block_on, tell};

const STEP: Duration = Duration::from_hours(5);

/// Locks, says so, and then what time it is and whether it has lost the lock, as often as it is asked.
pub fn lives_by_another_clock(words: &[&str]) -> Result<()> {
    let [url, name] = words else { bail!("not the words that are needed") };
    block_on(async {
        let mut me = connect(url)?.mutex(name)?.with(short()).join().await?;
        let guard = match me.lock().await {
            Err(Error::Lost { .. }) => {
                tell("lost");
                return Ok(());
            }
            guard => guard?,
        };
        tell("in");
        for line in std::io::stdin().lock().lines() {
            line?;
            let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
            let is_held = guard.check().await.is_ok() && !guard.is_lost();
            tell(&format!("{now} {}", if is_held { "held" } else { "lost" }));
        }
        guard.unlock().await?;
        Ok(me.leave().await?)
    })
}

fn start(arena: &Arena, library: &Path, clock: &Path) -> Result<Process> {
    let variables = [
        ("LD_PRELOAD", library.as_os_str()),
        ("FAKETIME_TIMESTAMP_FILE", clock.as_os_str()),
        ("FAKETIME_NO_CACHE", "1".as_ref()),
        // A clock that is stepped is not that of timers.
        ("DONT_FAKE_MONOTONIC", "1".as_ref()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".as_ref()),
    ];
    Process::start_with(arena, "lives by another clock", &[], &variables)
}

/// Of a holder, and of one that waits: by five hours, and back by ten.
pub async fn a_clock_that_is_stepped_changes_nothing(arena: Arena) -> Result<()> {
    let library = match programs("faketime") {
        Ok(directory) => directory.join("libfaketime.so.1"),
        Err(why) => {
            skip(&format!("{}: a clock that is stepped: {why:#}", arena.engine));
            return Ok(());
        }
    };
    // They are the ones that have short sessions.
    let _ = arena.short();
    let directory = tempfile::tempdir()?;
    let clock = directory.path().join("clock");
    let set = |offset: &str| {
        // At once: nobody reads half of it.
        let new = directory.path().join("new");
        fs::write(&new, offset)?;
        fs::rename(&new, &clock)
    };
    set("+0")?;
    let mut holder = start(&arena, &library, &clock)?;
    if holder.hear()? == "lost" {
        return Err(arena.lost());
    }
    let mut waiter = start(&arena, &library, &clock)?;
    arena.wait_for(|status| status.queue.len() == 1).await?;
    let mut me = arena.mutex()?.join().await?;
    let waiting = me.enter().await?;
    for (offset, is_forth) in [("+5h", true), ("-5h", false)] {
        set(offset)?;
        // Each session would end meanwhile if it were not renewed.
        sleep(TTL * 3 / 2).await;
        holder.ask("now?")?;
        let answer = holder.hear()?;
        let (time, is_held) = answer.split_once(' ').context("no answer")?;
        let time = UNIX_EPOCH + Duration::from_secs(time.parse()?);
        let now = SystemTime::now();
        let (earlier, later) = if is_forth { (now, time) } else { (time, now) };
        ensure!(later.duration_since(earlier)? > STEP / 2, "its clock has not been stepped");
        if is_held == "lost" || arena.mutex()?.status().await?.queue.len() != 2 {
            return Err(arena.lost());
        }
    }
    holder.hang_up();
    holder.succeed()?;
    if waiter.hear()? == "lost" {
        return Err(arena.lost());
    }
    waiter.hang_up();
    waiter.succeed()?;
    let guard = waiting.wait().await?;
    ensure!(guard.death().is_none());
    Ok(guard.unlock().await?)
}
