//! A process that was started here, as seen from here.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use crate::cli::Orders;
use crate::contender::Entry;

/// How often to look at what nobody tells.
const LOOK: Duration = Duration::from_micros(200);

/// It and the child that it has forked are killed when this is dropped.
pub struct Process {
    /// The one started: the process itself, or the one that waits for it outside of its namespace.
    started: Child,
    pid: Pid,
    /// Its number in its own pid namespace.
    pub number: String,
    child: Option<Pid>,
    input: ChildStdin,
    lines: Receiver<String>,
    bound: Duration,
}

/// What a process says when it has got in.
#[derive(Clone, Copy, Debug)]
pub struct Entered {
    /// How many entries there were before.
    pub position: u64,
    /// In nanoseconds.
    pub at: u64,
    /// What the lock said.
    pub entry: Entry,
}

/// How often a process was in before another.
#[derive(Clone, Copy, Debug)]
pub struct Turns {
    pub turns: u64,
    /// Whether that other has been in, within the bound.
    pub is_over: bool,
}

impl Process {
    /// Starts it, and waits until it is ready. `None` if this machine does not allow it.
    pub fn start(orders: &Orders) -> Result<Option<Self>> {
        let mut started = Command::new(env::current_exe()?)
            .arg("--worker")
            .arg(orders.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start a process")?;
        let out = BufReader::new(started.stdout.take().context("is not piped")?);
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let input = started.stdin.take().context("is not piped")?;
        let pid = Pid::from_child(&started);
        let bound = orders.bound;
        let mut process =
            Self { started, pid, number: String::new(), child: None, input, lines, bound };
        let answer = process.answer()?;
        if answer.starts_with("impossible ") {
            return Ok(None);
        }
        let words: Vec<_> = answer.split(' ').collect();
        let ["ready", pid, number] = words[..] else { bail!("not what is said first: {answer:?}") };
        process.pid = Pid::from_raw(pid.parse()?).context("is no process")?;
        number.clone_into(&mut process.number);
        Ok(Some(process))
    }

    /// Its number as this process knows it.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().cast_unsigned()
    }

    fn tell(&mut self, order: &str) -> Result<()> {
        writeln!(self.input, "{order}").with_context(|| format!("cannot tell it to {order}"))
    }

