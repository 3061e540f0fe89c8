//! One server's process.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

/// A server, which can be killed, stopped for a while, and started again.
///
/// A shell keeps it: the shell's input ends when this process does, and then it ends the server and removes
/// its data.
#[derive(Debug)]
pub struct Node {
    keeper: Child,
    pid: Pid,
    command: Vec<OsString>,
    data: PathBuf,
    /// What ends it at once.
    end: Signal,
}

/// `$1`: the signal that ends the server, `$2`: its data; the rest is its command. A line of input says that
/// it has ended and that the data stay.
const KEEPER: &str = r#"
    signal=$1 data=$2
    shift 2
    exec 2>/dev/null
    "$@" >>"$data/log" 2>&1 &
    echo $!
    read -r stays
    kill -s CONT $! 2>/dev/null
    kill -s "$signal" $! 2>/dev/null
    wait $!
    [ "$stays" ] || rm -rf "$data"
"#;

impl Node {
    pub(crate) fn start(command: Vec<OsString>, data: PathBuf, end: Signal) -> Result<Self> {
        let (keeper, pid) = keep(&command, &data, end)?;
        Ok(Self { keeper, pid, command, data, end })
    }

    /// Its data.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Stops it and its children until [`go_on`](Self::go_on).
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub fn stop(&self) -> Result<()> {
        // First the parent, so that it has no more children.
        kill_process(self.pid, Signal::STOP)?;
        self.signal_children(Signal::STOP)
    }

    /// Lets it go on.
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub fn go_on(&self) -> Result<()> {
        self.signal_children(Signal::CONT)?;
        Ok(kill_process(self.pid, Signal::CONT)?)
    }

    fn signal_children(&self, signal: Signal) -> Result<()> {
        let pid = self.pid.as_raw_nonzero();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
        let children = children.split_whitespace().filter_map(|child| child.parse().ok());
        for child in children.filter_map(Pid::from_raw) {
            // It may have ended.
            let _ = kill_process(child, signal);
        }
        Ok(())
    }

    /// Kills it. Its data stay.
    ///
    /// # Errors
    ///
    /// If it has been killed before.
    pub fn kill(&mut self) -> Result<()> {
        // The shell has not waited for it, so the number is its own.
        kill_process(self.pid, self.end)?;
        let mut input = self.keeper.stdin.take().context("it has been killed before")?;
        writeln!(input, "stays")?;
        self.keeper.wait()?;
        Ok(())
    }

    /// Starts it again after it has been killed.
    ///
    /// # Errors
    ///
    /// If it does not start.
    pub fn start_again(&mut self) -> Result<()> {
        (self.keeper, self.pid) = keep(&self.command, &self.data, self.end)?;
        Ok(())
    }
}

fn keep(command: &[OsString], data: &Path, end: Signal) -> Result<(Child, Pid)> {
    let mut keeper = Command::new("sh")
        .args(["-c", KEEPER, "keeper", &end.as_raw().to_string()])
        .arg(data)
        .args(command)
        // Not for the terminal's signals.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(keeper.stdout.take().context("no output")?).read_line(&mut line)?;
    let pid = Pid::from_raw(line.trim().parse()?).context("no process id")?;
    Ok((keeper, pid))
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}
