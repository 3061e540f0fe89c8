//! Commands under a lock: their order, and what they are told.

use crate::arena::Arena;
use crate::support::{Running, until};

pub fn the_command_runs_with_a_token_that_grows(arena: &Arena) {
    let tells = "echo $BAKERY_TOKEN $BAKERY_LOCK; exit 5";
    let mut last = 0;
    for _ in 0..3 {
        let (status, out, said) = arena.outcome(&mut arena.run(&[], tells));
        assert_eq!((status, &*said), (5, ""), "{out}");
        let (token, name) = out.trim_end().split_once(' ').unwrap();
        let token: u64 = token.parse().unwrap();
        assert!(token > last, "{token} after {last}");
        assert_eq!(name, arena.name);
        last = token;
    }
    let look = arena.look();
    assert_eq!((&look["state"], &look["engine"]), (&"free".into(), &arena.engine.into()));
    assert!(look["last_death"].is_null(), "{look}");
    let none = arena.outcome(&mut arena.bakery(["run", arena.name, "--", "no-such-program"]));
    assert_eq!(none.0, 127, "{none:?}");
    assert_eq!(arena.look()["state"], "free");
}

pub fn first_come_first_served(arena: &Arena) {
    let mut running = vec![arena.inside(&[], "first")];
    for (number, name) in ["a", "b", "c"].into_iter().enumerate() {
        arena.make(&format!("go.{name}"));
        running.push(arena.queued(&[], name));
        until(|| arena.in_line() == number + 1);
    }
    arena.make("go.first");
    for one in running {
        assert_eq!(one.code(), 0);
    }
    assert_eq!(arena.read("out"), "first\na\nb\nc\n");
}

pub fn one_that_does_not_wait_leaves_nothing(arena: &Arena) {
    let first = arena.inside(&["--why", "a test"], "first");
    for (options, expected, words) in [
        (&["-n"][..], 75, ""),
        (&["--skip"], 0, ""),
        (&["-n", "-E", "9"], 9, ""),
        (&["-n", "-v"], 75, "held by sh "),
        (&["-w", ".3"], 75, "gave up after "),
        (&["-w", ".3", "-q"], 75, ""),
    ] {
        let (status, out, said) = arena.outcome(&mut arena.run(options, "echo in"));
        assert_eq!((status, &*out), (expected, ""), "{options:?}: {said}");
        assert!(said.contains(words) && said.is_empty() == words.is_empty(), "{options:?}: {said}");
        assert_eq!(arena.in_line(), 0);
    }
    let dry = arena.outcome(&mut arena.run(&["--dry-run"], "echo in"));
    assert!(dry.1.contains("held by sh ") && dry.1.contains("would wait"), "{dry:?}");
    arena.make("go.first");
    assert_eq!(first.code(), 0);
    assert_eq!(arena.outcome(&mut arena.run(&["-n"], "echo in")).1, "in\n");
}

pub fn those_who_share_are_together(arena: &Arena) {
    let one = arena.inside(&["-s"], "one");
    let other = arena.inside(&["-s"], "other");
    until(|| arena.holders() == 2);
    assert_eq!(arena.look()["mode"], "shared");
    assert_eq!(arena.status(&mut arena.run(&["-n"], "true")), 75);
    let alone = arena.queued(&[], "alone");
    until(|| arena.in_line() == 1);
    // In line like everybody else.
    assert_eq!(arena.status(&mut arena.run(&["-sn"], "true")), 75);
    for name in ["one", "other", "alone"] {
        assert_eq!(arena.exists("up.alone"), name == "alone");
        arena.make(&format!("go.{name}"));
        if name == "other" {
            arena.is_up("alone");
        }
    }
    for running in [one, other, alone] {
        assert_eq!(running.code(), 0);
    }
}

pub fn so_many_at_a_time(arena: &Arena) {
    let two: Vec<Running> =
        ["one", "other"].into_iter().map(|name| arena.inside(&["-j", "2"], name)).collect();
    assert_eq!(arena.look()["mode"], "jobs");
    assert_eq!(arena.status(&mut arena.run(&["-j", "2", "-n"], "true")), 75);
    let third = arena.queued(&["-j", "2"], "third");
    until(|| arena.in_line() == 1);
    assert!(arena.holders() == 2 && !arena.exists("up.third"));
    arena.make("go.one");
    arena.is_up("third");
    arena.make("go.other");
    arena.make("go.third");
    for running in two.into_iter().chain([third]) {
        assert_eq!(running.code(), 0);
    }
    assert_eq!(arena.look()["state"], "free");
}

pub fn a_lock_within_itself_is_refused(arena: &Arena) {
    let name = arena.name;
    let within =
        format!("$BAKERY run {name} true; echo $?; $BAKERY run {name} --nested join echo joined");
    let (status, out, said) = arena.outcome(&mut arena.run(&[], &within));
    assert_eq!((status, &*out), (0, "77\njoined\n"), "{said}");
    // It says which lock that was, and not where.
    let (_, out, _) = arena.outcome(&mut arena.run(&[], "echo $BAKERY_HELD"));
    assert!(out.contains(name) && !out.contains('@'), "{out}");
}
