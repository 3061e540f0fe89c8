//! Some of each: the deaths that fit into a suite that runs each time. The program does all of them.

#![cfg(target_os = "linux")]

use std::process::Command;

/// Runs the program, which forks and so has to have one thread.
#[track_caller]
fn passes(arguments: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_crash-tests")).args(arguments).output().unwrap();
    let [said, complained] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    println!("{said}{complained}");
    assert!(output.status.success(), "{arguments:?}: {said}{complained}");
}

/// Every point of one death; of two and three some.
mod deaths_at_every_step_stop_nobody {
    use super::passes;

    const SOME: &str = "stride=13";

    #[test]
    fn bakery() {
        passes(&["points", "bakery", SOME]);
    }

    #[test]
    fn black_white() {
        passes(&["points", "black-white", SOME]);
    }

    #[test]
    fn ticket() {
        passes(&["points", "ticket", SOME]);
    }

    #[test]
    fn bypass() {
        passes(&["points", "bypass", SOME]);
    }

    #[test]
    fn peterson() {
        passes(&["points", "peterson", SOME]);
    }

    #[test]
    fn filter() {
        passes(&["points", "filter", SOME]);
    }

    #[test]
    fn tournament() {
        passes(&["points", "tournament", SOME]);
    }
}

#[test]
fn deaths_at_some_instructions_stop_nobody() {
    for (path, some) in [
        ("uncontended", "stride=1"),
        ("contended", "stride=5"),
        ("recovering", "stride=101"),
        ("joining", "stride=201"),
    ] {
        passes(&["steps", path, some]);
    }
}

#[test]
fn a_storm_of_deaths_and_stops_breaks_nothing() {
    passes(&["storm", "2"]);
}

#[test]
fn whoever_waits_for_a_dead_one_gets_in() {
    passes(&["recovery", "20"]);
}
