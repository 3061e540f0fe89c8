//! The algorithms by messages, one step at a time: every order of what can happen, until no new state is found.

mod agreement;
#[path = "../../src/algorithm/mod.rs"]
pub mod algorithm;
mod elections;
mod explore;
mod model;
mod models;
#[cfg(feature = "mutants")]
mod mutants;
mod network;
mod subjects;
mod system;

use std::process::ExitCode;
use std::time::Instant;

/// Runs the models of which the names have each of these words in them, and prints what is found; with `long`
/// those too that take minutes.
#[must_use]
pub fn command(words: &[String]) -> ExitCode {
    #[cfg(feature = "mutants")]
    if let Some((first, words)) = words.split_first()
        && first == "mutants"
    {
        return mutants::command(words);
    }
    let long = words.iter().any(|word| word == "long");
    let words: Vec<_> = words.iter().filter(|word| *word != "long").collect();
    let (mut number, mut unexpected) = (0, 0);
    for model in models::all().into_iter().chain(subjects::all()) {
        let name = &model.name;
        if (model.is_slow && !long) || !words.iter().all(|word| name.contains(*word)) {
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
