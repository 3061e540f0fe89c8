//! Hundreds in line.

use std::fmt::Write as _;
use std::time::Instant;

use crate::support::{BAKERY, Place, Running, kill, shell, until};

/// Has so many wait for a lock, one behind the other, and lets them in. What they have written, and what
/// they ought to have.
fn queue(place: &Place, lock: &str, options: &[&str], number: usize) -> (String, String) {
    let first = place.inside(lock, options, "first");
    let line = if lock.contains('/') { place.line_of(lock) } else { lock.to_owned() };
    let mut expected = "first\n".to_owned();
    let waiting: Vec<Running> = (1..=number)
        .map(|number| {
            let script = format!("echo {number} >>out");
            let mut command = if lock.contains('/') && number % 2 == 0 {
                let mut command = place.bakery(["flock", lock]);
                command.args(shell(&script));
                command
            } else {
                place.run(lock, options, &script)
            };
            let running = Running::start(&mut command);
            until(|| is_in_line(place, &line, running.pid()));
            let _ = writeln!(expected, "{number}");
            running
        })
        .collect();
    place.make("go.first");
    for running in waiting {
        assert_eq!(running.code(), 0);
    }
    assert_eq!(first.code(), 0);
    (place.read("out"), expected)
}

/// In it, or at its head.
fn is_in_line(place: &Place, line: &str, pid: u32) -> bool {
    place
        .look(line)
        .is_ok_and(|status| status.queue.iter().chain(&status.holder).any(|one| one.pid == pid))
}

#[test]
fn two_hundred_go_in_in_their_order() {
    for lock in ["lock", "./file"] {
        let place = Place::new();
        let (out, expected) = queue(&place, lock, &[], 200);
        assert_eq!(out, expected, "{lock}");
    }
}

#[test]
#[ignore = "takes minutes"]
fn a_thousand_go_in_in_their_order() {
    for lock in ["lock", "./file"] {
        let place = Place::new();
        let begin = Instant::now();
        let (out, expected) = queue(&place, lock, &[], 1000);
        println!("1,000 in line for {lock}, and in: {:.1} s", begin.elapsed().as_secs_f64());
        assert_eq!(out, expected, "{lock}");
    }
}

/// Of those for whom there is no slot each gets one, once there is.
fn more_than_slots(slots: usize, number: usize) {
    let place = Place::new();
    let slots_option = slots.to_string();
    let options = &["--slots", &slots_option];
    let first = place.inside("lock", options, "first");
    let waiting: Vec<Running> = (0..number)
        .map(|number| {
            Running::start(&mut place.run("lock", options, &format!("echo {number} >>out")))
        })
        .collect();
    until(|| place.in_line("lock") == slots - 1);
    let begin = Instant::now();
    place.make("go.first");
    for running in waiting {
        assert_eq!(running.code(), 0);
    }
    assert_eq!(first.code(), 0);
    let took = begin.elapsed().as_secs_f64();
    println!("{number} for {slots} slots: {took:.1} s from the first one's end to the last one's");
    let out = place.read("out");
    let mut all: Vec<usize> = out.lines().skip(1).map(|line| line.parse().unwrap()).collect();
    all.sort_unstable();
    assert_eq!(all, (0..number).collect::<Vec<_>>());
}

#[test]
fn more_wait_than_there_are_slots_and_all_get_in() {
    more_than_slots(8, 40);
}

#[test]
#[ignore = "takes minutes"]
fn a_thousand_wait_for_256_slots_and_all_get_in() {
    more_than_slots(256, 1000);
}

/// Whoever is killed leaves its place to those behind it, and nobody changes places.
#[test]
fn a_third_of_a_line_is_killed_and_the_rest_keeps_its_order() {
    let place = Place::new();
    let first = place.inside("lock", &[], "first");
    let mut expected = "first\n".to_owned();
    let waiting: Vec<(Running, bool)> = (0..60)
        .map(|number| {
            let running =
                Running::start(&mut place.run("lock", &[], &format!("echo {number} >>out")));
            until(|| is_in_line(&place, "lock", running.pid()));
            let is_killed = number % 3 == 1;
            if !is_killed {
                let _ = writeln!(expected, "{number}");
            }
            (running, is_killed)
        })
        .collect();
    for (running, _) in waiting.iter().filter(|(_, is_killed)| *is_killed) {
        kill(running.pid(), libc::SIGKILL);
    }
    place.make("go.first");
    for (running, is_killed) in waiting {
        assert_eq!(running.code(), if is_killed { 137 } else { 0 });
    }
    assert_eq!(first.code(), 0);
    assert_eq!(place.read("out"), expected);
}

/// It is asked for while it is full of waiters.
#[test]
#[ignore = "prints what it measures"]
fn a_status_of_a_thousand_waiters_is_soon_there() {
    let place = Place::new();
    let first = place.inside("lock", &[], "first");
    let waiting: Vec<Running> =
        (0..1000).map(|_| Running::start(&mut place.run("lock", &[], ":"))).collect();
    until(|| place.in_line("lock") == 1000);
    for arguments in [&["status", "lock"][..], &["status", "lock", "--json"], &["ls"], &["metrics"]]
    {
        let mut times: Vec<f64> = (0..10)
            .map(|_| {
                let begin = Instant::now();
                let (status, out, said) = place.outcome(&mut place.bakery(arguments));
                assert!(
                    [0, 1].contains(&status) && said.is_empty() && out.contains("lock"),
                    "{said}"
                );
                begin.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        times.sort_by(f64::total_cmp);
        println!(
            "bakery {}, with 1,000 in line: {:.1} ms (median of 10; {:.1} to {:.1})",
            arguments.join(" "),
            times[5],
            times[0],
            times[9]
        );
    }
    println!("({BAKERY})");
    place.make("go.first");
    for running in waiting.into_iter().chain([first]) {
        assert_eq!(running.code(), 0);
    }
}
