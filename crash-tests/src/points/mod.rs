//! Death at every step of the library's own sources.
//!
//! Every access to a register, every fence, and some steps between two system calls are points at
//! which a process can die: before it. For each lock and each scenario, the victim dies at point 1,
//! 2, 3 and so on, until it is through without having died. In scenarios with two and three deaths
//! the others are victims at each of their points too. After each death, everybody who is still
//! there has to get in, in order, and to be told what is so ([`judge`]); then the segment has to
//! have all its slots ([`case`]).
//!
//! The sources are those of the library, and so is all waiting but for the spinning before a sleep,
//! which is the same steps many times ([`wait`]). Participants look after each other every
//! millisecond here, so that thousands of deaths do not take long.

mod board;
mod case;
mod forgery;
mod judge;
#[path = "../../../tests/segments/old_kernel.rs"]
mod old_kernel;
mod player;
mod scenario;
mod sweep;
mod wait;

use std::time::Instant;

use crate::options::Options;
use crate::process::shared_memory;
use crate::shared::Kind;
use board::Board;
use scenario::SCENARIOS;
use sweep::sweep;

/// Every scenario with every lock. Whether all is well.
pub(crate) fn run(options: &Options) -> bool {
    // SAFETY: atomics only, for which zeros are values.
    let board: &'static Board = unsafe { shared_memory() };
    let start = Instant::now();
    let (mut sweeps, mut failed) = (0, 0);
    println!(
        "lock         scenario             cases  points  deaths    told  silent   stuck or wrong"
    );
    for kind in Kind::ALL.into_iter().filter(|kind| kind.can_recover()) {
        for scenario in &SCENARIOS {
            let name = format!("{kind} {}", scenario.name);
            if scenario.places > kind.slots().1 || !options.want(&name) {
                continue;
            }
            let (tally, failures) = sweep(board, kind, scenario, options);
            println!("{kind:<12} {:<18} {tally} {:>16}", scenario.name, failures.len());
            for failure in &failures {
                println!("FAILED: {kind}, {}, {failure}", scenario.name);
            }
            sweeps += 1;
            failed += usize::from(!failures.is_empty());
        }
    }
    println!("{sweeps} sweeps, {failed} failed, {:.1} s", start.elapsed().as_secs_f64());
    sweeps > 0 && failed == 0
}
