//! Servers that do not answer: whoever holds a lock is ended before another one's command begins.

use std::process::{Command, Stdio};

use bakery_servers::Node;
use libc::{SIGCONT, SIGSTOP};

use crate::arena::{Arena, apart};
use crate::support::{Running, until};

/// How long a session lives that is not renewed.
const TTL: [&str; 2] = ["--ttl", "4"];

/// Writes down each moment at which it is still there, and that it has been told to end; and goes on.
const HEEDLESS: &str =
    "trap 'date +%s%N >>term' TERM; while [ -d $PWD ]; do date +%s%N >>alive; done";

/// Writes down when it begins, and whether it has been told of a death.
const BEGINS: &str = "date +%s%N >>begin; echo \"$BAKERY_OWNER_DIED\" >>told";

fn heedless(arena: &Arena, url: &str, options: &[&str]) -> Running {
    let mut command = arena.run(&[&TTL, options].concat(), HEEDLESS);
    let running = Running::start(command.env("BAKERY_ENGINE", url).stderr(Stdio::null()));
    until(|| arena.moments("alive").len() > 2);
    running
}

/// What the next one runs that waits for it.
fn next(arena: &Arena) -> Command {
    arena.run(&TTL, BEGINS)
}

/// It was told to end, went on, and was gone before the next one's command began.
fn was_gone_before(arena: &Arena, was_told: bool) {
    let (alive, term, begin) =
        (arena.moments("alive"), arena.moments("term"), arena.moments("begin"));
    let (last, begin) = (*alive.last().unwrap(), begin[0]);
    assert!(last < begin, "the last moment is {last}, and the next begins at {begin}");
    assert_eq!(term.len(), usize::from(was_told));
    if let Some(term) = term.first() {
        assert!(*term <= last, "{term}, {last}");
    }
    let seconds = |time: u64| f64::from(u32::try_from(time / 1_000_000).unwrap()) / 1000.0;
    // Seen with --nocapture.
    println!(
        "{}: {} s between its last moment and the next one's first; TERM {} s before its last",
        arena.name,
        seconds(begin - last),
        term.first().map_or(0.0, |term| seconds(last - term)),
    );
}

pub fn one_that_is_cut_off_is_ended_before_the_next_begins(arena: &Arena) {
    let (cable, url) = arena.cable();
    let first = heedless(arena, &url, &[]);
    let pid = first.pid().to_string();
    let waiter = Running::start(&mut next(arena));
    until(|| arena.in_line() == 1);
    cable.cut();
    assert_eq!(first.code(), 74);
    assert_eq!(waiter.code(), 0);
    was_gone_before(arena, true);
    // What it was killed in the middle of is the next one's to know.
    assert!(arena.read("told").trim().ends_with(&pid), "{}", arena.read("told"));
}

/// Nobody of `bakery` is there to do anything but its guardian.
pub fn a_stopped_wrapper_does_not_keep_its_command(arena: &Arena) {
    let first = heedless(arena, &arena.url, &[]);
    let waiter = Running::start(&mut next(arena));
    until(|| arena.in_line() == 1);
    first.signal(SIGSTOP);
    assert_eq!(waiter.code(), 0);
    was_gone_before(arena, false);
    first.signal(SIGCONT);
    assert_eq!(first.code(), 74);
}

pub fn with_all_servers_stopped_it_gets_term_and_kill(shared: &Arena) {
    let Some((cluster, arena)) = apart(shared) else { return };
    let first = heedless(&arena, &arena.url, &["--grace", "1.5"]);
    let waiter = Running::start(next(&arena).stderr(Stdio::null()));
    until(|| arena.in_line() == 1);
    cluster.nodes.iter().try_for_each(Node::stop).unwrap();
    assert_eq!(first.code(), 74);
    assert!(arena.moments("begin").is_empty());
    cluster.nodes.iter().try_for_each(Node::go_on).unwrap();
    cluster.wait().unwrap();
    // It may have lost its place in line as well; then its command does not run.
    let in_line = waiter.code();
    assert!([0, 74].contains(&in_line), "{in_line}");
    assert_eq!(arena.moments("begin").len(), usize::from(in_line == 0));
    let (status, _, said) = arena.outcome(&mut next(&arena));
    assert_eq!(status, 0, "{said}");
    was_gone_before(&arena, true);
}

pub fn one_that_ends_at_term_is_not_killed(arena: &Arena) {
    let (cable, url) = arena.cable();
    let heeds =
        "trap 'echo cleaned up >done; exit 0' TERM; : >up; while [ -d $PWD ]; do sleep .02; done";
    let mut command = arena.run(&["--ttl", "4", "--grace", "2", "--report", "report"], heeds);
    let first = Running::start(command.env("BAKERY_ENGINE", url).stderr(Stdio::null()));
    until(|| arena.exists("up"));
    cable.cut();
    // Whatever status the command has: it did not come to its own end.
    assert_eq!(first.code(), 74);
    assert_eq!(arena.read("done"), "cleaned up\n");
    let report: serde_json::Value = serde_json::from_str(&arena.read("report")).unwrap();
    assert_eq!((&report["outcome"], &report["status"]), (&"lost".into(), &74.into()));
}
