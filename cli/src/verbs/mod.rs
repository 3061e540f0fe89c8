//! One file or directory for each verb.

pub mod completions;
pub mod doctor;
pub mod flock;
pub mod hold;
pub mod ls;
pub mod man;
pub mod metrics;
pub mod path;
pub mod pause;
pub mod release;
pub mod rm;
pub mod run;
pub mod status;
#[cfg(feature = "top")]
pub mod top;
pub mod wait;
