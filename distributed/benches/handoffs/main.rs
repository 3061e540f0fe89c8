//! Hand-offs between machines, beside each engine's ready-made lock and the ones that people write:
//!
//! ```text
//! cargo bench -p bakery-distributed --all-features --bench handoffs [-- [--quick] [--engine NAME]...]
//! ```
//!
//! Starts each engine's servers on loopback, measures one contestant after the other, again and again, and
//! prints tables in Markdown. An engine that cannot be had or fails is reported, and the next one comes.
//! `--quick` shows that it runs, and measures next to nothing.

mod contest;
mod engines;
mod floor;
mod machine;
mod naive;
mod ours;
mod report;
mod requests;
mod round;
mod verdict;

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use bakery_servers::{Cluster, ENGINES};
use lexopt::prelude::*;

/// How long, and how often.
#[derive(Clone, Copy)]
pub struct Limits {
    /// How many compete.
    clients: &'static [usize],
    rounds: usize,
    /// Of a round.
    length: Duration,
    /// Of the round with work inside.
    shift: Duration,
}

const FULL: Limits = Limits {
    clients: &[2, 5, 10, 50],
    rounds: 3,
    length: Duration::from_secs(1),
    shift: Duration::from_secs(3),
};
const QUICK: Limits = Limits {
    clients: &[2, 5],
    rounds: 1,
    length: Duration::from_millis(200),
    shift: Duration::from_millis(300),
};

fn main() -> Result<()> {
    let (mut limits, mut named) = (FULL, Vec::new());
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            // `cargo bench` adds it.
            Long("bench") => {}
            Long("quick") => limits = QUICK,
            Long("engine") => named.push(arguments.value()?.string()?),
            _ => return Err(argument.unexpected().into()),
        }
    }
    if let Some(unknown) = named.iter().find(|name| !ENGINES.contains(&name.as_str())) {
        bail!("no such engine: {unknown}; there are {}", ENGINES.join(", "));
    }
    let began = Instant::now();
    println!("{}, load before: {}.", machine::processor(), machine::load());
    report::explain(limits);
    let mut verdicts = Vec::new();
    for engine in ENGINES {
        if named.is_empty() || named.iter().any(|name| name == engine) {
            match measure(engine, limits) {
                Ok(of_engine) => verdicts.extend(of_engine),
                Err(error) => println!("\n## {engine}\n\nSKIPPED: {error:#}"),
            }
        }
    }
    verdict::print(&verdicts);
    println!("\nLoad after: {}. It took {:.0?}.", machine::load(), began.elapsed());
    Ok(())
}

/// Measures an engine's contestants and prints what came of it.
fn measure(engine: &'static str, limits: Limits) -> Result<Vec<verdict::Verdict>> {
    let cluster = Cluster::start(engine)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let measured = runtime.block_on(contest::hold(engine, &cluster.url, limits));
    // What is still asked for is not waited for.
    runtime.shutdown_timeout(Duration::from_secs(1));
    let contest = measured?;
    report::print(&contest);
    Ok(verdict::of(&contest))
}
