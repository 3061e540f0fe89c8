//! The findings as tables, as CSV, and as plots.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use plotters::prelude::*;

use crate::Findings;
use crate::field;

fn micros(nanoseconds: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "times far below a century")]
    let nanoseconds = nanoseconds as f64;
    nanoseconds / 1e3
}

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
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let csv = folder.join("contended.csv");
    fs::write(&csv, table(found)).with_context(|| format!("cannot write {}", csv.display()))?;
    plot(found, &folder.join("throughput.svg"), "passages a second", true, |it| {
        1e9 / it.nanoseconds
    })?;
    plot(
        found,
        &folder.join("fairness.svg"),
        "Jain's index of the threads' shares",
        false,
        |it| it.jain,
    )?;
    plot(found, &folder.join("waits.svg"), "longest wait, us", true, |it| {
        micros(it.closer.waits.longest())
    })
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

/// A line for each lock, over the number of threads, pinned.
fn plot(
    found: &Findings,
    path: &Path,
    title: &str,
    logarithmic: bool,
    figure: impl Fn(&field::Result) -> f64,
) -> Result<()> {
    let threads: Vec<_> = found.contests().collect();
    let all = || found.contests.iter().flatten().filter(|it| it.terms.pinned);
    let (least, most) = all()
        .map(&figure)
        .filter(|it| *it > 0.0)
        .fold((f64::INFINITY, f64::MIN_POSITIVE), |(least, most), it| {
            (least.min(it), most.max(it))
        });
    let scale = |value: f64| if logarithmic { value.max(least).log10() } else { value };
    let (low, high) = if logarithmic { (least.log10(), most.log10()) } else { (0.0, most) };
    let area = SVGBackend::new(path, (900, 560)).into_drawing_area();
    area.fill(&WHITE)?;
    #[expect(clippy::cast_precision_loss, reason = "a few threads")]
    let place = |threads: usize| (threads as f64).log2();
    let right = threads.last().copied().map_or(1.0, place);
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(72)
        .build_cartesian_2d(
            0.9..right + 1.8,
            low - 0.05 * (high - low)..high + 0.05 * (high - low),
        )?;
    chart
        .configure_mesh()
        .x_desc("threads, on two processors")
        .x_label_formatter(&|place| format!("{:.0}", place.exp2()))
        .y_label_formatter(&|value| {
            if logarithmic { format!("{:.0e}", 10_f64.powf(*value)) } else { format!("{value:.1}") }
        })
        .draw()?;
    let mut names: Vec<_> = all().map(|it| it.name).collect();
    names.sort_unstable();
    names.dedup();
    for (index, name) in names.iter().enumerate() {
        let colour = Palette99::pick(index).to_rgba();
        let points: Vec<_> = all()
            .filter(|it| it.name == *name)
            .map(|it| (place(it.terms.threads), scale(figure(it))))
            .collect();
        chart
            .draw_series(LineSeries::new(points.clone(), &colour))?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour));
        chart.draw_series(points.into_iter().map(|it| Circle::new(it, 3, colour.filled())))?;
    }
    let mut labels = chart.configure_series_labels();
    let labels = labels.position(SeriesLabelPosition::MiddleRight);
    labels.border_style(BLACK).background_style(WHITE).draw()?;
    area.present().with_context(|| format!("cannot write {}", path.display()))
}
