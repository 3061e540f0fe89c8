//! One process for each participant, started by this one.

use std::env;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bakery_lock::shared::{Mutex, Options};
use rustix::process::{Signal, set_parent_process_death_signal};

use crate::attempts::Share;
use crate::cli::{Arguments, Worker};
use crate::lock::{Adder, Count, LockName};
use crate::peers::{self, Peer};
use crate::progress::Progress;
use crate::work::Work;

/// What came of it.
pub struct Outcome {
    pub total: u64,
    /// By participant.
    pub shares: Vec<Share>,
}

/// A process says this when it has joined and waits for the others.
const READY: &str = "ready";

/// A process says this before the number of lines that it has added, when it has done its share.
const ADDED: &str = "added ";

/// Starts the processes, lets them begin at the same moment, and collects what they report.
pub fn run(arguments: &Arguments, work: &Work) -> Result<Outcome> {
    let participants = arguments.participants();
    match arguments.lock {
        LockName::Ours(kind) => {
            let options = Options::new().kind(kind);
            let options = if participants > 64 || kind.slots().1 < 64 {
                options.slots(participants)
            } else {
                options
            };
            let count: Mutex<Count> = options.anonymous(Count::default())?;
            let shares = supervise(arguments, work, &peers::path_of(&count))?;
            let total = count.join()?.lock()?.lines;
            Ok(Outcome { total, shares })
        }
        LockName::Pthread | LockName::Flock | LockName::None => {
            let memory = peers::create()?;
            let path = peers::path_of(&memory);
            let shares = supervise(arguments, work, &path)?;
            Ok(Outcome { total: Peer::attach(arguments.lock, &path)?.count().lines, shares })
        }
    }
}

/// The part of a process that was started here.
pub fn work(arguments: &Arguments, worker: &Worker) -> Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))
        .context("cannot tie itself to its parent")?;
    let work = Work::with_lengths(arguments, &worker.lengths);
    match arguments.lock {
        LockName::Ours(kind) => {
            let memory = File::options().read(true).write(true).open(&worker.memory);
            let memory = memory.context("cannot open the parent's segment")?;
            let count: Mutex<Count> = Options::new().kind(kind).attach_fd(memory)?;
            take_part(&work, &mut count.join()?)
        }
        _ => take_part(&work, &mut Peer::attach(arguments.lock, &worker.memory)?),
    }
}

fn take_part(work: &Work, adder: &mut dyn Adder) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{READY}")?;
    // The parent closes the pipe when all are here.
    io::stdin().read_to_end(&mut Vec::new())?;
    let lines = work.run(adder, &mut |attempt| Ok(writeln!(out, "{attempt}")?))?;
    Ok(writeln!(out, "{ADDED}{lines}")?)
}

/// The processes, killed when this is dropped: whoever is left may wait for one that has failed.
struct Processes(Vec<Child>);

impl Drop for Processes {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// What a process says, or that it has said all.
type Message = (usize, Option<String>);

fn supervise(arguments: &Arguments, work: &Work, memory: &Path) -> Result<Vec<Share>> {
    let participants = arguments.participants();
    let lengths = match work {
        Work::Files(inputs) => inputs.iter().map(|input| input.length).collect(),
        Work::Iterations { .. } => Vec::new(),
    };
    let (sender, messages) = channel();
    let mut processes = Processes(Vec::new());
    for number in 0..participants {
        let worker = Worker { number, memory: memory.to_owned(), lengths: lengths.clone() };
        let mut child = Command::new(env::current_exe()?)
            .arg("--worker")
            .arg(worker.to_string())
            .args(env::args_os().skip(1))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start process {}", number + 1))?;
        let out = BufReader::new(child.stdout.take().expect("it is piped"));
        let sender = sender.clone();
        thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let _ = sender.send((number as usize, Some(line)));
            }
            let _ = sender.send((number as usize, None));
        });
        processes.0.push(child);
    }
    collect(&mut processes, &messages, work.attempts(participants))
}

fn collect(
    processes: &mut Processes,
    messages: &Receiver<Message>,
    expected: u64,
) -> Result<Vec<Share>> {
    let mut shares = vec![Share::default(); processes.0.len()];
    let mut waiting = processes.0.len();
    let mut running = processes.0.len();
    let mut progress = Progress::new(expected);
    while running > 0 {
        progress.show(shares.iter().map(|share| share.attempts.len() as u64).sum());
        let (number, line) = match messages.recv_timeout(Duration::from_millis(100)) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => break,
        };
        let child = &mut processes.0[number];
        match line.as_deref() {
            Some(READY) => {
                waiting -= 1;
                if waiting == 0 {
                    processes.0.iter_mut().for_each(|child| drop(child.stdin.take()));
                }
            }
            Some(line) => match line.strip_prefix(ADDED) {
                Some(lines) => shares[number].lines = lines.parse()?,
                None => shares[number].attempts.push(line.parse()?),
            },
            None => {
                let status = child.wait()?;
                if !status.success() {
                    bail!("process {} failed ({status}); the others were stopped", number + 1);
                }
                running -= 1;
            }
        }
    }
    Ok(shares)
}
