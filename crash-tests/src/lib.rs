//! Kills: real processes that share a lock, ended by SIGKILL at every step of it.
//!
//! - `cargo run --release -p crash-tests -- points`: at every access to a register, at every fence,
//!   and between system calls. The library's own sources are compiled a second time for this, with
//!   a numbered crash point before each of these; see [`points`].
//! - `cargo run --release -p crash-tests -- steps`: at every instruction of the library as it is,
//!   single-stepped under ptrace; see [`steps`].
//! - `cargo run --release -p crash-tests -- storm 60`: at any time, for 60 seconds, some processes
//!   being stopped besides; and then, some of them held by their descriptors (`held`); see [`storm`].
//! - `cargo run --release -p crash-tests -- recovery`: how long after a kill the next owner is in.
//! - `cargo run --release -p crash-tests -- idle 60`: what 50 that wait cost in 60 seconds.
//! - `cargo test --release -p crash-tests`: some of each.
//!
//! Each command takes names (`bakery`, `points bakery twice`) of what alone it is to do. Each wait
//! ends; one that is not over after ten seconds (`limit=MILLISECONDS`) is a failure.

#![cfg(target_os = "linux")]

#[allow(dead_code, private_interfaces, reason = "the library does more with it than the tests")]
#[allow(clippy::all, clippy::pedantic, reason = "linted as the library")]
#[path = "../../src/algorithm/mod.rs"]
pub mod algorithm;
mod atomic;
#[allow(dead_code, reason = "the library does more with it than the tests")]
#[allow(clippy::all, clippy::pedantic, reason = "linted as the library")]
#[path = "../../src/attempt.rs"]
mod attempt;
mod crash;
mod idle;
mod keeper;
mod options;
pub mod points;
mod process;
mod recovery;
#[allow(dead_code, reason = "the library does more with it than the tests")]
#[allow(clippy::all, clippy::pedantic, reason = "linted as the library")]
#[path = "../../src/shared/mod.rs"]
pub mod shared;
pub mod steps;
pub mod storm;
#[allow(dead_code, unused_imports, reason = "the library does more with it than the tests")]
#[allow(clippy::all, clippy::pedantic, reason = "linted as the library")]
#[path = "../../src/wait/mod.rs"]
pub mod wait;

use std::process::ExitCode;

use bakery_lock::shared::Kind;
use options::Options;

/// The locks that survive deaths.
fn mortal_kinds() -> impl Iterator<Item = Kind> {
    Kind::ALL.into_iter().filter(|kind| kind.can_recover())
}

/// Does what the arguments say.
#[must_use]
pub fn command(arguments: &[String]) -> ExitCode {
    process::be_punctual();
    let options = Options::from(arguments.get(1..).unwrap_or_default());
    let good = match arguments.first().map(String::as_str) {
        Some("points") => points::run(&options),
        Some("steps") => steps::run(&options),
        Some("storm") => storm::run(&options),
        Some("recovery") => recovery::run(&options),
        Some("idle") => idle::run(&options),
        _ => {
            eprintln!(
                "crash-tests points | steps | storm SECONDS | recovery TIMES | idle SECONDS [NAME]..."
            );
            false
        }
    };
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
