//! `--keep-place`: a place in line that outlives a time that is over.
//!
//! Whoever asks for it does not stand in line itself. A [`keeper`] does, a process of its own (`bakery
//! place`, which only `bakery` starts), and the [`try`](attempt) waits for its word. When the turn has come,
//! the keeper hands over what it has got, by its descriptor, and is gone. When a try's time is over, the
//! keeper stays, and the next try with the same key finds it by its [socket](wire). A try that ends in any
//! other way takes its place along, as everybody in line does.
//!
//! One try at a time has a place. Another with the same key queues like everybody else.

mod attempt;
mod keeper;
mod wire;

pub use attempt::{Waited, wait};
pub use keeper::{VERB, kept_until};
