//! The findings as tables and as CSV.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::Findings;
use crate::field;
use crate::stats::micros;

pub(crate) fn print(found: &Findings) {
    println!("\nNobody else there, ns a passage (median):");
    for it in &found.alone {
        println!("  {:<26} {:>9.2}", it.name, it.nanoseconds);
    }
    println!(
        "\nOne way between two cores: a cache line {:.0} ns, a futex {:.0} ns; on one core: a yield \
         {:.0} ns.",
        found.cache_line, found.sleepers, found.yields
    );
    println!(
        "A thread that does nothing but look at the clock was held up for {:.0} us at the longest \
         (median of all rounds).",
        found.held_up / 1e3
    );
    for contest in found.contests.iter().filter(|it| !it.is_empty()) {
        let field::Result { terms, .. } = &contest[0];
        let pinned = if terms.pinned { "pinned in turn" } else { "not pinned" };
        println!("\n{} threads, {pinned}, empty section:", terms.threads);
        println!(
            "  {:<26} {:>9} {:>6} {:>6} {:>6} {:>6} {:>9} {:>9} {:>9} {:>10} {:>8}",
            "", "ns", "+-", "Jain", "cores", "sleeps", "p50 us", "p99", "p99.9", "max", "passed"
        );
        for it in contest {
            let wait = |per_mille| micros(it.closer.waits.per_mille(per_mille));
            println!(
                "  {:<26} {:>9.0} {:>5.0}% {:>6.3} {:>6.2} {:>6.2} {:>9.1} {:>9.1} {:>9.1} {:>10.0} {:>8}",
                it.name,
                it.nanoseconds,
                it.deviation * 100.0,
                it.jain,
                it.processors,
                it.sleeps,
                wait(500),
                wait(990),
                wait(999),
                micros(it.closer.waits.longest()),
                it.closer.passed
            );
        }
    }
    println!("\n5 processes, pinned in turn, passages a second and Jain's index:");
    for it in &found.processes {
        println!("  {:<26} {:>3} us {:>10.0} {:>7.3}", it.lock, it.micros, it.passages, it.jain);
    }
}

pub(crate) fn write(found: &Findings, folder: &Path) -> Result<()> {
    let csv = folder.join("contended.csv");
    fs::write(&csv, table(found)).with_context(|| format!("cannot write {}", csv.display()))
}

fn table(found: &Findings) -> String {
    let mut text =
        "lock,threads,pinned,ns,deviation,jain,cores,sleeps,p50_ns,p99_ns,p999_ns,max_ns,passed\n"
            .to_owned();
    for it in found.contests.iter().flatten() {
        let wait = |per_mille| it.closer.waits.per_mille(per_mille);
        let _ = writeln!(
            text,
            "{:?},{},{},{:.1},{:.3},{:.4},{:.3},{:.3},{},{},{},{},{}",
            it.name,
            it.terms.threads,
            it.terms.pinned,
            it.nanoseconds,
            it.deviation,
            it.jain,
            it.processors,
            it.sleeps,
            wait(500),
            wait(990),
            wait(999),
            it.closer.waits.longest(),
            it.closer.passed
        );
    }
    text
}
