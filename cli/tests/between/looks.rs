//! Who has a lock, and who waits; and those who wait for that, or hold without a command.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use libc::{SIGKILL, SIGTERM};
use serde_json::Value;

use crate::arena::Arena;
use crate::support::{Running, until};

pub fn the_line_is_shown(arena: &Arena) {
    let first = arena.inside(&["--ttl", "4", "--why", "release 4.2"], "first");
    let waiter = arena.queued(&["--ttl", "4"], "waiter");
    until(|| arena.in_line() == 1);
    let look = arena.look();
    let Value::Array(holders) = &look["holders"] else { panic!("{look}") };
    let [holder] = holders.as_slice() else { panic!("{look}") };
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert_eq!((&look["v"], &look["name"]), (&1.into(), &arena.name.into()));
    assert_eq!((&look["state"], &look["mode"]), (&"held".into(), &"exclusive".into()));
    assert_eq!((&holder["pid"], &holder["host"]), (&first.pid().into(), &host.trim().into()));
    assert_eq!((&holder["command"][0], &holder["why"]), (&"sh".into(), &"release 4.2".into()));
    assert!(holder["token"].as_str().unwrap().parse::<u64>().unwrap() > 0);
    assert!(holder["held_s"].is_f64() && holder["since"].is_string(), "{look}");
    let queued = &look["queue"][0];
    assert_eq!((&queued["position"], &queued["pid"]), (&1.into(), &waiter.pid().into()));
    assert!(queued["waiting_s"].is_f64(), "{look}");

    let (status, text, _) = arena.outcome(&mut arena.bakery(["status", arena.name]));
    assert_eq!(status, 1);
    let head = format!("{}  held  exclusive  {}\n", arena.name, arena.engine);
    let inside = format!("in {:>7}  sh ", first.pid());
    let in_line = format!(" 1 {:>7}  sh ", waiter.pid());
    for words in [&*head, &inside, &in_line, "why: 'release 4.2'; token "] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");

    // Who left without unlocking stays to be seen until somebody has been told.
    waiter.signal(SIGTERM);
    assert_eq!(waiter.code(), 128 + SIGTERM);
    first.signal(SIGKILL);
    until(|| arena.look()["state"] == "free");
    assert_eq!(arena.look()["last_death"]["pid"], first.pid());
    let (status, text, _) = arena.outcome(&mut arena.bakery(["status", arena.name]));
    assert!(status == 0 && text.contains("left without unlocking: sh "), "{text}");
    arena.status(&mut arena.run(&["--ttl", "4"], "true"));
    assert!(arena.look()["last_death"].is_null());
}

pub fn a_wait_ends_when_it_is_free(arena: &Arena) {
    let wait = |options: &[&str]| {
        let mut command = arena.bakery(["wait", arena.name]);
        command.args(options);
        command
    };
    assert_eq!(arena.status(&mut wait(&["-w", "0"])), 0);
    let first = arena.inside(&[], "first");
    assert_eq!(arena.status(&mut wait(&["-w", "0"])), 75);
    assert_eq!(arena.status(&mut wait(&["-w", ".2", "-E", "3"])), 3);
    let waiting = Running::start(&mut wait(&[]));
    // It takes no place.
    assert_eq!(arena.in_line(), 0);
    arena.make("go.first");
    assert_eq!((first.code(), waiting.code()), (0, 0));
}

pub fn a_hold_lets_go(arena: &Arena) {
    let hold = |options: &[&str]| {
        let mut command = arena.bakery(["hold", arena.name]);
        command.args(options).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.spawn().unwrap()
    };
    let mut holder = hold(&["--why", "by hand"]);
    let mut token = String::new();
    BufReader::new(holder.stdout.take().unwrap()).read_line(&mut token).unwrap();
    let look = arena.look();
    assert_eq!(look["holders"][0]["token"], token.trim());
    assert_eq!(look["holders"][0]["pid"], holder.id());
    assert_eq!(arena.status(&mut arena.bakery(["hold", arena.name, "-n"])), 75);
    drop(holder.stdin.take());
    assert_eq!(Running::from(holder).code(), 0);
    assert_eq!(arena.look()["state"], "free");

    // A signal ends it, and it leaves first.
    let mut holder = hold(&[]);
    BufReader::new(holder.stdout.take().unwrap()).read_line(&mut token).unwrap();
    let running = Running::from(holder);
    running.signal(SIGTERM);
    assert_eq!(running.code(), 128 + SIGTERM);
    let look = arena.look();
    assert!(look["state"] == "free" && look["last_death"].is_null(), "{look}");
}
