//! What is done about the dead: [`look_after`] finds them, [`reset`] takes them out.

pub(crate) mod look_after;
pub(crate) mod reset;
