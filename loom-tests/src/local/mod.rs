//! The protocol of the library's drop-in locks, without [`lock_api`](https://docs.rs/lock_api), and
//! with sleeping places of the models' own.
//!
//! Stands in for the library's `src/local/` and `src/local/drop_in/`.

#[allow(dead_code, reason = "the models are of its queue")]
#[allow(clippy::all, clippy::pedantic, reason = "linted as the library")]
#[path = "../../../src/local/drop_in/bypass.rs"]
pub(crate) mod bypass;
#[allow(clippy::all, clippy::pedantic, reason = "linted as the library")]
#[path = "../../../src/local/drop_in/lease.rs"]
pub(crate) mod lease;
pub(crate) mod lot;
#[allow(clippy::all, clippy::pedantic, reason = "linted as the library")]
#[path = "../../../src/local/rows.rs"]
pub(crate) mod rows;
#[allow(clippy::all, clippy::pedantic, reason = "linted as the library")]
#[path = "../../../src/local/drop_in/slotted.rs"]
pub(crate) mod slotted;
#[allow(dead_code, reason = "the tests with many threads have no models of it")]
#[allow(clippy::all, clippy::pedantic, reason = "linted as the library")]
#[path = "../../../src/local/taken.rs"]
pub(crate) mod taken;
#[allow(clippy::all, clippy::pedantic, reason = "linted as the library")]
#[path = "../../../src/local/drop_in/ticket.rs"]
pub(crate) mod ticket;
