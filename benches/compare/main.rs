//! Ours beside every peer, in one run: `cargo bench --bench compare`.
//!
//! First on a quiet machine, then beside busy loops, one and two on each processor. Prints ratios
//! beside what they should be, then the figures that they are made of, and the tables of
//! docs/performance.md; writes the figures as CSV and as plots. All contestants of a case take turns,
//! so that whatever else the machine does hits them alike. About six minutes.

mod alone;
mod between;
mod contest;
mod field;
mod ground;
mod limits;
mod load;
mod plots;
mod report;
mod stats;
#[path = "../support/mod.rs"]
mod support;
mod tables;
mod targets;
mod timeline;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use alone::Alone;
use anyhow::{Context, Result};
use clap::Parser;
use load::Load;
use support::{loops, processes};

/// Compares this library's locks with others.
#[derive(Parser)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line")]
struct Arguments {
    /// Fail unless every target is met.
    #[arg(long)]
    check: bool,
    /// See whether it runs: a few seconds, and figures that mean nothing.
    #[arg(long, alias = "test")]
    quick: bool,
    /// The numbers of busy loops on each processor beside which to measure: 0 for a quiet machine.
    #[arg(long, value_delimiter = ',', default_values_t = [0, 1, 2])]
    loops: Vec<usize>,
    /// Print ten hand-overs, and nothing else.
    #[arg(long)]
    timeline: bool,
    /// Where to put the table and the plots. (Cargo runs this in `benches/`.)
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/compare"))]
    out: PathBuf,
    /// What cargo passes to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

/// All that was measured.
pub(crate) struct Findings {
    alone: Vec<Alone>,
    loads: Vec<Load>,
}

/// Of one case after the other.
fn measure(arguments: &Arguments) -> Findings {
    let mut alone = Vec::new();
    if arguments.loops.contains(&0) {
        eprintln!("nobody else there ...");
        alone = alone::measure(if arguments.quick { 1 } else { 41 });
    }
    let loads = arguments.loops.iter().map(|&loops| load::measure(loops, arguments.quick));
    Findings { alone, loads: loads.collect() }
}

fn main() -> Result<ExitCode> {
    loops::run();
    if processes::compete() {
        return Ok(ExitCode::SUCCESS);
    }
    let arguments = Arguments::parse();
    if arguments.timeline {
        arguments.loops.iter().for_each(|&loops| timeline::print(loops, arguments.quick));
        return Ok(ExitCode::SUCCESS);
    }
    let found = measure(&arguments);
    let targets = targets::all(&found);
    for target in &targets {
        println!("{target}");
    }
    report::print(&found);
    tables::print(&found, &targets);
    let made = fs::create_dir_all(&arguments.out);
    made.with_context(|| format!("cannot make {}", arguments.out.display()))?;
    report::write(&found, &arguments.out)?;
    if let Some(load) = found.loads.first() {
        plots::write(load, &arguments.out)?;
    }
    println!("\nThe table and the plots are in {}.", arguments.out.display());
    let met = targets.iter().filter(|target| target.is_met()).count();
    println!("{met} of {} targets are met", targets.len());
    let fails = arguments.check && met < targets.len();
    Ok(if fails { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
