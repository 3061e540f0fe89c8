//! Other processes: this program, started again as a node.

use std::env;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use bakery_distributed::algorithm::replicated_lock::Request;
use bakery_distributed::algorithm::{
    Coordinator, ReplicatedLock, RicartAgrawala, TokenRing, Voting,
};
use bakery_distributed::node::{Config, Error, Exclude, Guard, Node, Run};
use rustix::process::{Resource, Rlimit, setrlimit};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::process::{Process, tell};

const WORDS: &str = "BAKERY_TEST_NODE";

/// Starts a node, as these words say.
pub fn start(words: &[&str]) -> Result<Process> {
    let mut process = Process::spawn(
        Command::new(env::current_exe()?)
            .args(["--exact", "child", "--nocapture"])
            .env(WORDS, words.join("\n"))
            .env("RUST_BACKTRACE", "0"),
    )?;
    ensure!(process.hear()? == "started", "a node does not start");
    Ok(process)
}

/// Plays the node that this process was started for, if any.
pub fn play() {
    let Ok(words) = env::var(WORDS) else { return };
    let words: Vec<_> = words.split('\n').collect();
    match words[0] {
        Coordinator::NAME => node::<Coordinator>(&words[1..], || None),
        RicartAgrawala::NAME => node::<RicartAgrawala>(&words[1..], || None),
        TokenRing::NAME => node::<TokenRing>(&words[1..], || None),
        Voting::NAME => node::<Voting>(&words[1..], || None),
        ReplicatedLock::NAME => node::<ReplicatedLock>(&words[1..], || Some(Request::Expire)),
        name => panic!("no such algorithm: {name}"),
    }
    .unwrap();
}

/// `expire` is how whoever is inside is put out.
fn node<A: Exclude>(words: &[&str], expire: fn() -> Option<A::Request>) -> Result<()> {
    let [me, life, nodes, patience, excludes, directory] = words else { bail!("words") };
    let nodes = nodes.split(',').map(|node| node.parse().unwrap()).collect();
    let config = Config::new(me.parse()?, life.parse()?, nodes)
        .patience(Duration::from_millis(patience.parse()?))
        .short(Duration::from_millis(30))
        .journal(format!("{directory}/journal-{me}"));
    let runtime = Runtime::new()?;
    let mut node = runtime.block_on(Node::<A>::start(config))?;
    let mut witness =
        Witness { directory: PathBuf::from(directory), excludes: excludes.parse()?, lock: None };
    tell("started");
    let mut lines = std::io::stdin().lines();
    while let Some(line) = lines.next() {
        match *line?.split(' ').collect::<Vec<_>>() {
            ["pass", times] => {
                let mut left: u32 = times.parse()?;
                while left > 0 {
                    let guard = runtime.block_on(node.lock())?;
                    if witness.enter(guard.token())? {
                        left -= 1;
                        witness.leave(guard.token())?;
                    }
                    runtime.block_on(guard.unlock())?;
                }
                tell("passed");
            }
            ["hold"] => {
                let mut guard = runtime.block_on(node.lock())?;
                ensure!(witness.enter(guard.token())?, "it is not the last one inside");
                tell("inside");
                if lines.next().context("nobody asks any more")?? == "lost" {
                    runtime.block_on(guard.lost());
                }
                leave(&mut witness, &mut guard)?;
                runtime.block_on(guard.unlock())?;
            }
            ["expire"] => {
                // It may not have heard yet who is inside.
                let soon = Duration::from_millis(100);
                while runtime.block_on(async { timeout(soon, node.lock()).await.is_err() }) {
                    node.ask(expire().context("nobody can be put out")?)?;
                }
                tell("expired");
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
            ["fill"] => {
                fill(&PathBuf::from(format!("{directory}/journal-{me}")))?;
                tell("full");
            }
            ["fail"] => {
                let failed = runtime.block_on(node.lock()).map(drop);
                ensure!(matches!(failed, Err(Error::Ended)), "{failed:?}");
                ensure!(node.status().borrow().failed.is_some(), "it does not say why");
                tell("failed");
            }
            ["suspicions"] => tell(&node.status().borrow().suspicions.to_string()),
            _ => bail!("an unknown request"),
        }
    }
    Ok(())
}

/// No file of this process gets longer than this one is, as on a disk that is full.
fn fill(path: &Path) -> Result<()> {
    let length = Some(std::fs::metadata(path)?.len() + 1);
    // SAFETY: to ignore a signal runs no code of this program.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    let limit = Rlimit { current: length, maximum: length };
    Ok(setrlimit(Resource::Fsize, limit)?)
}

/// What a holder writes at the end is taken, unless a later one has written.
fn leave<A: Exclude>(witness: &mut Witness, guard: &mut Guard<'_, A>) -> Result<()> {
    let is_last = witness.leave(guard.token())?;
    tell(match (is_last, guard.is_lost()) {
        (true, false) => "outside",
        (false, false) => "refused",
        (_, true) => "lost",
    });
    Ok(())
}

/// Sees who is inside, and by which tokens.
struct Witness {
    directory: PathBuf,
    /// Whether nobody else may be inside. If not, only tokens are looked at.
    excludes: bool,
    /// The kernel ends it when its process is killed.
    lock: Option<File>,
}

impl Witness {
    fn open(&self, name: &str) -> Result<File> {
        let path = self.directory.join(name);
        Ok(OpenOptions::new().create(true).read(true).append(true).open(path)?)
    }

    /// Not if somebody has been inside by a greater token: that is refused.
    fn enter(&mut self, token: u64) -> Result<bool> {
        if self.excludes {
            let lock = self.open("lock")?;
            lock.try_lock().context("two are inside")?;
            self.lock = Some(lock);
        }
        let mut file = self.open("tokens")?;
        file.lock()?;
        let last = tokens(&self.directory)?.last().copied().unwrap_or(0);
        if token <= last {
            ensure!(!self.excludes, "token {token} after {last}");
            return Ok(false);
        }
        // At once: nobody is killed between a number and its end.
        file.write_all(format!("{token}\n").as_bytes())?;
        Ok(true)
    }

    /// Whether nobody has been inside by a greater token.
    fn leave(&mut self, token: u64) -> Result<bool> {
        let is_last = tokens(&self.directory)?.last() == Some(&token);
        ensure!(is_last || !self.excludes, "two were inside");
        self.lock = None;
        Ok(is_last)
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
