//! Other processes: this program, started again as a node.

use std::env;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use bakery_distributed::algorithm::{Entered, Lock, RicartAgrawala, TokenRing, Voting};
use bakery_distributed::node::{Config, Node, Run};
use rustix::process::{Pid, Signal, kill_process};
use tokio::runtime::Runtime;

const WORDS: &str = "BAKERY_TEST_NODE";
/// What begins the lines that are meant for the test, between those of the harness.
const MARK: &str = "> ";

/// Much longer than a node is silent when the machine is busy costs only time.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// Plays the node that this process was started for, if any.
pub fn play() {
    let Ok(words) = env::var(WORDS) else { return };
    let words: Vec<_> = words.split('\n').collect();
    match words[0] {
        RicartAgrawala::NAME => node::<RicartAgrawala>(&words[1..]),
        TokenRing::NAME => node::<TokenRing>(&words[1..]),
        Voting::NAME => node::<Voting>(&words[1..]),
        name => panic!("no such algorithm: {name}"),
    }
    .unwrap();
}

fn tell(words: &str) {
    println!("\n{MARK}{words}");
    std::io::stdout().flush().unwrap();
}

fn node<A: Run<Request = Lock, Answer = Entered>>(words: &[&str]) -> Result<()> {
    let [me, life, nodes, directory] = words else { bail!("words") };
    let nodes = nodes.split(',').map(|node| node.parse().unwrap()).collect();
    let config = Config::new(me.parse()?, life.parse()?, nodes).patience(PATIENCE);
    let runtime = Runtime::new()?;
    let mut node = runtime.block_on(Node::<A>::start(config))?;
    let mut witness = Witness { directory: PathBuf::from(directory), lock: None };
    tell("started");
    let mut lines = std::io::stdin().lines();
    while let Some(line) = lines.next() {
        match *line?.split(' ').collect::<Vec<_>>() {
            ["pass", times] => {
                for _ in 0..times.parse()? {
                    runtime.block_on(async {
                        let guard = node.lock().await?;
                        witness.enter(guard.token())?;
                        witness.leave();
                        anyhow::Ok(guard.unlock().await?)
                    })?;
                }
                tell("passed");
            }
            ["hold"] => {
                let guard = runtime.block_on(node.lock())?;
                witness.enter(guard.token())?;
                tell("inside");
                lines.next().context("nobody asks any more")??;
                witness.leave();
                runtime.block_on(guard.unlock())?;
                tell("outside");
            }
            ["meet", number] => {
                let number = number.parse::<usize>()?;
                let mut status = node.status();
                runtime.block_on(status.wait_for(|status| status.met.len() == number))?;
                tell("met");
            }
            ["miss", other] => {
                let other = other.parse()?;
                let mut status = node.status();
                runtime.block_on(status.wait_for(|status| status.silent.contains(other)))?;
                tell("missed");
            }
            _ => bail!("an unknown request"),
        }
    }
    Ok(())
}

/// Sees who is inside. The kernel ends what it holds when its process is killed.
struct Witness {
    directory: PathBuf,
    lock: Option<File>,
}

impl Witness {
    fn enter(&mut self, token: u64) -> Result<()> {
        let open = |name| {
            let path = self.directory.join(name);
            OpenOptions::new().create(true).read(true).append(true).open(path)
        };
        let lock = open("lock")?;
        lock.try_lock().context("two are inside")?;
        let last = tokens(&self.directory)?.last().copied().unwrap_or(0);
        ensure!(token > last, "token {token} after {last}");
        // At once: nobody is killed between a number and its end.
        open("tokens")?.write_all(format!("{token}\n").as_bytes())?;
        self.lock = Some(lock);
        Ok(())
    }

    fn leave(&mut self) {
        self.lock = None;
    }
}

/// Those by which somebody was inside, in order.
pub fn tokens(directory: &Path) -> Result<Vec<u64>> {
    let path = directory.join("tokens");
    if !path.exists() {
        return Ok(Vec::new());
    }
    Ok(std::fs::read_to_string(path)?.lines().map(str::parse).collect::<Result<_, _>>()?)
}

pub struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    pub fn start(words: &[&str]) -> Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .args(["--exact", "child", "--nocapture"])
            .env(WORDS, words.join("\n"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().context("no input")?;
        let output = BufReader::new(child.stdout.take().context("no output")?);
        let mut process = Self { child, input, output };
        process.hear("started")?;
        Ok(process)
    }

    /// Waits until it says this.
    pub fn hear(&mut self, expected: &str) -> Result<()> {
        loop {
            let mut line = String::new();
            ensure!(self.output.read_line(&mut line)? > 0, "ended, before it was {expected}");
            if let Some(words) = line.trim_end().strip_prefix(MARK) {
                ensure!(words == expected, "{words}, not {expected}");
                return Ok(());
            }
        }
    }

    pub fn ask(&mut self, line: &str) -> Result<()> {
        Ok(writeln!(self.input, "{line}")?)
    }

    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = Pid::from_raw(i32::try_from(self.child.id())?).context("no process")?;
        Ok(kill_process(pid, signal)?)
    }

    /// Has it end by itself.
    pub fn end(self) -> Result<()> {
        let Self { mut child, input, mut output } = self;
        drop(input);
        let status = child.wait()?;
        let mut rest = String::new();
        output.read_to_string(&mut rest)?;
        ensure!(status.success(), "the child failed: {status}: {rest}");
        Ok(())
    }
}

/// Kills one that is left, and waits for it.
pub fn kill(mut process: Process) {
    let _ = process.child.kill();
    let _ = process.child.wait();
}
