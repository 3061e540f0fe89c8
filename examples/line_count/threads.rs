//! One thread for each participant, and the locks between threads.

use std::sync::Barrier;
use std::thread;

use anyhow::{Result, bail, ensure};
use bakery_lock::algorithm::{
    Bakery, BlackWhite, Bypass, Fast, Filter, Peterson, Swapped, Ticket, Tournament,
};
use bakery_lock::shared::Kind;
use bakery_lock::wait::Wait;
use bakery_lock::{Fixed, Lock, Participant};

use crate::attempts::{Attempt, Share, now};
use crate::cli::Arguments;
use crate::lock::{Adder, Count, LockName};
use crate::peers::{self, Peer};
use crate::processes::Outcome;
use crate::work::Work;

/// For how many threads the locks here have room.
const ROOM: usize = 64;

pub fn run(arguments: &Arguments, work: &Work) -> Result<Outcome> {
    let threads = arguments.participants();
    match arguments.lock {
        LockName::Ours(kind) => match kind {
            Kind::Bakery => ours::<Bakery<ROOM>>(threads, work),
            Kind::BlackWhite => ours::<BlackWhite<ROOM>>(threads, work),
            Kind::FastUnrecoverable => ours::<Fast<ROOM>>(threads, work),
            Kind::Peterson => ours::<Peterson>(threads, work),
            Kind::Filter => ours::<Filter<ROOM, Swapped>>(threads, work),
            Kind::Tournament => ours::<Tournament<ROOM, Swapped>>(threads, work),
            Kind::Ticket => ours::<Ticket<ROOM>>(threads, work),
            Kind::Bypass => ours::<Bypass<ROOM, 1024>>(threads, work),
            other => bail!("there is no {other} lock between threads here"),
        },
        LockName::Pthread | LockName::Flock | LockName::None => {
            let memory = peers::create()?;
            let path = peers::path_of(&memory);
            let peer = || Peer::attach(arguments.lock, &path);
            let shares = at_once(threads, work, |_| peer())?;
            Ok(Outcome { total: peer()?.count().lines, shares })
        }
    }
}

fn ours<A: Fixed + Sync>(threads: u32, work: &Work) -> Result<Outcome> {
    let lock: Lock<A, Count> = Lock::new(Count::default());
    let room = lock.capacity();
    ensure!(threads as usize <= room, "this lock has room for {room} threads, not for {threads}");
    let shares = at_once(threads, work, |_| Ok(lock.join()?))?;
    Ok(Outcome { total: lock.into_inner().lines, shares })
}

/// Lets all threads begin at the same moment.
fn at_once<A: Adder>(
    threads: u32,
    work: &Work,
    join: impl Fn(u32) -> Result<A> + Sync,
) -> Result<Vec<Share>> {
    let all_here = Barrier::new(threads as usize);
    thread::scope(|scope| {
        let run = |number| {
            let mut attempts = Vec::new();
            let adder = join(number);
            all_here.wait();
            let lines = work.run(&mut adder?, &mut |attempt| {
                attempts.push(attempt);
                Ok(())
            })?;
            Ok(Share { attempts, lines })
        };
        let threads: Vec<_> = (0..threads).map(|number| scope.spawn(move || run(number))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread panicked")).collect()
    })
}

impl<A: Fixed, W: Wait> Adder for Participant<'_, A, Count, W> {
    fn add(&mut self, change: &mut dyn FnMut(&mut Count)) -> Result<Attempt> {
        let begun = now();
        let waiting = self.enter();
        let in_line = now();
        let mut count = waiting.wait();
        let entered = now();
        change(&mut count);
        Ok(Attempt { begun, in_line, entered })
    }
}
