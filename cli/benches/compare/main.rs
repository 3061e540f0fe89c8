//! The lock programs of shells, side by side:
//!
//! ```text
//! cargo bench -p bakery-cli --bench compare [-- [--quick] [COLUMN...]]
//! ```
//!
//! The columns are those of [`table::COLUMNS`]; all, unless some are named. Each cell is measured here and
//! now, with real processes; the table is Markdown. `--quick` shows that it runs, and measures next to
//! nothing.

mod cost;
mod crowd;
mod ground;
mod signals;
mod table;
mod tools;

use std::fs;

use table::COLUMNS;

/// How long, and how often.
#[derive(Clone, Copy)]
pub struct Limits {
    /// How many stand in line, how far apart they come, and how often all of that.
    line: usize,
    apart_ms: u64,
    rounds: usize,
    /// For how long somebody tries to get in among others.
    patience_s: u64,
    /// How long to look whether somebody gets in who must not.
    look_ms: u64,
    /// How often each command is run for its cost.
    pairs: usize,
}

const FULL: Limits =
    Limits { line: 20, apart_ms: 150, rounds: 3, patience_s: 15, look_ms: 2000, pairs: 300 };
const QUICK: Limits =
    Limits { line: 3, apart_ms: 50, rounds: 1, patience_s: 1, look_ms: 100, pairs: 3 };

fn main() {
    // `cargo bench` adds a `--bench`.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let limits = if words.iter().any(|word| word == "--quick") { QUICK } else { FULL };
    let named: Vec<&String> = words.iter().filter(|word| *word != "--quick").collect();
    if let Some(unknown) = named.iter().find(|word| COLUMNS.iter().all(|one| one.name != **word)) {
        let known = COLUMNS.map(|one| one.name).join(", ");
        eprintln!("there is no column {unknown}; write some of {known}, or --quick");
        std::process::exit(64);
    }
    let columns: Vec<_> = COLUMNS
        .iter()
        .filter(|one| named.is_empty() || named.iter().any(|word| *word == one.name))
        .collect();
    let tools = tools::found();
    println!("{}, load before: {}", processor(), load());
    table::print(&tools, &columns, limits);
    println!("load after: {}", load());
}

fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let number = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!("{}, {number} processors", model.map_or("an unknown processor", |(_, name)| name))
}

fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').take(3).collect::<Vec<_>>().join(" ")
}
