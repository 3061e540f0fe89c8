//! The mutants of the algorithms' sources: each token that could be another one, each step left out,
//! and faults that people make. `build/` writes them.

mod known;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::model::Model;
use crate::models;

/// A copy of a source with one change.
pub struct Mutant {
    /// From the root of the workspace.
    pub file: &'static str,
    /// In that file.
    pub line: u32,
    /// What was changed.
    pub change: &'static str,
    /// The line of code before it, and its own.
    source: [&'static str; 2],
    models: fn() -> Vec<Model>,
}

/// How a mutant was caught.
pub struct Caught {
    /// The model that did.
    pub by: String,
    /// The claim that was broken.
    pub why: String,
}

impl Mutant {
    /// Why it is known to survive.
    #[must_use]
    pub fn known(&self) -> Option<&'static str> {
        let [after, line] = self.source;
        known::reason(self.file, after, line, self.change)
    }

    /// Runs the quick models of the mutant's source until one fails. `None`: every one holds all the
    /// same.
    #[must_use]
    pub fn run(&self) -> Option<Caught> {
        for model in (self.models)().iter().filter(|model| model.is_quick()) {
            let found = catch_unwind(AssertUnwindSafe(|| model.explore()));
            let why = match found {
                Ok(Ok(_)) => continue,
                Ok(Err(violation)) => violation.claim,
                Err(_) => "it panics".to_owned(),
            };
            return Some(Caught { by: model.to_string(), why });
        }
        None
    }
}

/// Runs the quick models without a mutant.
///
/// # Errors
///
/// What fails, and how. Then nothing can be said about mutants.
pub fn baseline() -> Result<(), String> {
    let mut quick = models::all().into_iter().filter(Model::is_quick);
    quick.try_for_each(|model| model.run().map(drop).map_err(|why| format!("{model}: {why}")))
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} {}", self.file, self.line, self.change)
    }
}

/// All mutants.
#[must_use]
pub fn all() -> &'static [Mutant] {
    written::MUTANTS
}

#[allow(warnings, clippy::all, clippy::pedantic, clippy::undocumented_unsafe_blocks)]
#[allow(missing_docs, reason = "copies of what is documented elsewhere")]
mod written {
    use super::Mutant;

    include!(concat!(env!("OUT_DIR"), "/mutants.rs"));
}
