//! The planted faults: copies of the algorithms' sources with one fault each, which the quick models have to
//! find. `build.rs` writes them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::atomic::Ordering::Relaxed;

use crate::explore::MOST_STATES;
use crate::model::Model;

pub(crate) struct Mutant {
    file: &'static str,
    change: &'static str,
    models: fn() -> Vec<Model>,
}

/// Who survives, and why that is no fault, or who would find it.
const SURVIVORS: &[(&str, &str, &str)] = &[
    (
        "bully",
        "waits for the dead to lead",
        "the alarm that was set before goes off: it only asks sooner",
    ),
    (
        "bully",
        "does not hear of terms from those that yield",
        "those that know of a greater term do not follow, and tell it when they ask again",
    ),
    (
        "coordinator",
        "two nodes draw the same term",
        "for two to draw at once more have to be taken for dead wrongly than in these models",
    ),
    (
        "coordinator",
        "a grant of an earlier coordinator counts",
        "it comes before it is known that the sender is dead; if it is not, two may be inside anyway",
    ),
    (
        "coordinator",
        "leads on beside a greater one",
        "the greater one asks all, and whoever it has asked takes no grant of another",
    ),
    (
        "paxos",
        "does not tell what is decided",
        "the others find it when they propose: it is for going on sooner",
    ),
    (
        "raft",
        "a follower commits more than it knows to be the leader's",
        "a message's entry is the first in which the logs differ, so nothing else is behind it",
    ),
];

impl Mutant {
    /// By which model it is found, and how.
    fn found(&self) -> Option<String> {
        let models = (self.models)();
        let mut models = models.iter().filter(|model| !model.is_slow && model.fails.is_none());
        models.find_map(|model| match catch_unwind(AssertUnwindSafe(|| (model.explore)())) {
            Ok(Ok(_)) => None,
            Ok(Err(violation)) => Some(format!("{} ({})", violation.claim, model.name)),
            Err(_) => Some(format!("it panics ({})", model.name)),
        })
    }
}

/// Runs the models against each mutant of which the file and the change have these words in them.
pub(crate) fn command(words: &[String]) -> ExitCode {
    // More than any of these models has.
    MOST_STATES.store(1_000_000, Relaxed);
    std::panic::set_hook(Box::new(|_| {}));
    let (mut number, mut unexpected) = (0, 0);
    for mutant in written::MUTANTS {
        let Mutant { file, change, .. } = mutant;
        let name = format!("{file}: {change}");
        if !words.iter().all(|word| name.contains(word)) {
            continue;
        }
        number += 1;
        let known = SURVIVORS.iter().find(|(of, which, _)| of == file && which == change);
        match (mutant.found(), known) {
            (Some(how), None) => println!("{name}: found: {how}"),
            (None, Some((.., why))) => println!("{name}: survives: {why}"),
            (found, _) => {
                unexpected += 1;
                println!("{name}: UNEXPECTED: {}", found.as_deref().unwrap_or("survives"));
            }
        }
    }
    println!("{number} mutants, {unexpected} with an unexpected outcome");
    if number > 0 && unexpected == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[allow(warnings, clippy::all, clippy::pedantic)]
#[allow(missing_docs, reason = "copies of what is documented elsewhere")]
mod written {
    use super::Mutant;

    include!(concat!(env!("OUT_DIR"), "/mutants.rs"));
}
