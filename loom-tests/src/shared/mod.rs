//! How slots of a segment change hands, with a kernel of the models' own.
//!
//! Stands in for the library's `src/shared/`.

#[allow(clippy::all, clippy::pedantic, reason = "linted as the library")]
#[path = "../../../src/shared/claim.rs"]
pub(crate) mod claim;
#[allow(clippy::all, clippy::pedantic, reason = "linted as the library")]
#[path = "../../../src/shared/identity.rs"]
pub(crate) mod identity;
