//! Links between nodes, over TCP or Unix sockets: what a node sends to another comes exactly once, and in
//! order, for as long as both live.
//!
//! **What is promised.** A connection that breaks and comes back loses nothing and doubles nothing, however
//! often it does and at whatever byte. A node that begins again is another *life* of it: the other nodes are
//! told of it ([`Event::Began`](crate::algorithm::Event::Began)) before its first message, and what was meant
//! for its earlier life does not reach it. Bad bytes, half frames, huge lengths, and one that does not read or
//! says nothing cost the sender its connection.
//!
//! **What is not.** What was sent to a node that died may have come or not. A message to a node that was not
//! met goes nowhere. What one that is away was sent is kept until it confirms it or begins again: in memory.
//! Nothing is encrypted, and a node is who it says it is: the addresses are for a network whose hosts trust
//! each other. Each life has to have a greater number than those before
//! ([`next_life`](crate::node::next_life)).
//!
//! # Frames
//!
//! Of each two nodes the one with the higher number connects to the other. Both send frames: a length (4
//! bytes, the highest first, and so are all numbers; 1 MiB at most, 512 bytes before the other has said who
//! it is), a byte that says which kind it is, and fields.
//!
//! | kind | fields |
//! |---|---|
//! | 0, who this is | `bakery\0\1`, name (its length in 4 bytes, UTF-8), nodes (1 byte), sender (1), receiver (1), [greeting](link::Greeting): life (4), known life of the receiver (0, or 1 and 4 bytes), how many messages of that life have come (8) |
//! | 1, a message | its number (8), its length (4), its bytes |
//! | 2, so many messages have come | their number (8) |
//! | 3, nothing | |
//!
//! The first frame of each side is who it is; that of the one that was connected to is the answer. Then each
//! sends what the other has not confirmed, from its first message on. A message is a byte for its variant, and
//! its fields.
//!
//! [`link`] is the part that promises; it does no I/O.

mod address;
mod frame;
pub mod link;
mod network;
mod silence;
mod wire;

pub use address::Address;
pub use frame::LONGEST;
pub use silence::Silence;
pub use wire::{Wire, decode, encode};

pub(crate) use frame::{Frame, Introduction};
pub(crate) use network::{Arrival, Connection, begin};
pub(crate) use wire::wire;
