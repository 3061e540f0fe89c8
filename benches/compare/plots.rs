//! The findings as plots.

use std::path::Path;

use anyhow::{Context, Result};
use plotters::prelude::*;

use crate::field;
use crate::load::Load;
use crate::stats::micros;

/// A line for each lock.
type Lines = Vec<(&'static str, Vec<(f64, f64)>)>;

/// What stands beside an axis, and at a place on it.
struct Axis<'a> {
    title: &'a str,
    label: fn(&f64) -> String,
}

/// Of a quiet machine, or of the busy one that there is.
pub(crate) fn write(found: &Load, folder: &Path) -> Result<()> {
    let power_of_ten =
        |title| Axis { title, label: |place| format!("{:.0e}", 10_f64.powf(*place)) };
    let threads =
        Axis { title: "threads, on two processors", label: |place| format!("{:.0}", place.exp2()) };

    let lines = over_threads(found, |it| (1e9 / it.nanoseconds).log10());
    plot(&folder.join("throughput.svg"), &threads, &power_of_ten("passages a second"), &lines)?;

    let lines = over_threads(found, |it| it.jain);
    let jain =
        Axis { title: "Jain's index of the threads' shares", label: |it| format!("{it:.1}") };
    plot(&folder.join("fairness.svg"), &threads, &jain, &lines)?;

    let most = found.contests().max().unwrap_or(0);
    let share = format!("share of the passages, {most} threads");
    let (wait, share) = (power_of_ten("wait of at least, us"), power_of_ten(&share));
    plot(&folder.join("waits.svg"), &wait, &share, &waits(found, most))
}

/// Every lock of the field, in the same order each time, so that each keeps its colour.
fn by_lock(found: &Load, points: impl Fn(&[&field::Result]) -> Vec<(f64, f64)>) -> Lines {
    let pinned = || found.contests.iter().flatten().filter(|it| it.terms.pinned);
    let mut names: Vec<_> = pinned().map(|it| it.name).collect();
    names.sort_unstable();
    names.dedup();
    let line = |name| {
        let results: Vec<_> = pinned().filter(|it| it.name == name).collect();
        let mut points = points(&results);
        // Of nothing there is no logarithm.
        points.retain(|(x, y)| x.is_finite() && y.is_finite());
        (name, points)
    };
    names.into_iter().map(line).collect()
}

fn over_threads(found: &Load, figure: impl Fn(&field::Result) -> f64) -> Lines {
    #[expect(clippy::cast_precision_loss, reason = "a few threads")]
    let point = |it: &&field::Result| ((it.terms.threads as f64).log2(), figure(it));
    by_lock(found, |results| results.iter().map(point).collect())
}

/// How many passages had to wait for how long, with so many threads.
fn waits(found: &Load, threads: usize) -> Lines {
    let point = |(nanoseconds, share): (u64, f64)| (micros(nanoseconds).log10(), share.log10());
    by_lock(found, |results| {
        let result = results.iter().filter(|it| it.terms.threads == threads);
        result.flat_map(|it| it.closer.waits.at_least().map(point)).collect()
    })
}

/// The least and the most, and a little room.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let ends = (f64::INFINITY, f64::NEG_INFINITY);
    let (low, high) = values.fold(ends, |(low, high), it| (low.min(it), high.max(it)));
    let room = 0.05 * (high - low).max(0.1);
    (low - room, high + room)
}

fn plot(path: &Path, x: &Axis, y: &Axis, lines: &Lines) -> Result<()> {
    let points = || lines.iter().flat_map(|(_, points)| points);
    let (left, right) = range(points().map(|it| it.0));
    let (low, high) = range(points().map(|it| it.1));
    let legend = 0.32 * (right - left);
    let area = SVGBackend::new(path, (900, 560)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(72)
        .build_cartesian_2d(left..right + legend, low..high)?;
    chart
        .configure_mesh()
        .x_desc(x.title)
        .y_desc(y.title)
        .x_label_formatter(&x.label)
        .y_label_formatter(&y.label)
        .draw()?;
    for (index, (name, points)) in lines.iter().enumerate() {
        if points.is_empty() {
            continue;
        }
        #[expect(clippy::cast_precision_loss, reason = "a few locks")]
        let hue = index as f64 / lines.len() as f64;
        let colour = HSLColor(hue, 0.9, if index % 2 == 0 { 0.3 } else { 0.5 }).to_rgba();
        chart
            .draw_series(LineSeries::new(points.iter().copied(), &colour).point_size(2))?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour));
    }
    let mut labels = chart.configure_series_labels();
    let labels = labels.position(SeriesLabelPosition::MiddleRight);
    labels.border_style(BLACK).background_style(WHITE).draw()?;
    area.present().with_context(|| format!("cannot write {}", path.display()))
}
