//! One test under one scheduler: see the crate's documentation for the environment.

use std::path::Path;

use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, Runner};

use crate::local::lot;
use crate::{fault, futex, thread_locals};

/// How many executions a test has under each scheduler, unless it says otherwise.
pub(crate) const EXECUTIONS: usize = 8_000;
/// How often a PCT schedule takes a thread off the processor against its will, and one more.
const PCT_DEPTH: usize = 4;

/// Multiplies the numbers of executions.
const TIMES: &str = "SHUTTLE_TESTS_TIMES";
/// A schedule, or the name of a file with one, to be run once instead.
const REPLAY: &str = "SHUTTLE_TESTS_REPLAY";

fn times() -> usize {
    let Ok(times) = std::env::var(TIMES) else { return 1 };
    times.parse().unwrap_or_else(|_| panic!("{TIMES} is a number, and not: {times}"))
}

pub(crate) fn random(executions: usize, test: impl Fn() + Send + Sync + 'static) {
    explore(RandomScheduler::new(executions * times()), test);
}

pub(crate) fn pct(executions: usize, test: impl Fn() + Send + Sync + 'static) {
    explore(PctScheduler::new(PCT_DEPTH, executions * times()), test);
}

fn explore(scheduler: impl Scheduler + 'static, test: impl Fn() + Send + Sync + 'static) {
    match std::env::var(REPLAY) {
        Err(_) => run(scheduler, test),
        Ok(file) if Path::new(&file).is_file() => {
            run(ReplayScheduler::new_from_file(file).expect("it can be read"), test);
        }
        Ok(schedule) => run(ReplayScheduler::new_from_encoded(&schedule), test),
    }
}

fn run(scheduler: impl Scheduler + 'static, test: impl Fn() + Send + Sync + 'static) {
    fault::put_in_force();
    let mut config = Config::new();
    // What shuttle warns of stands in the crate's documentation.
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(move || {
        futex::nobody_sleeps();
        lot::forget();
        thread_locals::forget();
        test();
        thread_locals::end();
    });
}

/// Declares tests: each under both schedulers.
macro_rules! explored {
    ($($(#[$doc:meta])* $name:ident($executions:expr): $test:expr;)*) => {$(
        $(#[$doc])*
        mod $name {
            #[allow(clippy::wildcard_imports)] // the expressions are written for the file around
            use super::*;

            #[test]
            fn random() {
                crate::explore::random($executions, || $test);
            }

            #[test]
            fn pct() {
                crate::explore::pct($executions, || $test);
            }
        }
    )*};
}

pub(crate) use explored;