    /// What it says next, if it does within this time.
    fn hear(&self, within: Duration) -> Result<Option<String>> {
        match self.lines.recv_timeout(within) {
            Ok(line) => Ok(Some(line)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => bail!("a process has ended"),
        }
    }

    /// What it says when it has done what takes no waiting for others.
    fn answer(&self) -> Result<String> {
        // Twice the bound: what is done for as long as the bound is to end before it.
        self.hear(self.bound * 2)?.context("a process does not answer")
    }

    fn ask(&mut self, order: &str) -> Result<String> {
        self.tell(order)?;
        self.answer()
    }

    fn expect(&mut self, order: &str, expected: &str) -> Result<()> {
        let answer = self.ask(order).with_context(|| format!("told to {order}"))?;
        if answer == expected { Ok(()) } else { bail!("told to {order}, it says {answer:?}") }
    }

    /// Goes for the lock; may get it.
    pub fn go(&mut self) -> Result<()> {
        self.expect("lock", "trying")
    }

    /// Goes for the lock, which nobody has, and gets it.
    pub fn get_in(&mut self) -> Result<Entered> {
        self.go()?;
        self.entry(self.bound)?.context("a lock that nobody has is not to be had")
    }

    /// Goes for the lock, which another has, until it waits.
    pub fn queue(&mut self) -> Result<()> {
        self.go()?;
        self.until_asleep()
    }

    /// The same, and once it is in, it goes out at once.
    pub fn queue_to_pass(&mut self) -> Result<()> {
        self.expect("pass", "trying")?;
        self.until_asleep()
    }

    fn until_asleep(&self) -> Result<()> {
        self.until_state("S")?;
        match self.lines.try_recv() {
            Err(TryRecvError::Empty) => Ok(()),
            answer => bail!("does not wait for the one inside: {answer:?}"),
        }
    }

    fn until_state(&self, state: &str) -> Result<()> {
        let end = Instant::now() + self.bound;
        while Instant::now() < end {
            let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid()))?;
            // The state stands behind the program's name, which may hold anything.
            let behind = stat.rsplit(')').next().unwrap_or_default();
            if behind.trim_start().starts_with(state) {
                return Ok(());
            }
            thread::sleep(LOOK);
        }
        bail!("a process does not come to state {state}")
    }

    /// How it got in, if it does within this time.
    pub fn entry(&self, within: Duration) -> Result<Option<Entered>> {
        let Some(line) = self.hear(within)? else { return Ok(None) };
        let words: Vec<_> = line.split(' ').collect();
        let ["in", position, at, ref rest @ ..] = words[..] else { bail!("not in: {line:?}") };
        let entry = match *rest {
            ["died", process] => Entry::ThisOwnerDied(process.parse()?),
            ["died"] => Entry::OwnerDied,
            _ => Entry::Clean,
        };
        Ok(Some(Entered { position: position.parse()?, at: at.parse()?, entry }))
    }

    pub fn unlock(&mut self) -> Result<()> {
        self.expect("unlock", "out")
    }

    /// Being inside, it unlocks at a moment when another [tries](Self::steal) for the lock.
    pub fn unlock_before_a_thief(&mut self) -> Result<()> {
        self.expect("tempt", "out")
    }

    /// Being inside, it unlocks and locks until another has been in, or the bound is over.
    pub fn lock_again(&mut self) -> Result<Turns> {
        self.tell("again")?;
        self.turns()
    }

    /// Tries to lock until another has been in, or the bound is over: see
    /// [`turns`](Self::turns).
    pub fn steal(&mut self) -> Result<()> {
        self.expect("steal", "trying")
    }

    pub fn turns(&self) -> Result<Turns> {
        let answer = self.answer()?;
        let words: Vec<_> = answer.split(' ').collect();
        let ["turns", turns, is_over] = words[..] else { bail!("not turns: {answer:?}") };
        Ok(Turns { turns: turns.parse()?, is_over: is_over.parse()? })
    }

    /// Being inside, it opens and closes the lock's file.
    pub fn close_once_more(&mut self) -> Result<()> {
        self.expect("stray", "done")
    }

    /// Being inside, it forks a child, which releases the lock as far as it can.
    pub fn release_in_child(&mut self) -> Result<()> {
        self.expect("release", "done")
    }

    /// Being inside, it forks a child that stays.
    pub fn fork(&mut self) -> Result<()> {
        let answer = self.ask("fork")?;
        let child = answer.strip_prefix("forked ").context("no child")?;
        self.child = Pid::from_raw(child.parse()?);
        Ok(())
    }

    pub fn stop(&self) -> Result<()> {
        kill_process(self.pid, Signal::STOP)?;
        self.until_state("T")
    }

    pub fn proceed(&self) -> Result<()> {
        Ok(kill_process(self.pid, Signal::CONT)?)
    }

    /// Kills it, and waits for its end.
    pub fn kill(&mut self) -> Result<()> {
        kill_process(self.pid, Signal::KILL)?;
        self.started.wait()?;
        Ok(())
    }

    /// Kills it, and does not ask for its end: it stays as a zombie.
    pub fn kill_to_zombie(&self) -> Result<()> {
        kill_process(self.pid, Signal::KILL)?;
        self.until_state("Z")
    }

    /// Kills the child that it has forked, after itself.
    pub fn kill_child(&mut self) {
        if let Some(child) = self.child.take() {
            // This process's to wait for, now that its parent is gone; so the number is still its.
            let _ = kill_process(child, Signal::KILL);
            let _ = waitpid(Some(child), WaitOptions::empty());
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // In a namespace of its own it is tied to the one started, and ends with that.
        let _ = self.started.kill();
        let _ = self.started.wait();
        self.kill_child();
    }
}
