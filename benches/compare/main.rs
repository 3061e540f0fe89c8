//! Ours beside every peer, in one run: `cargo bench --bench compare`.
//!
//! Prints ratios beside what they should be, then the figures that they are made of; writes those as
//! CSV and as plots. All contestants of a case take turns, so that whatever else the machine does
//! hits them alike.

mod alone;
mod contest;
mod field;
mod ground;
mod limits;
mod plots;
mod report;
mod stats;
#[path = "../support/mod.rs"]
mod support;
mod targets;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use alone::Alone;
use anyhow::{Context, Result};
use clap::Parser;
use ground::Ground;
use stats::median;
use support::processes;

/// Compares this library's locks with others.
#[derive(Parser)]
struct Arguments {
    /// Fail unless every target is met.
    #[arg(long)]
    check: bool,
    /// See whether it runs: a few seconds, and figures that mean nothing.
    #[arg(long, alias = "test")]
    quick: bool,
    /// Where to put the table and the plots. (Cargo runs this in `benches/`.)
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/compare"))]
    out: PathBuf,
    /// What cargo passes to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

/// How a lock did between processes.
pub(crate) struct Between {
    lock: &'static str,
    /// How long each stays inside.
    micros: u64,
    /// A second: the median of all rounds.
    passages: f64,
    /// The median.
    jain: f64,
}

impl Between {
    pub(crate) fn is(&self, lock: &str, micros: u64) -> bool {
        self.lock == lock && self.micros == micros
    }
}

/// All that was measured.
pub(crate) struct Findings {
    alone: Vec<Alone>,
    /// One way between two cores, in nanoseconds.
    cache_line: f64,
    sleepers: f64,
    /// One way between two threads on one core.
    yields: f64,
    /// The longest that somebody who waits for nobody is held up.
    held_up: f64,
    contests: Vec<Vec<field::Result>>,
    processes: Vec<Between>,
}

impl Findings {
    /// The numbers of threads that competed, pinned.
    pub(crate) fn contests(&self) -> impl Iterator<Item = usize> {
        let terms = self.contests.iter().filter_map(|it| it.first()).map(|it| it.terms);
        terms.filter(|it| it.pinned).map(|it| it.threads)
    }

    pub(crate) fn results(
        &self,
        threads: usize,
        pinned: bool,
    ) -> impl Iterator<Item = &field::Result> {
        let all = self.contests.iter().flatten();
        all.filter(move |it| it.terms.threads == threads && it.terms.pinned == pinned)
    }
}

/// Of one case after the other, in about as many seconds as there are between the two.
fn measure(quick: bool) -> Findings {
    let rounds = |usual| if quick { 1 } else { usual };
    let length = Duration::from_millis(if quick { 5 } else { 150 });
    eprintln!("nobody else there ...");
    let alone = alone::measure(rounds(41));
    let mut ground = Ground::new(rounds(9));
    let mut several = |one: fn(&AtomicU32) -> f64| {
        median((0..ground.rounds()).map(|round| ground.with(round, one)).collect())
    };
    let (cache_line, sleepers) = (several(limits::cache_line), several(limits::sleepers));
    let yields = several(limits::yields);
    let held_up = median((0..ground.rounds()).map(|_| limits::held_up(length)).collect());
    let contest = |(threads, pinned)| {
        eprintln!("{threads} threads{} ...", if pinned { ", pinned" } else { "" });
        field::contest(threads, pinned, length, &mut ground)
    };
    let contests = [(2, true), (8, true), (32, true), (2, false), (8, false)].map(contest).into();
    eprintln!("5 processes ...");
    let processes = between(rounds(7), length);
    Findings { alone, cache_line, sleepers, yields, held_up, contests, processes }
}

/// The locks that compete between processes.
const BETWEEN: [&str; 5] =
    ["pthread robust+shared", "flock", "shared bakery", "shared ticket", "shared bypass"];

fn between(rounds: usize, length: Duration) -> Vec<Between> {
    let mut all = Vec::new();
    for micros in [1, 10] {
        let mut races = BETWEEN.map(|_| Vec::new());
        for _ in 0..rounds {
            for (races, lock) in races.iter_mut().zip(BETWEEN) {
                races.push(processes::race(lock, 5, Duration::from_micros(micros), length));
            }
        }
        all.extend(BETWEEN.into_iter().zip(races).map(|(lock, races)| {
            #[expect(clippy::cast_precision_loss, reason = "counts of a fraction of a second")]
            let passages = |race: &Vec<u64>| race.iter().sum::<u64>() as f64 / length.as_secs_f64();
            Between {
                lock,
                micros,
                passages: median(races.iter().map(passages).collect()),
                jain: median(races.iter().map(|race| stats::jain(race)).collect()),
            }
        }));
    }
    all
}

fn main() -> Result<ExitCode> {
    if processes::compete() {
        return Ok(ExitCode::SUCCESS);
    }
    let arguments = Arguments::parse();
    let found = measure(arguments.quick);
    let targets = targets::all(&found);
    for target in &targets {
        println!("{target}");
    }
    report::print(&found);
    let made = fs::create_dir_all(&arguments.out);
    made.with_context(|| format!("cannot make {}", arguments.out.display()))?;
    report::write(&found, &arguments.out)?;
    plots::write(&found, &arguments.out)?;
    println!("\nThe table and the plots are in {}.", arguments.out.display());
    let met = targets.iter().filter(|target| target.is_met()).count();
    println!("{met} of {} targets are met", targets.len());
    let fails = arguments.check && met < targets.len();
    Ok(if fails { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
