//! How slots of a segment change hands, and how those of the dead are reset, with a kernel of the
//! models' own.
//!
//! Stands in for the library's `src/shared/`.

#[allow(clippy::all, clippy::pedantic, reason = "linted as the library")]
#[path = "../../../src/shared/claim.rs"]
pub(crate) mod claim;
#[allow(clippy::all, clippy::pedantic, reason = "linted as the library")]
#[path = "../../../src/shared/identity.rs"]
pub(crate) mod identity;
#[allow(clippy::all, clippy::pedantic, reason = "linted as the library")]
#[allow(dead_code, reason = "the library does more with it than the models")]
#[path = "../../../src/shared/journal.rs"]
pub(crate) mod journal;
#[allow(clippy::all, clippy::pedantic, reason = "linted as the library")]
#[allow(dead_code, reason = "the library does more with it than the models")]
#[path = "../../../src/shared/record.rs"]
pub(crate) mod record;
#[allow(clippy::all, clippy::pedantic, reason = "linted as the library")]
#[allow(dead_code, reason = "the library does more with it than the models")]
#[path = "../../../src/shared/reset.rs"]
pub(crate) mod reset;
