//! The segment and its file: what lies in it, where it lives, and who uses it.
//!
//! In it: [`layout`] (where what is), [`header`] (what it is), [`registers`] (the algorithm's),
//! [`record`] (one for each slot), [`journal`] (one for all), [`room`] (how many slots are in use).
//! [`memory`] maps it. Around it: [`directory`] (its place), [`owner`] (whose it is), [`file_system`]
//! (what it must not be on), [`file`](mod@file) (how it comes, is found, and goes), [`draft`] (before it
//! has its name), [`hidden`] (what it is called then), [`limit`] (how long it may be), [`reopen`](mod@reopen) (once more), [`deadman`]
//! (whether it has users), [`anchor`] (whether its name has), [`restart`] (what outlives one), [`memfd`]
//! (without a name).

pub(crate) mod anchor;
pub(crate) mod clock;
pub(crate) mod deadman;
pub(crate) mod directory;
pub(crate) mod draft;
pub(crate) mod file;
pub(crate) mod file_system;
pub(crate) mod header;
pub(crate) mod hidden;
pub(crate) mod journal;
pub(crate) mod layout;
pub(crate) mod limit;
pub(crate) mod memfd;
pub(crate) mod memory;
pub(crate) mod owner;
pub(crate) mod record;
pub(crate) mod registers;
pub(crate) mod reopen;
pub(crate) mod restart;
pub(crate) mod room;

pub(crate) use memory::{Plan, Segment, SegmentLot};
