//! The processes that lock: this program, started again.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::events::now;

const WORDS: &str = "BAKERY_FAULT_WORDS";

/// What this process was started for.
pub fn words() -> Option<Vec<String>> {
    Some(env::var(WORDS).ok()?.split('\n').map(str::to_owned).collect())
}

pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    pub fn start(url: &str, name: &str, log: &Path, seed: u64) -> Result<Self> {
        let words = [url, name, log.to_str().context("a path")?, &seed.to_string()].join("\n");
        let child = Command::new(env::current_exe()?)
            .args(["--exact", "client", "--nocapture"])
            .env(WORDS, words)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        Ok(Self { child, log: log.to_owned() })
    }

    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Whether it has written down last that it is inside.
    pub fn is_inside(&self) -> bool {
        last_line(&self.log).is_ok_and(|line| line.contains(" in ") || line.contains(" still "))
    }

    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = Pid::from_raw(i32::try_from(self.child.id())?).context("no process")?;
        Ok(kill_process(pid, signal)?)
    }

    /// Kills it; says from when on it may have been dead.
    pub fn kill(mut self) -> Result<u64> {
        let at = now();
        self.child.kill()?;
        self.child.wait()?;
        Ok(at)
    }

    /// Has it end by itself, but not wait for ever.
    pub fn end(mut self, limit: Instant) -> Result<()> {
        drop(self.child.stdin.take());
        while self.child.try_wait()?.is_none() {
            ensure!(Instant::now() < limit, "{} waits for ever", self.log.display());
            thread::sleep(Duration::from_millis(10));
        }
        let status = self.child.wait()?;
        ensure!(status.success(), "{}: {status}", self.log.display());
        Ok(())
    }

    /// Has it end after what it is doing.
    pub fn hang_up(&mut self) {
        drop(self.child.stdin.take());
    }
}

fn last_line(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let end = file.metadata()?.len();
    file.seek(SeekFrom::Start(end.saturating_sub(100)))?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text.lines().last().unwrap_or_default().to_owned())
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
