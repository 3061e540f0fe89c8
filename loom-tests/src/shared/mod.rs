//! How slots of a segment change hands, and how those of the dead are reset, with a kernel of the
//! models' own.
//!
//! Stands in for the library's `src/shared/`.

pub(crate) mod dead;
pub(crate) mod life;
pub(crate) mod segment;
