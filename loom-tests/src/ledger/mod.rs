//! The ledger: each mutant of each site, and the model that catches it.

mod changes;
mod child;
mod known;
mod sources;
mod table;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;

use crate::models::{self, Model};
use crate::mutation::{Instead, Site};
use child::Outcome;
use table::{Row, Verdict};

const USAGE: &str =
    "usage: loom-tests ledger [--trust] [FILE...]   run the mutants (of these files only)
       loom-tests changes [--trust] [FILE...]  the second part only: any token, not orderings
                                    --trust: but those that are known to survive
       loom-tests deeper SECONDS    each model with one preemption more, for so long at the most
       loom-tests list              name the models, and how long each takes
       loom-tests model NAME [FILE:LINE:COLUMN MUTANT]   run one model (against one mutant)";

/// What the program does with its arguments: the ledger, the list of models, or one of them.
#[must_use]
pub fn command(arguments: &[String]) -> ExitCode {
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["ledger", rest @ ..] => ledger(&Selection::new(rest)),
        ["changes", rest @ ..] => changes_only(&Selection::new(rest)),
        ["list"] => {
            for model in baseline() {
                println!("{:6.2} s  {}", model.took.as_secs_f64(), model.model);
            }
            ExitCode::SUCCESS
        }
        ["deeper", seconds] => match seconds.parse() {
            Ok(seconds) => deeper(Duration::from_secs(seconds)),
            Err(why) => {
                eprintln!("{seconds:?} is no number of seconds: {why}");
                ExitCode::FAILURE
            }
        },
        ["model", rest @ ..] => child::run(rest),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::FAILURE
        }
    }
}

/// A model that has passed without a mutant.
struct Passed {
    model: Model,
    took: Duration,
    sites: Vec<Site>,
}

/// Which mutants are run.
struct Selection<'a> {
    files: &'a [&'a str],
    /// Not those that are known to survive.
    trusting: bool,
}

impl<'a> Selection<'a> {
    fn new(arguments: &'a [&'a str]) -> Self {
        match arguments {
            ["--trust", files @ ..] => Self { files, trusting: true },
            files => Self { files, trusting: false },
        }
    }

    fn wants(&self, file: &str) -> bool {
        self.files.is_empty() || self.files.contains(&file)
    }
}

fn changes_only(selection: &Selection<'_>) -> ExitCode {
    let changes = changes::run(selection);
    println!("{changes}");
    if changes.unexplained == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn ledger(selection: &Selection<'_>) -> ExitCode {
    let models = baseline();
    let mut sites: Vec<_> = models.iter().flat_map(|model| &model.sites).collect();
    sites.retain(|site| site.file.starts_with("src/") && selection.wants(&site.file));
    sites.sort_by_key(|site| (&site.file, site.line, site.column));
    sites.dedup_by_key(|site| site.to_string());
    let mutants: Vec<_> = sites
        .iter()
        .flat_map(|site| site.weaker.iter().map(move |&instead| (*site, instead)))
        .collect();

    let rows =
        in_parallel(&mutants, |&(site, instead)| row(&models, site, instead, selection.trusting));
    let unreached = sources::unreached(&sites, |file| selection.wants(file));
    let orderings = table::print(&rows, &unreached);
    let changes = changes::run(selection);
    println!("{changes}\n{orderings}");
    let unexplained = orderings.unexplained + changes.unexplained;
    if unexplained == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs every model with one preemption more than its bounds say, where they say how many. It
/// succeeds if none fails; one that does not come to its end is said not to, and one that is known
/// to show what the language forbids is left out.
fn deeper(limit: Duration) -> ExitCode {
    let (left_out, all): (Vec<_>, Vec<_>) =
        models::all().partition(|&model| known::not_deeper(model).is_some());
    let runs = in_parallel(&all, |&model| child::spawn_deeper(model, limit));
    let [mut ended, mut failed] = [0; 2];
    for (model, run) in all.iter().zip(&runs) {
        let outcome = match &run.outcome {
            Outcome::Passed => {
                ended += 1;
                format!("holds in {} executions", run.executions.unwrap_or_default())
            }
            Outcome::Failed(why) => {
                failed += 1;
                format!("FAILED: {why}")
            }
            Outcome::TimedOut => "did not come to its end".to_owned(),
        };
        println!("{:6.1} s  {model}: {outcome}", run.took.as_secs_f64());
    }
    for &model in &left_out {
        println!("     -    {model}: left out: {}", known::not_deeper(model).unwrap_or_default());
    }
    let open = all.len() - ended - failed;
    println!(
        "{} models: {ended} hold, {open} did not come to their end, {failed} failed, {} left out",
        all.len() + left_out.len(),
        left_out.len()
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs every model without a mutant; the quickest first in what comes out.
fn baseline() -> Vec<Passed> {
    let all: Vec<_> = models::all().collect();
    let mut passed = in_parallel(&all, |&model| {
        let run = child::spawn(model, None, Duration::MAX);
        if let Outcome::Failed(why) = run.outcome {
            eprintln!("{model} fails without any mutant: {why}");
            std::process::exit(1);
        }
        Passed { model, took: run.took, sites: run.sites }
    });
    passed.sort_by_key(|model| model.took);
    passed
}

/// Tries the models that pass a site on one of its mutants until one fails.
fn row(models: &[Passed], site: &Site, instead: Instead, trusting: bool) -> Row {
    let source = sources::around(site);
    let known = known::reason(site, &source, instead);
    if trusting && known.is_some() {
        let (site, took) = (site.clone(), Duration::ZERO);
        return Row { site, source, instead, verdict: Verdict::Trusted, known, took };
    }
    let mut verdict = Verdict::Survived;
    let mut took = Duration::ZERO;
    for passed in models.iter().filter(|model| model.sites.iter().any(|other| other.is(site))) {
        // A mutant can have more executions than the source.
        let limit = passed.took * 6 + Duration::from_secs(3);
        let run = child::spawn(passed.model, Some((site, instead)), limit);
        took += run.took;
        match run.outcome {
            Outcome::Passed => {}
            Outcome::TimedOut => verdict = Verdict::TimedOut,
            Outcome::Failed(why) => {
                verdict = Verdict::Caught { by: passed.model, why };
                break;
            }
        }
    }
    Row { site: site.clone(), source, instead, verdict, known, took }
}

/// Does the work on as many threads as there are processors; the results are in the order of the
/// work.
fn in_parallel<T: Sync, R: Send>(work: &[T], each: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let queue = Mutex::new(work.iter().enumerate());
    let done = Mutex::new(Vec::new());
    let next = || queue.lock().expect("taking does not panic").next();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let seen = std::io::stderr().is_terminal();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some((index, item)) = next() {
                    if seen {
                        eprint!("\r{} of {} ", index + 1, work.len());
                    }
                    let result = each(item);
                    done.lock().expect("pushing does not panic").push((index, result));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("as above");
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}
