//! How `bakery` is tried: crowds of processes, kills at random, places where something is missing, other
//! people's shells. What takes minutes is ignored unless it is asked for (`.ci/long`); it prints what it
//! has measured.

mod arguments;
mod crowds;
mod early;
mod idle;
mod kills;
mod order;
mod places;
mod random;
mod shells;
#[allow(dead_code, reason = "what they have in common is larger than what is used here")]
#[path = "../cli/support.rs"]
mod support;
