//! The verbs that look at locks and manage them: real processes, real kills.

mod docs;
mod doctor;
mod lists;
mod managing;
mod shells;
mod status;
mod support;
#[cfg_attr(not(feature = "top"), allow(dead_code, reason = "most of it is for those tests"))]
mod terminal;
#[cfg(feature = "top")]
mod top;
