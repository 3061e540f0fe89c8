//! A leader and two standbys, in processes of their own. The leader is killed, and the first standby leads; it
//! resigns, and the second one does. An observer tells who leads.
//!
//! ```sh
//! cargo run --release --manifest-path distributed/Cargo.toml --all-features --example leader -- --engine etcd
//! ```

mod start;

use std::io::BufRead as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use bakery_distributed::blocking::{Election, Observer, connect};
use bakery_distributed::{Competitor, Options};
use rustix::process::Signal;
use start::{Process, play, start, tell};

const ABOUT: &str = "\
A leader is killed and a standby takes over; that one resigns, and the next one does.";

const ELECTION: &str = "leader";

fn main() -> Result<()> {
    play(ABOUT, &[("run", run), ("candidate", candidate)])
}

fn run(url: &str, words: &[&str]) -> Result<()> {
    ensure!(words.is_empty(), "what is {words:?}? See --help");
    let election = election(url)?;
    let began = Instant::now();
    let mut observer = election.observe();
    let mut candidates = Vec::new();
    for (name, standbys) in ["one", "two", "three"].into_iter().zip(0..) {
        candidates.push(start(url, "candidate", &[name])?);
        // So that they stand in this order.
        stand_in_line(&election, standbys)?;
    }
    let [one, two, three] = &mut candidates[..] else { bail!("there are three") };

    let first = leads(&mut observer, began, one)?;
    println!("          {}", one.hear()?);
    one.signal(Signal::KILL)?;
    println!("{:>7.1?}  one is killed", began.elapsed());

    let second = leads(&mut observer, began, two)?;
    println!("          {}", two.hear()?);
    two.ask("resign")?;
    println!("{:>7.1?}  two is asked to resign", began.elapsed());

    let third = leads(&mut observer, began, three)?;
    println!("          {}", three.hear()?);
    three.ask("resign")?;
    ensure!(first.token < second.token && second.token < third.token, "a token went back");
    candidates.drain(1..).try_for_each(Process::succeed)
}

fn election(url: &str) -> Result<Election> {
    Ok(connect(url)?.election(ELECTION)?)
}

/// Waits until one leads and so many stand in line.
fn stand_in_line(election: &Election, standbys: usize) -> Result<()> {
    let end = Instant::now() + Duration::from_mins(1);
    loop {
        let status = election.status()?;
        if status.holder().is_some() && status.queue.len() == standbys {
            return Ok(());
        }
        ensure!(Instant::now() < end, "not within a minute: {status:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Tells what the observer is told, until it is that this one leads.
fn leads(observer: &mut Observer, began: Instant, expected: &Process) -> Result<Competitor> {
    for leader in observer {
        match leader? {
            None => println!("{:>7.1?}  nobody leads", began.elapsed()),
            Some(leader) => {
                let Competitor { who, note, token, .. } = &leader;
                println!("{:>7.1?}  {who} leads, with token {token}: {note}", began.elapsed());
                if who.pid == expected.id() {
                    return Ok(leader);
                }
            }
        }
    }
    bail!("the observer does not end")
}

/// Leads until it is told to resign.
fn candidate(url: &str, words: &[&str]) -> Result<()> {
    let [name] = words else { bail!("who is this?") };
    let options = Options::default().called(name);
    let mut me = connect(url)?.election(ELECTION)?.with(options).join()?;
    let leader = me.campaign(&format!("ask at {name}'s"))?;
    leader.on_lost(|| std::process::exit(1))?;
    let after = leader.death().map_or("nobody that died".to_owned(), ToString::to_string);
    tell(&format!("({name} leads with token {}; before it: {after})", leader.token()));
    let told = std::io::stdin().lock().lines().next();
    told.context("nobody is there any more")??;
    leader.resign()?;
    Ok(me.leave()?)
}
