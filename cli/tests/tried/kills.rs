//! SIGKILL at random, for wrappers, commands and waiters.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use libc::SIGKILL;

use crate::random::Random;
use crate::support::{Place, code, kill, shell, until};

/// Each adds a line to a log: how many lines it has found there, and who it is. That is one write, so
/// that whoever is killed has added the whole line or none. Two inside at once would find the same number.
fn adds(id: usize) -> String {
    format!("n=$(wc -l <log); sleep .0$(({id} % 3)); echo $n {id} >>log")
}

struct Job {
    id: usize,
    child: Child,
    is_killed: bool,
}

/// The child of a wrapper: its command, if it has begun.
fn command_of(wrapper: u32) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{wrapper}/task/{wrapper}/children")).ok()?;
    children.split(' ').next()?.parse().ok()
}

/// What is killed of one: itself, its command, or both.
fn strike(job: &mut Job, random: &mut Random) {
    let wrapper = job.child.id();
    let command = command_of(wrapper);
    let blow = random.roll(6);
    if blow < 2 {
        // It has not been waited for, so it is it.
        kill(wrapper, SIGKILL);
        job.is_killed = true;
    }
    if let Some(command) = command.filter(|_| (1..3).contains(&blow)) {
        kill(command, SIGKILL);
        job.is_killed = true;
    }
}

fn survive(jobs: usize, seed: u64, wrapped: impl Fn(&Place) -> Command) {
    let place = Place::new();
    place.make("log");
    let mut random = Random::new(seed);
    let (mut running, mut finished, mut begun, mut killed): (Vec<Job>, Vec<usize>, usize, usize) =
        (Vec::new(), Vec::new(), 0, 0);
    while begun < jobs || !running.is_empty() {
        while running.len() < 8 && begun < jobs {
            let mut command = wrapped(&place);
            command.args(shell(&adds(begun))).stderr(Stdio::null());
            running.push(Job { id: begun, child: command.spawn().unwrap(), is_killed: false });
            begun += 1;
        }
        thread::sleep(Duration::from_millis(random.roll(15) as u64));
        let one = random.roll(running.len());
        if begun < jobs {
            strike(&mut running[one], &mut random);
        }
        running.retain_mut(|job| {
            let Some(status) = job.child.try_wait().unwrap() else { return true };
            let status = code(status);
            assert!(status == 0 || job.is_killed && status == 137, "{}: {status}", job.id);
            killed += usize::from(status == 137);
            if status == 0 {
                finished.push(job.id);
            }
            false
        });
    }
    // The last ones' commands may still be at it.
    let mut last = wrapped(&place);
    assert_eq!(place.status(last.args(shell("exit 3"))), 3);
    let log = place.read("log");
    let mut in_log: Vec<usize> = Vec::new();
    for (number, line) in log.lines().enumerate() {
        let (found, id) = line.split_once(' ').unwrap();
        assert_eq!(found.parse(), Ok(number), "two were inside at once: {log}");
        in_log.push(id.parse().unwrap());
    }
    in_log.sort_unstable();
    assert!(in_log.windows(2).all(|pair| pair[0] != pair[1]), "one was run twice: {in_log:?}");
    for id in finished {
        assert!(in_log.binary_search(&id).is_ok(), "{id} has ended well, and was not run");
    }
    println!("{jobs} jobs, {killed} killed, {} have come to their end", in_log.len());
    assert!(killed * 10 > jobs && in_log.len() * 10 > jobs, "{killed} of {jobs} were killed");
}

fn wrappers() -> [fn(&Place) -> Command; 3] {
    [
        |place| place.bakery(["run", "lock", "-q", "--"]),
        |place| place.bakery(["run", "./file", "-q", "--"]),
        |place| place.bakery(["flock", "file"]),
    ]
}

#[test]
fn the_log_of_60_comes_out_right_whatever_is_killed() {
    for (wrapped, seed) in wrappers().into_iter().zip(1..) {
        survive(60, seed, wrapped);
    }
}

#[test]
#[ignore = "takes minutes"]
fn the_log_of_1000_comes_out_right_whatever_is_killed() {
    for round in 0..3 {
        for (wrapped, seed) in wrappers().into_iter().zip(1..) {
            survive(1000, 10 * round + seed, wrapped);
        }
    }
}

/// How many were inside at the most. Each says when it is in, and before it is out again.
pub fn most(log: &str) -> usize {
    let (mut inside, mut most) = (0_usize, 0);
    for line in log.lines() {
        inside = if line == "in" { inside + 1 } else { inside - 1 };
        most = most.max(inside);
    }
    assert_eq!(inside, 0, "{log}");
    most
}

/// A command goes on when its wrapper is killed, and counts as long.
#[test]
fn never_more_than_so_many_though_wrappers_are_killed() {
    let place = Place::new();
    let mut random = Random::new(7);
    let mut running: Vec<(Child, bool)> = Vec::new();
    let (mut begun, mut killed) = (0, 0);
    while begun < 60 || !running.is_empty() {
        while running.len() < 9 && begun < 60 {
            let script = "echo in >>log; sleep .0$(($$ % 4)); echo out >>log; echo >>done";
            let mut command = place.run("lock", &["-q", "-j", "3"], script);
            running.push((command.stderr(Stdio::null()).spawn().unwrap(), false));
            begun += 1;
        }
        thread::sleep(Duration::from_millis(random.roll(12) as u64));
        let one = random.roll(running.len());
        if random.roll(2) == 0 {
            kill(running[one].0.id(), SIGKILL);
            running[one].1 = true;
        }
        running.retain_mut(|(child, is_killed)| {
            let Some(status) = child.try_wait().unwrap() else { return true };
            assert!(code(status) == 0 || *is_killed, "{status}");
            killed += usize::from(code(status) == 137);
            false
        });
    }
    // Those who are alone come after all of them.
    assert_eq!(place.status(&mut place.run("lock", &["-q"], "exit 3")), 3);
    let log = place.read("log");
    assert!((2..=3).contains(&most(&log)), "{log}");
    assert!(killed > 5 && place.read("done").len() > 5, "{killed} were killed");
    until(|| place.look("lock").is_ok_and(|status| status.holder.is_none()));
}
