//! The tables of docs/performance.md, and one of README.md: a quiet machine and busy ones beside each other.

use crate::Findings;
use crate::between::Between;
use crate::field::{self, BYPASSES};
use crate::load::Load;
use crate::stats::micros;
use crate::targets::Target;

pub(crate) fn print(found: &Findings, targets: &[Target]) {
    let loads = &found.loads;
    println!("\nFor docs/performance.md:\n");
    wanted(targets);
    limits(loads);
    // The case with the most threads suffers most from other work.
    let mut threads: Vec<_> = loads.first().map(|it| it.contests().collect()).unwrap_or_default();
    threads.sort_unstable_by(|one: &usize, other| other.cmp(one));
    for threads in threads {
        contended(loads, threads);
    }
    for micros in [1, 10] {
        between(loads, micros);
    }
    println!("\nFor README.md:\n");
    in_short(loads);
}

/// Beside busy loops: what is not met anywhere first.
fn wanted(targets: &[Target]) {
    let busy = || targets.iter().filter(|it| it.loops > 0);
    let Some(least) = busy().map(|it| it.loops).min() else { return };
    let mut loops: Vec<_> = busy().map(|it| it.loops).collect();
    loops.dedup();
    let named = |it: &Target, loops| busy().find(|one| one.what == it.what && one.loops == loops);
    let mut rows: Vec<_> = busy().filter(|it| it.loops == least).collect();
    rows.sort_by_key(|it| {
        loops.iter().filter_map(|&loops| named(it, loops)).filter(|it| it.is_met()).count()
    });
    let heads: Vec<_> = loops.iter().map(|it| format!("beside {it}")).collect();
    println!("| case | {} | wanted |", heads.join(" | "));
    println!("|---|{}---|", "---|".repeat(loops.len()));
    for it in rows {
        let cell = |&loops| {
            let verdict = |it: &Target| if it.is_met() { "" } else { ", not met" };
            let found = named(it, loops).map(|it| format!("{:.2}{}", it.is, verdict(it)));
            found.unwrap_or_else(|| "-".to_owned())
        };
        let cells: Vec<_> = loops.iter().map(cell).collect();
        println!("| {} | {} | {} |", it.what, cells.join(" | "), it.should);
    }
    println!();
}

/// As it is to be shown: ours in bold.
fn shown(lock: &str) -> String {
    const OTHERS: [&str; 6] = ["std", "parking_lot", "spin", "mcslock", "pthread", "flock"];
    if OTHERS.iter().any(|other| lock.starts_with(other)) {
        lock.to_owned()
    } else {
        format!("**{lock}**")
    }
}

/// A heading: the first columns, then one for each load, of each of these figures.
fn head(first: &str, loads: &[Load], figures: &[&str]) {
    let names = |figure: &&str| {
        let load = |load: &Load| match load.loops {
            0 => "quiet".to_owned(),
            loops => format!("beside {loops}"),
        };
        let loads: Vec<_> = loads.iter().map(load).collect();
        format!(" {figure}, {} |", loads.join(" | "))
    };
    println!("| {first} |{}", figures.iter().map(names).collect::<String>());
    let columns = 1 + first.matches('|').count() + loads.len() * figures.len();
    println!("|{}", "---|".repeat(columns));
}

/// A cell for each load.
fn cells<'a>(loads: &'a [Load], cell: impl Fn(&'a Load) -> Option<String>) -> String {
    let cell = |load| format!(" {} |", cell(load).unwrap_or_else(|| "-".to_owned()));
    loads.iter().map(cell).collect()
}

/// In the unit that suits it, with two or three digits; of nothing there is no time.
pub(crate) fn time(nanoseconds: f64) -> String {
    let (value, unit) = match nanoseconds {
        it if !it.is_finite() => return "-".to_owned(),
        it if it < 1e3 => (it, "ns"),
        it if it < 1e6 => (it / 1e3, "µs"),
        it if it < 1e9 => (it / 1e6, "ms"),
        it => (it / 1e9, "s"),
    };
    let digits = usize::from(value < 10.0 && unit != "ns");
    format!("{value:.digits$} {unit}")
}

