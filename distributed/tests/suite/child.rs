//! Other processes: this program, started again in a role.

use std::env;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::arena::Arena;

const ROLE: &str = "BAKERY_TEST_ROLE";
const WORDS: &str = "BAKERY_TEST_WORDS";
/// What begins the lines that are meant for the test, between those of the harness.
const MARK: &str = "> ";

pub type Role = fn(&[&str]) -> Result<()>;

/// Plays the role that this process was started for, if any.
pub fn play(roles: &[(&str, Role)]) {
    let Ok(asked) = env::var(ROLE) else { return };
    let words = env::var(WORDS).unwrap();
    let (_, role) = roles.iter().find(|(role, _)| *role == asked).expect("an unknown role");
    role(&words.split('\n').collect::<Vec<_>>()).unwrap();
}

/// Tells the test something.
pub fn tell(words: &str) {
    println!("\n{MARK}{words}");
    std::io::stdout().flush().unwrap();
}

/// Runs something of a child's.
pub fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Runtime::new().unwrap().block_on(future)
}

pub struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Process {
    pub fn start(arena: &Arena, role: &str, words: &[&str]) -> Result<Self> {
        Self::start_with(arena, role, words, &[])
    }

    /// With these variables in its environment.
    pub fn start_with(
        arena: &Arena,
        role: &str,
        words: &[&str],
        variables: &[(&str, &OsStr)],
    ) -> Result<Self> {
        let words = [&[arena.url.as_str(), arena.name], words].concat();
        let mut child = Command::new(env::current_exe()?)
            .args(["--exact", "child", "--nocapture"])
            .envs(variables.iter().copied())
            .env(ROLE, role)
            .env(WORDS, words.join("\n"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
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
