//! The command line's words: each verb and each option is described once, here and in [`options`]. What
//! is [parsed](parse), [helped with](help), completed and printed as a manual comes from these tables.

pub mod help;
pub mod options;
pub mod parse;
#[cfg(test)]
mod trials;
pub mod values;

use crate::exit::Outcome;
use crate::verbs;

pub use options::Id;
pub use parse::Parsed;

/// An option.
#[derive(Clone, Copy, Debug)]
pub struct Opt {
    pub id: Id,
    /// Its letters, each of which will do.
    pub letters: &'static str,
    /// Its long names, without dashes; the first is the one that is shown.
    pub names: &'static [&'static str],
    /// What its value is called, if it has one. `[=VALUE]`: it can do without.
    pub value: Option<&'static str>,
    /// What it does: one sentence or two, without a full stop at the end.
    pub help: &'static str,
}

impl Opt {
    /// As it is written in messages: `-w, --wait SECS`.
    pub fn shown(&self) -> String {
        let letters = self.letters.chars().map(|letter| format!("-{letter}"));
        let names = self.names.iter().take(1).map(|name| format!("--{name}"));
        let all = letters.chain(names).collect::<Vec<_>>().join(", ");
        match self.value {
            None => all,
            Some(value) if self.may_lack_value() => all + value,
            Some(value) => format!("{all} {value}"),
        }
    }

    /// Whether it has a value that may be the next argument.
    pub fn takes_next(&self) -> bool {
        self.value.is_some() && !self.may_lack_value()
    }

    /// Whether its value can be left out: then it is never the next argument.
    pub fn may_lack_value(&self) -> bool {
        self.value.is_some_and(|value| value.starts_with('['))
    }
}

/// What `bakery` can be told to do.
#[derive(Debug)]
pub struct Verb {
    pub name: &'static str,
    /// What may follow the name, one form a line.
    pub forms: &'static [&'static str],
    /// What it does, in a line.
    pub about: &'static str,
    pub options: &'static [&'static Opt],
    /// Everything from this operand on (the first is 1) is an operand. Options are looked for between
    /// those before it, and up to `--`.
    pub options_end_at: usize,
    pub run: fn(&'static Verb, &Parsed) -> Outcome,
}

/// All of them, in the order in which they are shown.
pub static VERBS: &[&Verb] = &[
    &verbs::run::VERB,
    &verbs::flock::VERB,
    &verbs::hold::VERB,
    &verbs::release::VERB,
    &verbs::status::VERB,
    &verbs::ls::VERB,
    #[cfg(feature = "top")]
    &verbs::top::VERB,
    &verbs::wait::VERB,
    &verbs::pause::PAUSE,
    &verbs::pause::RESUME,
    &verbs::rm::VERB,
    &verbs::doctor::VERB,
    &verbs::metrics::VERB,
    &verbs::path::VERB,
    &verbs::completions::VERB,
    &verbs::man::VERB,
];

/// What only `bakery` itself says.
static UNLISTED: &[&Verb] = &[&verbs::run::place::VERB];

/// The verb of this name.
pub fn verb(name: &str) -> Option<&'static Verb> {
    VERBS.iter().chain(UNLISTED).copied().find(|verb| verb.name == name)
}
