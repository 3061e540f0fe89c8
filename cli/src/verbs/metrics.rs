//! `bakery metrics`: the state of all locks, as Prometheus reads it. For a textfile collector, or behind
//! any server.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::time::Duration;

use crate::arguments::options::{DIR, HELP};
use crate::arguments::{Parsed, Verb, parse};
use crate::exit::Outcome;
use crate::looking::names::use_directory;
use crate::looking::{Look, ago};
use crate::message::{harmless, shown};
use crate::screen;
use crate::verbs::ls;

pub static VERB: Verb = Verb {
    name: "metrics",
    forms: &[""],
    about: "print the state of this user's locks for Prometheus",
    options: &[&DIR, &HELP],
    options_end_at: usize::MAX,
    run,
};

/// One of the figures.
struct Metric {
    name: &'static str,
    sort: &'static str,
    help: &'static str,
    /// `None`: this lock has none.
    of: fn(&Look) -> Option<String>,
}

const METRICS: [Metric; 7] = [
    Metric {
        name: "bakery_held",
        sort: "gauge",
        help: "How many have the lock.",
        of: |look| Some(look.holders.len().to_string()),
    },
    Metric {
        name: "bakery_held_seconds",
        sort: "gauge",
        help: "For how long the one has had it that has had it for the longest.",
        of: |look| Some(seconds(look.first_holder().and_then(|holder| ago(holder.since)))),
    },
    Metric {
        name: "bakery_waiters",
        sort: "gauge",
        help: "How many wait.",
        of: |look| Some(look.waiting().to_string()),
    },
    Metric {
        name: "bakery_oldest_wait_seconds",
        sort: "gauge",
        help: "For how long the one has waited that has waited for the longest.",
        of: |look| {
            Some(seconds(
                look.queue.iter().chain(&look.outside).filter_map(|waiter| ago(waiter.since)).max(),
            ))
        },
    },
    Metric {
        name: "bakery_passages_total",
        sort: "counter",
        help: "How often the lock was got, since it was made.",
        of: |look| Some(look.status.as_ref().filter(|_| !look.is_file)?.acquisitions.to_string()),
    },
    Metric {
        name: "bakery_deaths_total",
        sort: "counter",
        help: "How many dead participants were cleared away, since it was made.",
        of: |look| Some(look.status.as_ref().filter(|_| !look.is_file)?.recoveries.to_string()),
    },
    Metric {
        name: "bakery_longest_wait_seconds",
        sort: "gauge",
        help: "The longest that anybody has waited, since it was made.",
        of: |look| {
            let status = look.status.as_ref().filter(|_| !look.is_file)?;
            Some(seconds(Some(status.longest_wait)))
        },
    },
];

fn run(verb: &'static Verb, parsed: &Parsed) -> Outcome {
    if !parsed.operands.is_empty() {
        return Err(parse::wrong(verb, "it takes no name: write bakery metrics"));
    }
    use_directory(parsed);
    screen::end_when_closed();
    let looked = ls::all(false)?;
    let looks: Vec<&Look> =
        looked.iter().filter_map(|(_, look)| look.as_ref().ok()?.as_ref()).collect();
    screen::answer(&text(&looks), 0)
}

fn text(looks: &[&Look]) -> String {
    let mut text = String::new();
    for Metric { name, sort, help, of } in METRICS {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {sort}");
        for look in looks {
            if let Some(value) = of(look) {
                let _ = writeln!(text, "{name}{{lock=\"{}\"}} {value}", label(&look.name));
            }
        }
    }
    text
}

fn seconds(time: Option<Duration>) -> String {
    format!("{:.3}", time.unwrap_or_default().as_secs_f64())
}

/// A label's value: backslashes, quotes and ends of lines are escaped, and nothing else is. What else a
/// terminal would obey is written as everywhere.
fn label(name: &OsStr) -> String {
    let text = name.to_string_lossy();
    let is_harmless = text.split('\n').all(|line| harmless(line) == line);
    let text = if is_harmless { text.into_owned() } else { shown(name) };
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        assert_eq!(label(OsStr::new("a\\b\"c\nd é")), r#"a\\b\"c\nd é"#);
        assert_eq!(label(OsStr::new("\x1b[31m")), r"$'\\x1b[31m'");
    }
}
