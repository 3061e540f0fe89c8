//! The table below the total.

use std::fmt::Write;
use std::time::Duration;

use crate::attempts::{Share, bypasses};
use crate::cli::{Arguments, Scope};

pub fn table(arguments: &Arguments, shares: &[Share]) -> String {
    let who = match arguments.scope() {
        Scope::Processes => "process",
        Scope::Threads => "thread",
    };
    let mut table =
        format!("{who:>8}  {:>10}  {:>12}  {:>8}\n", "iterations", "longest wait", "bypassed");
    for (number, (share, bypassed)) in (1..).zip(shares.iter().zip(bypasses(shares))) {
        let iterations = share.attempts.len();
        let longest = share.attempts.iter().map(|attempt| attempt.entered - attempt.begun).max();
        let longest = format!("{:.1?}", Duration::from_nanos(longest.unwrap_or(0)));
        writeln!(table, "{number:>8}  {iterations:>10}  {longest:>12}  {bypassed:>8}")
            .expect("a string takes it");
    }
    table
}
