//! Stands in for the library's `src/shared/dead/`.

#[allow(clippy::all, clippy::pedantic, reason = "linted as the library")]
#[path = "../../../src/shared/dead/reset.rs"]
pub(crate) mod reset;
