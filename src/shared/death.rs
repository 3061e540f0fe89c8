//! Who died inside.

use std::fmt;
use std::time::SystemTime;

use crate::algorithm::Slot;

/// A participant that died inside, so that the data may be half-written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Death {
    /// Its process's id, in the pid namespace of that process.
    pub pid: u32,
    /// The name of its program, as far as the kernel keeps it: 15 bytes.
    pub command: String,
    /// The slot that it owned.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::shared::status::slot_number"))]
    pub slot: Slot,
    /// The token with which it was inside.
    pub token: u64,
    /// Since when it had been inside, to a few milliseconds.
    pub since: SystemTime,
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pid, command, slot, token, since } = self;
        write!(
            f,
            "process {pid} ({command}) died inside, in slot {}, with token {token}",
            slot.index()
        )?;
        match since.elapsed() {
            Ok(ago) => write!(f, ", which it had since {:.1} s ago", ago.as_secs_f64()),
            Err(_) => Ok(()),
        }
    }
}
