//! The part of a process that was started here: goes for the lock as it is told.
//!
//! It is told, and answers, a line at a time. Outside: `lock`, `pass`, `steal`. Inside: `unlock`,
//! `tempt`, `again`, `stray`, `fork`, `release`.

use std::fs::{self, File};
use std::io::{self, Lines, StdinLock, Write};
use std::os::fd::AsRawFd;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, WaitOptions, getpid, set_parent_process_death_signal, waitpid};

use crate::board::{Board, now};
use crate::cli::Orders;
use crate::contender::{Contender, Entry};
use crate::namespace;

pub fn work(orders: &Orders) -> Result<()> {
    let die_with_parent = || set_parent_process_death_signal(Some(Signal::KILL));
    die_with_parent().context("cannot tie itself to its parent")?;
    let open = |path| File::options().read(true).write(true).open(path);
    let memory = open(&orders.memory).context("cannot open the lock's memory")?;
    let board = Board::attach(open(&orders.board).context("cannot open the board")?)?;
    if orders.alone {
        if let Err(error) = namespace::enter() {
            return say(&format!("impossible {error:#}"));
        }
        die_with_parent().context("cannot tie itself to its parent")?;
    }
    let contender = orders.lock.contender(memory.try_clone()?)?;
    // Its number as its parent knows it, also from inside of a pid namespace.
    let process = fs::read_link("/proc/self").context("there is no /proc")?;
    say(&format!("ready {} {}", process.display(), getpid()))?;
    let mut worker = Worker { contender, memory, board, orders, input: io::stdin().lines() };
    while let Some(order) = worker.input.next() {
        match order?.as_str() {
            "lock" => worker.lock()?,
            "pass" => worker.pass()?,
            "steal" => worker.steal()?,
            order => bail!("not an order for outside: {order:?}"),
        }
    }
    Ok(())
}

fn say(line: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    Ok(writeln!(out, "{line}").and_then(|()| out.flush())?)
}

struct Worker<'a> {
    contender: Box<dyn Contender>,
    memory: File,
    board: Board,
    orders: &'a Orders,
    input: Lines<StdinLock<'static>>,
}

/// What follows on having been inside.
enum Then {
    Out,
    /// In again and again, until there are more entries than these.
    Again(u64),
    /// Nothing: this is a child that was forked inside.
    Exit,
}

impl Worker<'_> {
    /// Goes in, and stays there until told.
    fn lock(&mut self) -> Result<()> {
        say("trying")?;
        let Self { contender, memory, board, orders, input } = self;
        let mut then = Then::Out;
        contender.lock(&mut |entry| {
            say(&enter(board, entry))?;
            then = inside(memory, board, orders.bound, input)?;
            Ok(())
        })?;
        match then {
            Then::Out => say("out"),
            Then::Again(entries) => self.again(entries),
            // SAFETY: ends this process at once; what is left to do at the end is the parent's.
            Then::Exit => unsafe { libc::_exit(0) },
        }
    }

    /// Goes in, and out at once.
    fn pass(&mut self) -> Result<()> {
        say("trying")?;
        let mut entered = String::new();
        self.contender.lock(&mut |entry| {
            entered = enter(&self.board, entry);
            Ok(())
        })?;
        say(&entered)
    }

    /// Locks until another has been in; says how often it was in before that.
    fn again(&mut self, entries: u64) -> Result<()> {
        let end = Instant::now() + self.orders.bound;
        let (mut turns, mut is_over) = (0, false);
        while !is_over && Instant::now() < end {
            self.contender.lock(&mut |_| {
                is_over = self.board.entries() > entries;
                turns += u64::from(!is_over);
                Ok(())
            })?;
        }
        say(&format!("turns {turns} {is_over}"))
    }

    /// Tries to lock until another has been in; says how often it was in before that.
    fn steal(&mut self) -> Result<()> {
        let entries = self.board.entries();
        say("trying")?;
        let end = Instant::now() + self.orders.bound;
        let (mut turns, mut is_over) = (0, false);
        while !is_over && Instant::now() < end {
            self.board.tried();
            self.contender.try_lock(&mut |_| {
                turns += u64::from(self.board.entries() == entries);
                Ok(())
            })?;
            is_over = self.board.entries() > entries;
        }
        say(&format!("turns {turns} {is_over}"))
    }
}

/// Counts an entry, and describes it: which one, when, and what the lock said.
fn enter(board: &Board, entry: Entry) -> String {
    let (at, position) = (now(), board.enter());
    match entry {
        Entry::Clean => format!("in {position} {at}"),
        Entry::OwnerDied => format!("in {position} {at} died"),
        Entry::ThisOwnerDied(process) => format!("in {position} {at} died {process}"),
    }
}

/// What it is told to do while it holds the lock.
fn inside(
    memory: &File,
    board: &Board,
    bound: Duration,
    input: &mut Lines<StdinLock>,
) -> Result<Then> {
    loop {
        let order = input.next().context("is left alone inside")??;
        match order.as_str() {
            "unlock" => return Ok(Then::Out),
            "tempt" => {
                // The other's time runs, too.
                until_tried(board, bound / 3);
                return Ok(Then::Out);
            }
            "again" => return Ok(Then::Again(board.entries())),
            "stray" => {
                let path = format!("/proc/self/fd/{}", memory.as_raw_fd());
                drop(File::options().read(true).write(true).open(path)?);
                say("done")?;
            }
            "fork" => match fork()? {
                Some(child) => say(&format!("forked {}", child.as_raw_nonzero()))?,
                None => stay(),
            },
            "release" => match fork()? {
                Some(child) => {
                    waitpid(Some(child), WaitOptions::empty())?;
                    say("done")?;
                }
                None => return Ok(Then::Exit),
            },
            order => bail!("not an order for inside: {order:?}"),
        }
    }
}

/// Waits until another tries for the lock at the same moment as this process runs; on a machine that
/// is too busy for that, not for ever.
fn until_tried(board: &Board, bound: Duration) {
    const AT_ONCE: Duration = Duration::from_micros(20);
    let begun = Instant::now();
    while begun.elapsed() < bound {
        let (tries, since) = (board.tries(), Instant::now());
        while since.elapsed() < AT_ONCE {
            if board.tries() > tries {
                return;
            }
        }
        // Perhaps the other has no processor because this one has it.
        thread::yield_now();
    }
}

/// The child, or in the child nothing.
fn fork() -> Result<Option<Pid>> {
    // SAFETY: this process has one thread, so the child finds nothing half done.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()).context("cannot fork"),
        child => Ok(Pid::from_raw(child)),
    }
}

/// Stays until nobody listens to what this process says.
fn stay() -> ! {
    let mut output = libc::pollfd { fd: io::stdout().as_raw_fd(), events: 0, revents: 0 };
    // SAFETY: one struct, there to be read and written; then the end of this process at once, since
    // what is left to do at the end is the parent's.
    unsafe {
        while libc::poll(&raw mut output, 1, -1) < 0 {}
        libc::_exit(0)
    }
}
