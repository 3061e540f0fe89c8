//! Signals: passed on; in line, obeyed.

use std::os::unix::process::ExitStatusExt;

use libc::{SIGCONT, SIGINT, SIGTERM, SIGTSTP};

use crate::arena::Arena;
use crate::support::{Running, state, until};

pub fn in_line_they_are_obeyed_and_the_place_is_left(arena: &Arena) {
    let first = arena.inside(&[], "first");
    for signal in [SIGINT, SIGTERM] {
        let waiter = arena.queued(&[], "waiter");
        until(|| arena.in_line() == 1);
        waiter.signal(signal);
        assert_eq!(waiter.end().signal(), Some(signal));
        // It has left by itself: no session had to end.
        assert_eq!(arena.in_line(), 0);
    }
    // Stopped, it is in no line; it comes again.
    let waiter = arena.queued(&[], "waiter");
    until(|| arena.in_line() == 1);
    waiter.signal(SIGTSTP);
    until(|| state(waiter.pid()) == Some('T'));
    assert_eq!(arena.in_line(), 0);
    waiter.signal(SIGCONT);
    until(|| arena.in_line() == 1);
    arena.make("go.first");
    arena.make("go.waiter");
    assert_eq!((first.code(), waiter.code()), (0, 0));
}

pub fn the_command_gets_them(arena: &Arena) {
    let traps = "trap 'echo TERM >>got; exit 5' TERM; : >up; while [ -d $PWD ]; do sleep .02; done";
    let wrapper = Running::start(&mut arena.run(&[], traps));
    until(|| arena.exists("up"));
    wrapper.signal(SIGTERM);
    assert_eq!(wrapper.code(), 5);
    assert_eq!(arena.read("got"), "TERM\n");
    assert_eq!(arena.look()["state"], "free");
    assert_eq!(arena.status(&mut arena.run(&["--max-time", ".2"], "exec sleep 60")), 124);
    assert_eq!(arena.look()["state"], "free");
}
