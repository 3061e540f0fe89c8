//! Wrappers that are killed.

use std::fs;

use libc::SIGKILL;

use crate::arena::Arena;
use crate::support::{Running, is_alive, kill, until};

/// How long a session lives that is not renewed.
const TTL: [&str; 2] = ["--ttl", "4"];

/// Starts a command with a child, whose number it writes down.
fn with_child(arena: &Arena) -> (Running, [u32; 2]) {
    let script = "sleep 100 >/dev/null 2>&1 & echo $! >pid.child; mv pid.child up.child; echo $$ >pid; mv pid up.parent; wait";
    let running = Running::start(&mut arena.run(&TTL, script));
    let pids = ["parent", "child"].map(|name| arena.pid(name));
    for name in ["parent", "child"] {
        fs::remove_file(arena.path(format!("up.{name}"))).unwrap();
    }
    (running, pids)
}

fn are_gone(pids: [u32; 2]) {
    for pid in pids {
        until(|| !is_alive(pid));
    }
}

pub fn the_next_one_is_told_of_one_that_was_killed(arena: &Arena) {
    let tells = "echo $BAKERY_OWNER_DIED; echo in >>in";
    let next = |options: &[&str]| arena.outcome(&mut arena.run(&[&TTL, options].concat(), tells));

    let (dead, pids) = with_child(arena);
    let (pid, token) = (dead.pid(), arena.look()["holders"][0]["token"].clone());
    dead.signal(SIGKILL);
    assert_eq!(dead.code(), 137);
    // The command does not go on, nor what it has started.
    are_gone(pids);
    let (status, out, said) = next(&[]);
    assert_eq!((status, out), (0, format!("{} {pid}\n", token.as_str().unwrap())), "{said}");
    assert!(said.contains("the last one inside did not come to its end: sh "), "{said}");
    // Once.
    assert_eq!(next(&[]), (0, "\n".to_owned(), String::new()));

    let (dead, pids) = with_child(arena);
    dead.signal(SIGKILL);
    are_gone(pids);
    let (status, out, said) = next(&["--on-owner-died", "fail"]);
    assert!((status, &*out) == (76, "") && said.contains("did not come to its end"), "{said}");

    let (dead, pids) = with_child(arena);
    dead.signal(SIGKILL);
    are_gone(pids);
    let repairs = ["--on-owner-died", "echo repaired $BAKERY_OWNER_DIED"];
    let (status, out, said) = next(&repairs);
    assert!(status == 0 && out.starts_with("repaired "), "{out}{said}");

    // A command that is killed is no death of the lock.
    let (wrapper, [parent, child]) = with_child(arena);
    kill(parent, SIGKILL);
    assert_eq!(wrapper.code(), 137);
    kill(child, SIGKILL);
    assert_eq!(next(&[]), (0, "\n".to_owned(), String::new()));
}

/// The guardian of this wrapper's command.
fn guardian(wrapper: u32) -> u32 {
    let path = format!("/proc/{wrapper}/task/{wrapper}/children");
    let children = fs::read_to_string(path).unwrap();
    let mut children = children.split_whitespace();
    let is_guardian = |pid: &&str| {
        let name = fs::read_to_string(format!("/proc/{pid}/comm"));
        name.is_ok_and(|name| name.trim() == "bakery-guardian")
    };
    children.find(is_guardian).unwrap().parse().unwrap()
}

/// What has been killed by name, for instance.
pub fn with_wrapper_and_guardian_killed_the_command_is_as_well(arena: &Arena) {
    let (wrapper, [parent, child]) = with_child(arena);
    let guardian = guardian(wrapper.pid());
    kill(guardian, SIGKILL);
    until(|| !is_alive(guardian));
    assert!(is_alive(parent));
    wrapper.signal(SIGKILL);
    until(|| !is_alive(parent));
    kill(child, SIGKILL);
}
