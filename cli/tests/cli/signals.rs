//! Signals: passed on, and waited out; in line, obeyed.

use std::os::unix::process::{CommandExt, ExitStatusExt};

use libc::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGSTOP, SIGTERM, SIGUSR1, SIGUSR2, c_int};

use crate::support::{Place, Running, kill, state, stays, until};

/// Says which signal it got, cleans up for a while, and ends with 5.
const CLEANS_UP: &str = "for s in TERM HUP INT QUIT USR1 USR2; do trap \"echo $s >>got; sleep .1; exit 5\" $s; done; \
    : >up; while [ -d $PWD ]; do sleep .02; done";

#[test]
fn the_command_gets_them_and_its_end_is_waited_for() {
    for (signal, name) in [
        (SIGTERM, "TERM"),
        (SIGHUP, "HUP"),
        (SIGINT, "INT"),
        (SIGQUIT, "QUIT"),
        (SIGUSR1, "USR1"),
        (SIGUSR2, "USR2"),
    ] {
        for lock in ["lock", "./file"] {
            let place = Place::new();
            let wrapper = Running::start(&mut place.run(lock, &[], CLEANS_UP));
            until(|| place.exists("up"));
            wrapper.signal(signal);
            assert_eq!(wrapper.code(), 5, "{name}");
            assert_eq!(place.read("got"), format!("{name}\n"));
        }
    }
}

#[test]
fn a_stopped_command_goes_on_when_its_wrapper_is_told_to() {
    let place = Place::new();
    let wrapper = place.inside("lock", &[], "one");
    let command = place.pid("one");
    kill(command, SIGSTOP);
    until(|| state(command) == Some('T'));
    wrapper.signal(SIGCONT);
    until(|| state(command) != Some('T'));
    place.make("go.one");
    assert_eq!(wrapper.code(), 0);
}

/// `is_ignored` is how `nohup` starts a program.
fn start(place: &Place, signal: c_int, is_ignored: bool, script: &str) -> Running {
    let mut command = place.run("lock", &[], script);
    let action = if is_ignored { libc::SIG_IGN } else { libc::SIG_DFL };
    let set = move || {
        // SAFETY: takes no pointers but a constant.
        unsafe { libc::signal(signal, action) };
        Ok(())
    };
    // SAFETY: makes one system call.
    unsafe { command.pre_exec(set) };
    Running::start(&mut command)
}

#[test]
fn what_is_ignored_stays_ignored() {
    let place = Place::new();
    let script = ": >up; until [ -e go ] || [ ! -d $PWD ]; do sleep .02; done; grep SigIgn /proc/self/status >ignored";
    let wrapper = start(&place, SIGHUP, true, script);
    until(|| place.exists("up"));
    let waiter = start(&place, SIGHUP, true, "exit 6");
    until(|| place.in_line("lock") == 1);
    wrapper.signal(SIGHUP);
    waiter.signal(SIGHUP);
    place.make("go");
    assert_eq!(wrapper.code(), 0);
    assert_eq!(waiter.code(), 6);
    let ignored = place.read("ignored");
    let mask = u64::from_str_radix(ignored.split_whitespace().last().unwrap(), 16).unwrap();
    assert_ne!(mask & 1, 0, "{ignored}");
}

/// Rust ignores the signal of a closed pipe, and a program keeps that when it becomes another. What was kept
/// back stays so, and nothing else.
#[test]
fn the_command_has_signals_as_others_have_them() {
    let place = Place::new();
    // Not by way of a shell, which may let signals through.
    let grep = ["grep", "-e", "SigIgn", "-e", "SigBlk", "/proc/self/status"];
    let runs =
        [&["run", "lock"][..], &["run", "lock", "-F"], &["flock", "l"], &["flock", "-F", "l"]];
    for (arguments, keeps_back) in runs.into_iter().flat_map(|run| [(run, false), (run, true)]) {
        let mut command = place.bakery(arguments);
        let set = move || {
            if keeps_back {
                // SAFETY: all zeros is a set, which gets a signal and is read.
                unsafe {
                    let mut set = std::mem::zeroed();
                    libc::sigaddset(&raw mut set, SIGUSR1);
                    libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
                }
            }
            Ok(())
        };
        // SAFETY: makes one system call.
        unsafe { command.pre_exec(set) };
        let (_, masks, _) = place.outcome(command.args(grep));
        let mask = |name: &str| {
            let line = masks.lines().find(|line| line.starts_with(name)).unwrap();
            u64::from_str_radix(line.split_whitespace().last().unwrap(), 16).unwrap()
        };
        assert_eq!(mask("SigIgn") & (1 << (libc::SIGPIPE - 1)), 0, "{masks}");
        let kept_back = if keeps_back { 1 << (SIGUSR1 - 1) } else { 0 };
        assert_eq!(mask("SigBlk"), kept_back, "{arguments:?} {masks}");
    }
}

