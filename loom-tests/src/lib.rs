//! The library's own algorithms and waiting, compiled a second time with loom's atomics, and the
//! models that run them.
//!
//! - `cargo test --release -p loom-tests`: every model in `models/`, within its bounds.
//! - `cargo run --release -p loom-tests -- ledger`: every mutant of the sources (one ordering
//!   weaker, one fence, store or announcement left out), each of which some model must catch; or
//!   `ledger/known.rs` says why none does. Then every token of the algorithms that could be another
//!   one, which the models of `stateright-tests` must catch (`-- changes`: these only).
//! - `cargo run --release -p loom-tests -- deeper 300`: every model with one preemption more than
//!   its bounds say, for 300 seconds at the most, and how many executions it had.
//!
//! What loom cannot see: load buffering, stores older than the last seven, fairness; and one
//! thread's load before another's store, if that one has loaded last in between
//! (tokio-rs/loom#166), unless an older value shows the same.
//!
//! Where it sees too much: it takes `SeqCst` fences for an exchange of all that was done before,
//! which is a little more than the language promises (see `fences_are_steps`). With three threads
//! of which two write one register unordered it may show executions that the language forbids
//! (tokio-rs/loom#282). And with a store it drops, being older than the last seven, it forgets who
//! has read it, and may let them read an older one. No model here runs into those within its
//! bounds. One does with a preemption more, and is left out of `deeper`: `ledger/known.rs` says
//! why. Whatever else fails is a finding.

#[allow(private_interfaces, reason = "a sealed trait hides them in the library")]
#[allow(clippy::all, clippy::pedantic, reason = "linted as the library")]
#[path = "../../src/algorithm/mod.rs"]
pub mod algorithm;
mod atomic;
#[allow(dead_code, reason = "the library does more with it than the models")]
#[allow(clippy::all, clippy::pedantic, reason = "linted as the library")]
#[path = "../../src/attempt.rs"]
mod attempt;
mod futex;
#[path = "../../stateright-tests/src/hands.rs"]
mod hands;
mod ledger;
mod local;
mod models;
mod mortal;
mod mutation;
mod shared;
mod thread_locals;
mod threads;
#[allow(clippy::all, clippy::pedantic, reason = "linted as the library")]
#[path = "../../src/wait/mod.rs"]
pub mod wait;

pub use ledger::command;
