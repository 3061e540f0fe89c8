//! How many instructions a passage takes when nobody else is there: `cargo bench --bench
//! instructions`.
//!
//! Counted by valgrind's callgrind, so the counts are the same in each run, and on each machine with
//! the same compiler. They are compared with those in `benches/instructions.csv`, and more of them are
//! an error; `-- --write` writes down what is counted. Without valgrind nothing is counted.

mod support;

use std::fmt::Write;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use bakery_lock::algorithm::{
    Bakery, BlackWhite, Fast, Fenced, Filter, Peterson, Swapped, Ticket, Tournament,
};
use bakery_lock::shared::Kind;
use bakery_lock::{
    BakeryMutexWith, BlackWhiteMutexWith, BypassMutex, FilterMutexWith, Lock, Mutex, PetersonMutex,
    TournamentMutexWith,
};

use support::Subject;
use support::shared::Shared;

/// In front of what the counted program is to do.
const ROLE: &str = "pass";

/// Where the counts are written down.
const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/instructions.csv");

/// How far the thread of a doorbell gets before the program ends would be counted too.
type Silent<const KIND: usize> = Shared<KIND, 8, false>;

/// A lock, by name, and so many passages of it.
type Contestant = (&'static str, fn(u32));

const FIELD: [Contestant; 18] = [
    ("Mutex", alone::<Mutex<u64>>),
    ("BypassMutex", alone::<BypassMutex<u64>>),
    ("BakeryMutex 8", alone::<BakeryMutexWith<u64, 8>>),
    ("BlackWhiteMutex 8", alone::<BlackWhiteMutexWith<u64, 8>>),
    ("PetersonMutex", alone::<PetersonMutex<u64>>),
    ("FilterMutex 8", alone::<FilterMutexWith<u64, 8>>),
    ("TournamentMutex 8", alone::<TournamentMutexWith<u64, 8>>),
    ("Bakery 8", alone::<Lock<Bakery<8>, u64>>),
    ("BlackWhite 8", alone::<Lock<BlackWhite<8>, u64>>),
    ("Fast 8", alone::<Lock<Fast<8>, u64>>),
    ("Peterson with fences", alone::<Lock<Peterson<Fenced>, u64>>),
    ("Peterson with a swap", alone::<Lock<Peterson<Swapped>, u64>>),
    ("Filter 8", alone::<Lock<Filter<8, Swapped>, u64>>),
    ("Tournament 8", alone::<Lock<Tournament<8, Swapped>, u64>>),
    ("Ticket 8", alone::<Lock<Ticket<8>, u64>>),
    ("shared bakery", alone::<Silent<{ Kind::Bakery as usize }>>),
    ("shared ticket", alone::<Silent<{ Kind::Ticket as usize }>>),
    ("shared bypass", alone::<Silent<{ Kind::Bypass as usize }>>),
];

fn alone<S: Subject>(passages: u32) {
    let lock = S::default();
    let mut seat = lock.sit();
    for _ in 0..passages {
        black_box(&lock).pass(&mut seat, |value| {
            black_box(value);
        });
    }
}

/// What the whole program takes that passes so often.
fn whole(name: &str, passages: u32) -> Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args([ROLE, name, &passages.to_string()])
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let count = said.lines().find_map(|line| line.split_once("Collected : "));
    match count {
        Some((_, count)) if output.status.success() => Ok(count.trim().parse()?),
        _ => bail!("valgrind counts nothing: {said}"),
    }
}

/// What one passage takes: a few of the last ones, so that no beginning counts. Rounded, as beginnings differ a
/// little.
fn count(name: &str) -> Result<u64> {
    const FEW: u32 = 1_000;
    const MORE: u32 = 3_000;

    let more = whole(name, MORE)?.saturating_sub(whole(name, FEW)?);
    let passages = u64::from(MORE - FEW);
    Ok((more + passages / 2) / passages)
}

/// The compiler that the counts are of.
fn compiler() -> Result<String> {
    let output = Command::new("rustc").arg("--version").output().context("rustc")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// What is written down: the compiler in the first line, then a lock and its count in each.
fn recorded(table: &str) -> Option<(&str, Vec<(&str, u64)>)> {
    let (compiler, rest) = table.split_once('\n')?;
    let counts = rest.lines().map(|line| {
        let (name, count) = line.split_once(',')?;
        Some((name, count.parse().ok()?))
    });
    Some((compiler, counts.collect::<Option<_>>()?))
}

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [role, name, passages] = arguments.as_slice()
        && role == ROLE
    {
        let (_, pass) = FIELD.iter().find(|(it, _)| it == name).context("no such lock")?;
        pass(passages.parse()?);
        return Ok(ExitCode::SUCCESS);
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("SKIPPED: no valgrind");
        return Ok(ExitCode::SUCCESS);
    }
    let counts = FIELD.iter().map(|&(name, _)| Ok((name, count(name)?)));
    let counts = counts.collect::<Result<Vec<_>>>()?;
    if arguments.iter().any(|it| it == "--write") {
        let mut table = compiler()? + "\n";
        for (name, count) in &counts {
            writeln!(table, "{name},{count}")?;
        }
        std::fs::write(TABLE, table).context(TABLE)?;
    }
    compare(&counts)
}

/// Prints the counts beside those that are written down.
fn compare(counts: &[(&str, u64)]) -> Result<ExitCode> {
    let table = std::fs::read_to_string(Path::new(TABLE)).context(TABLE)?;
    let (of, before) =
        recorded(&table).with_context(|| format!("{TABLE} is no table of counts"))?;
    let now = compiler()?;
    let comparable = of == now && cfg!(target_arch = "x86_64");
    let mut more = 0;
    for &(name, count) in counts {
        let before = before.iter().find(|(it, _)| *it == name).map(|&(_, count)| count);
        let verdict = match before {
            _ if !comparable => "",
            Some(before) if count < before => "fewer than written down",
            Some(before) if count == before => "",
            _ => {
                more += 1;
                "MORE than written down"
            }
        };
        let before = before.map_or("-".to_owned(), |before| before.to_string());
        println!("{name:<24} {count:>6} {before:>6}  {verdict}");
    }
    if !comparable {
        println!("not compared: what is written down is of {of}, on x86-64, and this is {now}");
    }
    Ok(if more == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
