//! A process that is spoken to, and heard.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

/// What begins the lines that are meant for whoever started the process, between those of others.
const MARK: &str = "> ";

/// Tells whoever started this process something.
pub fn tell(words: &str) {
    println!("\n{MARK}{words}");
    std::io::stdout().flush().unwrap();
}

/// Killed when it is dropped.
pub struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Process {
    pub fn spawn(command: &mut Command) -> Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().context("no output")?);
        Ok(Self { child, input, output })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it tells next.
    pub fn hear(&mut self) -> Result<String> {
        loop {
            let mut line = String::new();
            ensure!(self.output.read_line(&mut line)? > 0, "the child has ended");
            if let Some(words) = line.trim_end().strip_prefix(MARK) {
                return Ok(words.to_owned());
            }
        }
    }

    pub fn ask(&mut self, line: &str) -> Result<()> {
        Ok(writeln!(self.input.as_mut().context("no input")?, "{line}")?)
    }

    /// Asks nothing more.
    pub fn hang_up(&mut self) {
        self.input = None;
    }

    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = Pid::from_raw(i32::try_from(self.child.id())?).context("no process")?;
        Ok(kill_process(pid, signal)?)
    }

    pub fn succeed(mut self) -> Result<()> {
        let status = self.child.wait()?;
        ensure!(status.success(), "the child failed: {status}");
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
