//! Lamport's bakery at its oldest job: five processes each add 20 lines to a shared count, and the
//! total is 100.
//!
//! `cargo run --release --example line_count` runs it; `-- --help` says what else it can do, `--
//! FILE...` counts the lines of files.

mod attempts;
mod cli;
mod lock;
mod peers;
mod processes;
#[path = "../progress.rs"]
mod progress;
mod table;
mod threads;
mod work;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Result};

use cli::{Arguments, Scope};
use work::Work;

fn main() -> ExitCode {
    let arguments = match Arguments::parse() {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            print!("{}", cli::HELP);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("line_count: {error}; see --help");
            return ExitCode::from(2);
        }
    };
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("line_count: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the total is right.
fn run(arguments: &Arguments) -> Result<bool> {
    if let Some(worker) = &arguments.worker {
        processes::work(arguments, worker).context(format!("process {}", worker.number + 1))?;
        return Ok(true);
    }
    let work = Work::plan(arguments)?;
    let outcome = match arguments.scope() {
        Scope::Processes => processes::run(arguments, &work)?,
        Scope::Threads => threads::run(arguments, &work)?,
    };
    let table = table::table(arguments, &outcome.shares);
    let total = outcome.total;
    // In one piece: a reader that goes away after the first line takes nothing from the verdict.
    let _ = io::stdout().write_all(format!("Total de Líneas: {total:4}\n{table}").as_bytes());

    let added: u64 = outcome.shares.iter().map(|share| share.lines).sum();
    let attempts: usize = outcome.shares.iter().map(|share| share.attempts.len()).sum();
    if total != added {
        eprintln!("line_count: {added} lines were added, and the total is {total}");
    }
    let expected = work.attempts(arguments.participants());
    if attempts as u64 != expected {
        eprintln!("line_count: there were {attempts} turns instead of {expected}");
    }
    Ok(total == added && attempts as u64 == expected)
}
