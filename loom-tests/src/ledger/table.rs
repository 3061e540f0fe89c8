//! The ledger, printed.

use std::fmt;
use std::time::Duration;

use super::known;
use super::sources::Unreached;
use crate::models::Model;
use crate::mutation::{Instead, Site};

pub(super) enum Verdict {
    Caught {
        by: Model,
        why: String,
    },
    Survived,
    /// No model failed, and at least one did not end.
    TimedOut,
    /// Known to survive, and not run.
    Trusted,
}

pub(super) struct Row {
    pub(super) site: Site,
    pub(super) source: [String; 2],
    pub(super) instead: Instead,
    pub(super) verdict: Verdict,
    pub(super) known: Option<&'static str>,
    pub(super) took: Duration,
}

impl Row {
    fn caught(&self) -> bool {
        matches!(self.verdict, Verdict::Caught { .. })
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = format!("{}:{}", self.site.file, self.site.line);
        let source: String = self.source[1].chars().take(62).collect();
        write!(
            f,
            "{place:<33} {source:<62} {:<8} {:5.1} s  ",
            self.instead,
            self.took.as_secs_f64()
        )?;
        match (&self.verdict, self.known) {
            (Verdict::Caught { by, why }, None) => write!(f, "{by}: {why}"),
            (Verdict::Caught { by, .. }, Some(_)) => {
                write!(f, "{by}: though listed as known to survive")
            }
            (Verdict::Survived, known) => {
                write!(f, "SURVIVED ({})", known.unwrap_or("UNEXPLAINED"))
            }
            (Verdict::Trusted, known) => write!(f, "not run ({})", known.unwrap_or("UNEXPLAINED")),
            (Verdict::TimedOut, known) => write!(f, "timeout ({})", known.unwrap_or("UNEXPLAINED")),
        }
    }
}

/// How many of each there are.
pub(super) struct Totals {
    sites: usize,
    mutants: usize,
    caught: usize,
    trusted: usize,
    pub(super) unexplained: usize,
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sites, mutants, caught, trusted, unexplained } = self;
        let survived = mutants - caught - trusted;
        write!(f, "{sites} sites, {mutants} mutants: {caught} caught, {survived} survived, ")?;
        write!(f, "{trusted} not run; {unexplained} unexplained")
    }
}

/// Prints each mutant's row, and the lines that no model passes.
pub(super) fn print(rows: &[Row], unreached: &[Unreached]) -> Totals {
    for row in rows {
        println!("{row}");
    }
    let mut unexplained = rows.iter().filter(|row| !row.caught() && row.known.is_none()).count();
    for Unreached { file, number, after, line } in unreached {
        let known = known::unreachable(file, after, line);
        unexplained += usize::from(known.is_none());
        let place = format!("{file}:{number}");
        println!("{place:<33} {line:<62} NOT REACHED ({})", known.unwrap_or("UNEXPLAINED"));
    }
    let mut sites: Vec<_> = rows.iter().map(|row| row.site.to_string()).collect();
    sites.dedup();
    let caught = rows.iter().filter(|row| row.caught()).count();
    let trusted = rows.iter().filter(|row| matches!(row.verdict, Verdict::Trusted)).count();
    Totals { sites: sites.len(), mutants: rows.len(), caught, trusted, unexplained }
}
