//! The ledger's second part: changes of any kind to the algorithms' sources, not of orderings only,
//! and the models of `stateright-tests` that catch them.

use std::fmt;
use std::time::Instant;

use stateright_tests::mutants::{self, Mutant, Verdict};

use super::{Selection, in_parallel};

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
    if let Err(why) = mutants::baseline() {
        eprintln!("fails without any change: {why}");
        std::process::exit(1);
    }
    let mutants: Vec<_> =
        mutants::all().iter().filter(|mutant| selection.wants(mutant.file)).collect();
    // A mutant may panic, which is one way of being caught.
    std::panic::set_hook(Box::new(|_| {}));
    let verdicts = in_parallel(&mutants, |mutant| {
        let start = Instant::now();
        let trusted = selection.trusting && mutant.known().is_some();
        let verdict = (!trusted).then(|| mutant.run());
        (verdict, start.elapsed().as_secs_f64())
    });
    drop(std::panic::take_hook());

    let mut totals = Totals::default();
    for (mutant, (verdict, took)) in mutants.into_iter().zip(verdicts) {
        let place = format!("{}:{}", mutant.file, mutant.line);
        let text = outcome(mutant, verdict, &mut totals);
        println!("{place:<33} {:<71} {took:5.1} s  {text}", mutant.change);
    }
    totals
}

/// `None`: known to survive, and not run.
fn outcome(mutant: &Mutant, verdict: Option<Verdict>, totals: &mut Totals) -> String {
    match (verdict, mutant.known()) {
        (Some(Verdict::Caught { by, why }), None) => {
            totals.caught += 1;
            format!("{by}: {why}")
        }
        (Some(Verdict::Caught { by, .. }), Some(_)) => {
            totals.caught += 1;
            format!("{by}: though listed as known to survive")
        }
        (Some(Verdict::Survived), Some(why)) => {
            totals.explained += 1;
            format!("SURVIVED ({why})")
        }
        (None, Some(why)) => {
            totals.trusted += 1;
            format!("not run ({why})")
        }
        (_, None) => {
            totals.unexplained += 1;
            "SURVIVED (UNEXPLAINED)".to_owned()
        }
    }
}
