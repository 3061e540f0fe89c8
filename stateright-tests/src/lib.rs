//! The library's own algorithms, one step at a time: every interleaving, for two, three and four
//! participants, until no new state is found.
//!
//! - `cargo test --release -p stateright-tests`: every claim of `models.rs` but the long ones.
//! - `cargo run --release -p stateright-tests`: the same as a table with the numbers of states;
//!   `-- long`: with the long ones; `-- long bakery`: those whose names have `bakery` in them.
//! - The mutants (feature `mutants`, see [`mutants`]) are run by the ledger of `loom-tests`: half of
//!   them each are compiled by the packages in `of-registers/` and `of-tickets/`, from these sources.
//!
//! # What is explored
//!
//! [stateright](https://docs.rs/stateright) goes through all states that participants can bring
//! about, each of which repeats: doorway, waiting (as the library's waiters do: looking whether what
//! blocked them still stands, then polling again), critical section, departure; and, where a model
//! says so, takes a blocked attempt back, joins late, or is killed at any step, whereupon somebody
//! else resets its slot and may be killed at any step of that. An access to a register is a step.
//!
//! Stores become visible at once (sequential consistency), or later and in order (total store order,
//! as on x86), or later and in order for each register (partial store order, with what the critical
//! section protects among the registers). Fences and read-modify-writes wait for them.
//!
//! # What is not
//!
//! Loads are never reordered and never read old values: what needs an Acquire is seen by the models
//! with loom only. Nobody sleeps: see those with loom and shuttle. Where numbers or tickets grow for
//! ever, each participant's attempts are counted; the other locks have no end of attempts.

#[allow(private_interfaces, reason = "a sealed trait hides them in the library")]
#[allow(clippy::all, clippy::pedantic, reason = "linted as the library")]
#[path = "../../src/algorithm/mod.rs"]
pub mod algorithm;
mod atomic;
mod bounds;
mod explore;
mod hands;
mod machine;
mod model;
mod models;
mod moves;
#[cfg(feature = "mutants")]
pub mod mutants;
mod progress;
mod state;
mod system;
mod walk;

use std::process::ExitCode;
use std::time::Instant;

use model::Effort;

/// Runs the models and prints what is found: all but the long ones, or with `long` those too; only
/// those whose names have every other argument in them.
#[must_use]
pub fn command(arguments: &[String]) -> ExitCode {
    let long = arguments.iter().any(|it| it == "long");
    let parts: Vec<_> = arguments.iter().filter(|it| *it != "long").collect();
    let (mut number, mut unexpected) = (0, 0);
    for model in models::all() {
        let name = model.to_string();
        if (model.effort == Effort::Long && !long) || !parts.iter().all(|it| name.contains(*it)) {
            continue;
        }
        let start = Instant::now();
        let found = model.run();
        number += 1;
        unexpected += usize::from(found.is_err());
        let text = found.unwrap_or_else(|why| format!("UNEXPECTED: {why}"));
        println!("{:6.1} s  {name}: {text}", start.elapsed().as_secs_f64());
    }
    println!("{number} models, {unexpected} with an unexpected outcome");
    if number > 0 && unexpected == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
