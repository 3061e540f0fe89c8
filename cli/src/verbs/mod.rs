//! One file or directory for each verb.

pub mod flock;
pub mod run;
