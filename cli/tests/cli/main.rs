//! `bakery` as its users meet it: real processes, real signals.

mod deaths;
mod flock;
mod flock_bytes;
mod names;
mod options;
mod order;
mod places;
mod signals;
mod statuses;
mod support;
mod terminal;
mod together;
