//! The findings as tables and as CSV.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::Findings;
use crate::between::{Between, PROCESSES};
use crate::field;
use crate::load::{Limits, Load};
use crate::stats::micros;

pub(crate) fn print(found: &Findings) {
    if !found.alone.is_empty() {
        println!("\nNobody else there, ns a passage (median):");
    }
    for it in &found.alone {
        println!("  {:<26} {:>9.2}", it.name, it.nanoseconds);
    }
    found.loads.iter().for_each(print_load);
}

fn print_load(load: &Load) {
    println!("\n== Beside {} busy loops on each processor", load.loops);
    let Limits { cache_line, sleepers, yields, held_up } = load.limits;
    println!(
        "One way between two cores: a cache line {cache_line:.0} ns, a futex {sleepers:.0} ns; on one \
         core: a yield {yields:.0} ns."
    );
    println!(
        "A thread that does nothing but look at the clock was held up for {:.0} us at the longest \
         (median of all rounds).",
        held_up / 1e3
    );
    for contest in load.contests.iter().filter(|it| !it.is_empty()) {
        let terms = &contest[0].terms;
        let pinned = if terms.pinned { "pinned in turn" } else { "not pinned" };
        println!("\n{} threads, {pinned}, empty section:", terms.threads);
        println!(
            "  {:<26} {:>9} {:>6} {:>6} {:>6} {:>6} {:>9} {:>9} {:>9} {:>10} {:>8}",
            "", "ns", "+-", "Jain", "cores", "sleeps", "p50 us", "p99", "p99.9", "max", "passed"
        );
        contest.iter().for_each(print_result);
    }
    println!(
        "\n{PROCESSES} processes, pinned in turn, passages a second, Jain's index, longest wait in us:"
    );
    for it in &load.processes {
        let Between { lock, micros, passages, jain, longest } = it;
        println!("  {lock:<26} {micros:>3} us {passages:>10.0} {jain:>7.3} {:>9.0}", longest / 1e3);
    }
}

fn print_result(it: &field::Result) {
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

pub(crate) fn write(found: &Findings, folder: &Path) -> Result<()> {
    let csv = folder.join("contended.csv");
    fs::write(&csv, table(found)).with_context(|| format!("cannot write {}", csv.display()))
}

fn table(found: &Findings) -> String {
    let mut text =
        "loops,lock,threads,pinned,ns,deviation,jain,cores,sleeps,p50_ns,p99_ns,p999_ns,max_ns,passed\n"
            .to_owned();
    let all = found
        .loads
        .iter()
        .flat_map(|load| load.contests.iter().flatten().map(move |it| (load, it)));
    for (Load { loops, .. }, it) in all {
        let wait = |per_mille| it.closer.waits.per_mille(per_mille);
        let _ = writeln!(
            text,
            "{loops},{:?},{},{},{:.1},{:.3},{:.4},{:.3},{:.3},{},{},{},{},{}",
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
