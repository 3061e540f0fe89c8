//! Stands in for the library's `src/shared/segment/`.

#[allow(clippy::all, clippy::pedantic, reason = "linted as the library")]
#[allow(dead_code, reason = "the library does more with it than the models")]
#[path = "../../../src/shared/segment/journal.rs"]
pub(crate) mod journal;
#[allow(clippy::all, clippy::pedantic, reason = "linted as the library")]
#[allow(dead_code, reason = "the library does more with it than the models")]
#[path = "../../../src/shared/segment/record.rs"]
pub(crate) mod record;
#[allow(clippy::all, clippy::pedantic, reason = "linted as the library")]
#[allow(dead_code, reason = "the library does more with it than the models")]
#[path = "../../../src/shared/segment/room.rs"]
pub(crate) mod room;