#[test]
fn in_line_they_are_obeyed_and_the_place_is_left() {
    for lock in ["lock", "./file"] {
        for signal in [SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2] {
            let place = Place::new();
            let first = place.inside(lock, &[], "first");
            let name = if lock == "lock" { lock.to_owned() } else { place.line_of("file") };
            let waiter = place.queued(lock, &[], "waiter");
            let in_line = || {
                place.look(&name).map_or(0, |status| {
                    status.queue.len()
                        + status.holder.map_or(0, |holder| usize::from(holder.pid == waiter.pid()))
                })
            };
            until(|| in_line() == 1);
            waiter.signal(signal);
            let ended = waiter.end();
            assert_eq!(ended.signal(), Some(signal));
            // It has left by itself: nobody had to find it dead.
            if let Ok(status) = place.look(&name) {
                assert_eq!((status.queue.len(), status.dead.len(), status.recoveries), (0, 0, 0));
            }
            place.make("go.first");
            assert_eq!(first.code(), 0);
        }
    }
}

#[test]
fn those_that_come_as_the_command_ends_leave_its_status() {
    for lock in ["lock", "./file"] {
        let place = Place::new();
        let first = place.inside(lock, &[], "first");
        // All of them are there when it looks again.
        first.signal(SIGSTOP);
        until(|| state(first.pid()) == Some('T'));
        for signal in [SIGHUP, SIGINT, SIGUSR1, SIGTERM] {
            first.signal(signal);
        }
        let command = place.pid("first");
        place.make("go.first");
        until(|| state(command) == Some('Z'));
        first.signal(SIGCONT);
        assert_eq!(first.code(), 0);
    }
}

/// One that is stopped in line has left it, and comes again.
#[test]
fn one_that_is_stopped_in_line_holds_nobody_up() {
    let place = Place::new();
    let first = place.inside("lock", &[], "first");
    // In a group of its own, as a shell starts it. Where this program's group is orphaned (its parent is in
    // another session), the kernel stops nobody of it by this signal.
    let mut command = place.bakery(["run", "lock", "--"]);
    let waiter = Running::start(command.args(stays("waiter")).process_group(0));
    until(|| place.in_line("lock") == 1);
    waiter.signal(libc::SIGTSTP);
    until(|| place.in_line("lock") == 0 && state(waiter.pid()) == Some('T'));
    let other = place.queued("lock", &[], "other");
    until(|| place.in_line("lock") == 1);
    waiter.signal(SIGCONT);
    until(|| place.in_line("lock") == 2);
    for name in ["first", "other", "waiter"] {
        place.make(&format!("go.{name}"));
    }
    for running in [first, other, waiter] {
        assert_eq!(running.code(), 0);
    }
    assert_eq!(place.read("out"), "first\nother\nwaiter\n");
}

#[test]
fn a_command_whose_time_is_over_is_ended() {
    let place = Place::new();
    let (status, _, _) = place.outcome(&mut place.run("lock", &["--max-time", ".1"], "sleep 600"));
    assert_eq!(status, 124);
    // One that does not listen, and what it has started.
    let stubborn = "trap '' TERM; sh -c \"trap '' TERM; echo \\$\\$ >child; while [ -d \\$PWD ]; do sleep .02; done\" & \
        while [ -d $PWD ]; do sleep .02; done";
    let options = &["--max-time", ".3", "--kill-after", ".2"];
    assert_eq!(place.status(&mut place.run("lock", options, stubborn)), 124);
    let child: u32 = place.read("child").trim().parse().unwrap();
    until(|| state(child).is_none_or(|state| state == 'Z'));
    // One that is done in time is not.
    assert_eq!(place.status(&mut place.run("lock", &["--max-time", "60"], "exit 4")), 4);
}
