//! The ledger's second part: changes of any kind to the algorithms' sources, not of orderings only,
//! and the models of `stateright-tests` that catch them.

use std::fmt;
use std::time::Instant;

use super::{Selection, in_parallel};

/// A mutant of an algorithm's source.
struct Change {
    file: &'static str,
    line: u32,
    what: &'static str,
    /// Why it is known to survive.
    known: Option<&'static str>,
    run: Box<dyn Fn() -> Verdict + Sync>,
}

enum Verdict {
    /// By which model, and what it found.
    Caught(String, String),
    Survived,
    NotRun,
}

/// All of a crate that has mutants, each of which has types of its own.
macro_rules! all_of {
    ($mutants:ident) => {
        $mutants::mutants::all().iter().map(|it| Change {
            file: it.file,
            line: it.line,
            what: it.change,
            known: it.known(),
            run: Box::new(|| match it.run() {
                Some(caught) => Verdict::Caught(caught.by, caught.why),
                None => Verdict::Survived,
            }),
        })
    };
}

/// How many changes were caught, explained, not run for being explained, and neither.
#[derive(Default)]
pub(super) struct Totals {
    pub(super) caught: usize,
    pub(super) explained: usize,
    pub(super) trusted: usize,
    pub(super) unexplained: usize,
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { caught, explained, trusted, unexplained } = self;
        let all = caught + explained + trusted + unexplained;
        write!(
            f,
            "{all} changes of the algorithms: {caught} caught, {explained} are none to these models, \
             {trusted} not run; {unexplained} unexplained"
        )
    }
}

/// Tries the changes to the files that are wanted, and prints what came of each.
pub(super) fn run(selection: &Selection<'_>) -> Totals {
    if let Err(why) = mutants_of_registers::mutants::baseline() {
        eprintln!("fails without any change: {why}");
        std::process::exit(1);
    }
    // Those that take longest first, so that none of them is left alone at the end.
    let all = all_of!(mutants_of_tickets).chain(all_of!(mutants_of_registers));
    let changes: Vec<_> = all.filter(|change| selection.wants(change.file)).collect();
    // A mutant may panic, which is one way of being caught.
    std::panic::set_hook(Box::new(|_| {}));
    let verdicts = in_parallel(&changes, |change| {
        let start = Instant::now();
        let trusted = selection.trusting && change.known.is_some();
        let verdict = if trusted { Verdict::NotRun } else { (change.run)() };
        (verdict, start.elapsed().as_secs_f64())
    });
    drop(std::panic::take_hook());

    let mut totals = Totals::default();
    for (change, (verdict, took)) in changes.into_iter().zip(verdicts) {
        let place = format!("{}:{}", change.file, change.line);
        let text = outcome(change.known, verdict, &mut totals);
        println!("{place:<33} {:<71} {took:5.1} s  {text}", change.what);
    }
    totals
}

fn outcome(known: Option<&str>, verdict: Verdict, totals: &mut Totals) -> String {
    match (verdict, known) {
        (Verdict::Caught(by, why), None) => {
            totals.caught += 1;
            format!("{by}: {why}")
        }
        (Verdict::Caught(by, _), Some(_)) => {
            totals.caught += 1;
            format!("{by}: though listed as known to survive")
        }
        (Verdict::Survived, Some(why)) => {
            totals.explained += 1;
            format!("SURVIVED ({why})")
        }
        (Verdict::NotRun, Some(why)) => {
            totals.trusted += 1;
            format!("not run ({why})")
        }
        (_, None) => {
            totals.unexplained += 1;
            "SURVIVED (UNEXPLAINED)".to_owned()
        }
    }
}
