//! The verbs that look at locks and manage them: real processes, real kills.

mod doctor;
mod lists;
mod managing;
mod shells;
mod status;
mod support;
mod terminal;
#[cfg(feature = "top")]
mod top;
