//! The library's own algorithms, waiting and slot leases, compiled with [shuttle]'s threads and
//! atomics, and run by more threads than loom can take, under schedulers that choose at random.
//!
//! - `cargo test --release -p shuttle-tests`: each test under shuttle's random scheduler and under
//!   its PCT scheduler, which preempts seldom and at chosen points; and the planted faults, each of
//!   which these tests have to find.
//! - `SHUTTLE_TESTS_TIMES=100 cargo test --release -p shuttle-tests`: the same with a hundred times
//!   as many executions.
//!
//! # Replaying a failure
//!
//! A test that fails prints its schedule (`failing schedule:`, and lines of hexadecimal digits
//! between quotes). The same test runs that schedule again, once, if it is given the digits, with or
//! without the line breaks, or the name of a file that holds them:
//!
//! ```sh
//! SHUTTLE_TESTS_REPLAY=91019b02... cargo test --release -p shuttle-tests -- --exact parking::bakery::pct
//! ```
//!
//! # What it cannot see
//!
//! - **Weak memory.** Every operation is sequentially consistent here, whatever ordering the source
//!   asks for, and fences do nothing: that is what the models in `loom-tests/` are for.
//! - **What it does not happen upon.** The tests sample schedules; a pass proves nothing.
//! - **Time.** A deadline is over after some number of looks at it.
//!
//! [shuttle]: https://docs.rs/shuttle

#![cfg(test)]

#[allow(dead_code, private_interfaces, reason = "the library does more with it than the tests")]
#[allow(clippy::all, clippy::pedantic, reason = "linted as the library")]
#[path = "../../src/algorithm/mod.rs"]
pub mod algorithm;
mod atomic;
#[allow(dead_code, reason = "the library does more with it than the tests")]
#[allow(clippy::all, clippy::pedantic, reason = "linted as the library")]
#[path = "../../src/attempt.rs"]
mod attempt;
mod drop_in;
mod exclusion;
mod explore;
mod fault;
#[path = "../../loom-tests/src/futex.rs"]
mod futex;
mod lease;
#[allow(dead_code, reason = "there is more in the files than the tests use")]
#[path = "../../loom-tests/src/local/mod.rs"]
mod local;
#[allow(dead_code, reason = "the ledger of loom-tests uses the rest")]
#[path = "../../loom-tests/src/mutation.rs"]
mod mutation;
mod parking;
mod planted;
#[path = "../../loom-tests/src/thread_locals.rs"]
mod thread_locals;
mod threads;
#[allow(dead_code, reason = "the library does more with it than the tests")]
#[allow(clippy::all, clippy::pedantic, reason = "linted as the library")]
#[path = "../../src/wait/mod.rs"]
pub mod wait;
mod withdrawal;
