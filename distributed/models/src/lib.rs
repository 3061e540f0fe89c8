//! The algorithms by messages, one step at a time: every order of what can happen, until no new state is found.

#[path = "../../src/algorithm/mod.rs"]
pub mod algorithm;
mod explore;
mod models;
mod system;

use std::process::ExitCode;
use std::time::Instant;

/// Runs the models of which the names have each of these words in them, and prints what is found; with `long`
/// those too that take minutes.
#[must_use]
pub fn command(words: &[String]) -> ExitCode {
    let long = words.iter().any(|word| word == "long");
    let words: Vec<_> = words.iter().filter(|word| *word != "long").collect();
    let (mut number, mut unexpected) = (0, 0);
    for claim in models::all() {
        let name = claim.to_string();
        if (claim.is_long && !long) || !words.iter().all(|word| name.contains(*word)) {
            continue;
        }
        let start = Instant::now();
        let found = claim.run();
        number += 1;
        unexpected += usize::from(found.is_err());
        let text = found.unwrap_or_else(|why| format!("UNEXPECTED: {why}"));
        println!("{:6.1} s  {name}: {text}", start.elapsed().as_secs_f64());
    }
    println!("{number} models, {unexpected} with an unexpected outcome");
    if number > 0 && unexpected == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
