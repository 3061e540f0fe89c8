//! Stands in for the library's `src/shared/life/`.

#[allow(clippy::all, clippy::pedantic, reason = "linted as the library")]
#[path = "../../../src/shared/life/claim.rs"]
pub(crate) mod claim;
#[allow(clippy::all, clippy::pedantic, reason = "linted as the library")]
#[path = "../../../src/shared/life/identity.rs"]
pub(crate) mod identity;