fn limits(loads: &[Load]) {
    head("what nobody can do without", loads, &["time"]);
    let row = |name: &str, limit: fn(&Load) -> f64| {
        println!("| {name} |{}", cells(loads, |load| Some(time(limit(load)))));
    };
    row("one way of a yield, two threads on one CPU", |it| it.limits.yields);
    row("one way of a futex, two threads on two CPUs", |it| it.limits.sleepers);
    row("one way of a cache line, the same", |it| it.limits.cache_line);
    row("held up for, at the longest, a thread that waits for nobody", |it| it.limits.held_up);
}

/// The slowest first, beside the fewest loops.
fn contended(loads: &[Load], threads: usize) {
    println!("\n{threads} threads:\n");
    head("lock", loads, &["a passage", "longest wait", "Jain"]);
    let Some(reference) = loads.iter().find(|it| it.loops > 0).or(loads.first()) else { return };
    let mut rows: Vec<_> = reference.results(threads, true).collect();
    rows.sort_by(|one, other| other.nanoseconds.total_cmp(&one.nanoseconds));
    for field::Result { name, .. } in rows {
        let of = |load: &'_ Load, figure: fn(&field::Result) -> String| {
            load.result(threads, name).map(figure)
        };
        println!(
            "| {} |{}{}{}",
            shown(name),
            cells(loads, |load| of(load, |it| time(it.nanoseconds))),
            cells(loads, |load| of(load, |it| time(longest(it)))),
            cells(loads, |load| of(load, |it| format!("{:.2}", it.jain))),
        );
    }
}

/// All numbers of threads in a cell, on the quiet machine and beside one loop.
fn in_short(loads: &[Load]) {
    let shown_loads = &loads[..loads.len().min(2)];
    let Some(load) = shown_loads.last() else { return };
    head("lock | order", shown_loads, &["a passage of 2; 8; 32 threads", "longest wait, 32"]);
    let all = |load: &Load, name: &str, figure: fn(&field::Result) -> f64| {
        let cell =
            |threads| load.result(threads, name).map_or("-".to_owned(), |it| time(figure(it)));
        load.contests().map(cell).collect::<Vec<_>>()
    };
    let Some(threads) = load.contests().next() else { return };
    for it in load.results(threads, true) {
        let order = match it.name {
            "BypassMutex" | "Lock, Bypass 64" => format!("passed at most {BYPASSES} times"),
            "parking_lot, fair unlock" => "of those in line".to_owned(),
            _ if it.keeps_order => "first come first served".to_owned(),
            _ => "none".to_owned(),
        };
        println!(
            "| {} | {order} |{}{}",
            shown(it.name),
            cells(shown_loads, |load| Some(all(load, it.name, |it| it.nanoseconds).join("; "))),
            cells(shown_loads, |load| all(load, it.name, longest).pop()),
        );
    }
}

fn longest(result: &field::Result) -> f64 {
    micros(result.closer.waits.longest()) * 1e3
}

/// The slowest first, beside the fewest loops.
fn between(loads: &[Load], micros: u64) {
    println!("\nFive processes, {micros} µs inside:\n");
    head("lock", loads, &["passages a second", "longest wait", "Jain"]);
    let Some(reference) = loads.iter().find(|it| it.loops > 0).or(loads.first()) else { return };
    let mut rows: Vec<_> = reference.processes.iter().filter(|it| it.micros == micros).collect();
    rows.sort_by(|one, other| one.passages.total_cmp(&other.passages));
    for Between { lock, .. } in rows {
        let of =
            |load: &'_ Load, figure: fn(&Between) -> String| load.between(lock, micros).map(figure);
        println!(
            "| {} |{}{}{}",
            shown(lock),
            cells(loads, |load| of(load, |it| thousands(it.passages))),
            cells(loads, |load| of(load, |it| time(it.longest))),
            cells(loads, |load| of(load, |it| format!("{:.2}", it.jain))),
        );
    }
}

/// Rounded, with a comma.
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
