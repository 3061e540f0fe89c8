//! Who survives? Locks between processes, each put through the same deaths and the same queues.
//!
//! `cargo run --release --example who_survives` prints the table, in a minute or two; with `--
//! --markdown` as the README shows it. `-- --help` says what else it can do. No cell is known in
//! advance: for each, processes are started (this program again), killed, stopped, forked, and
//! asked. The exit status is 0 if this library's locks did in each case as they should.
//!
//! "Waits" below means that the kernel says that the process sleeps, after it has gone for the lock.
//! "The bound" is `--bound`, 3 s: who is not in by then is taken for stuck. Where nobody should get
//! in, half a second is watched. Each case has a new lock and new processes.
//!
//! - **its holder is killed**: one holds, one waits. The holder is killed (SIGKILL): does the other
//!   get in, and is it told that the owner has died, and who that was?
//! - **its holder is a zombie**: the same, and the holder's parent has not waited for its end.
//! - **its holder's child lives on**: the holder forks before it is killed, and the child stays.
//!   "after the child": the other gets in once the child is killed too.
//! - **one in line is killed**: four wait, the second is killed, the holder releases: do the
//!   others get in, and in the order in which they came?
//! - **its holder is stopped**: does another get in while the holder has SIGSTOP? "robbed", if so.
//! - **a stray close**: the holder opens the lock's file once more and closes that. "lost", if
//!   another gets in then.
//! - **a forked child lets go**: the holder forks, and the child releases the lock that it has
//!   inherited. "lost", if another gets in then.
//! - **a namesake is killed**: a holder and one that waits are each process 1 of a pid namespace of
//!   their own, and the one that waits is killed. "robbed", if a third gets in while the holder
//!   lives. "not run" where pid namespaces cannot be made.
//! - **pairs out of order**: eight wait, gone for the lock one after another. The holder releases.
//!   How many of the 28 pairs get in the wrong way round, over `--rounds` / 5 rounds?
//! - **the holder comes again**: one waits, the holder releases and locks in a loop. How often is it
//!   in again before the other is? Mean and most of `--rounds` / 5 rounds; "> n": after n times, when
//!   the bound was over, the other still waited. (The bypass lock says at most 1,024.)
//! - **a thief tries**: one waits, a third calls `try_lock` in a loop, and the holder releases once,
//!   while the third runs. How often is the third in before the other is? Shown in the same way.
//! - **ms after a dead holder**, **ms after a dead waiter**: from before the kill to the entry of
//!   the next one, median and worst of `--rounds`. For the second, one waits behind the one killed,
//!   and the holder releases right after the kill. The exit status asks for no more than that all
//!   of them are in within the bound.
//!
//! "-" is a case for more processes than the lock has room for (Peterson's: two). All of
//! it ends with this program, however that ends.

mod board;
mod cases;
mod cell;
mod cli;
mod contender;
mod locks;
mod namespace;
mod ours;
mod peers;
mod process;
#[path = "../progress.rs"]
mod progress;
mod stage;
mod table;
mod worker;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Result};
use rustix::process::{getpid, set_child_subreaper};

use board::Board;
use cases::CASES;
use cell::Cell;
use cli::Arguments;
use locks::LockName;
use progress::Progress;
use stage::Stage;
use table::Table;

fn main() -> ExitCode {
    let arguments = match Arguments::parse() {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            print!("{}", cli::HELP);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("who_survives: {error}; see --help");
            return ExitCode::from(2);
        }
    };
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("who_survives: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all went as it should with the locks of this library.
fn run(arguments: &Arguments) -> Result<bool> {
    if let Some(orders) = &arguments.worker {
        worker::work(orders)?;
        return Ok(true);
    }
    // The children of those that are killed here are left to this process, which ends them.
    set_child_subreaper(Some(getpid())).context("cannot adopt orphans")?;
    let board = Board::create()?;
    let mut done = 0;
    let mut progress = Progress::new((CASES.len() * arguments.locks.len()) as u64);
    let mut failures = Vec::new();
    let mut table = Table::new(&arguments.locks);
    for case in CASES {
        let mut cells = Vec::new();
        for lock in &arguments.locks {
            let cell = if lock.room() < case.processes {
                Cell::no_room()
            } else {
                let stage = Stage::new(*lock, &board, arguments)?;
                (case.run)(&stage).unwrap_or_else(|error| {
                    progress.clear();
                    eprintln!("{lock}: {}: {error:#}", case.name);
                    Cell::bad("failed")
                })
            };
            if !cell.is_as_it_should_be && matches!(lock, LockName::Ours(_)) {
                failures.push(format!("{lock}: {}: {}, not {}", case.name, cell, case.should_be));
            }
            cells.push(cell);
            done += 1;
            progress.show(done);
        }
        table.add(case, &cells);
    }
    drop(progress);
    let table = if arguments.markdown { table.markdown() } else { table.text() };
    // In one piece: a reader that goes away after the first line takes nothing from the verdict.
    let _ = io::stdout().write_all(table.as_bytes());
    for failure in &failures {
        eprintln!("who_survives: {failure}");
    }
    Ok(failures.is_empty())
}
