//! What goes over a connection: frames, and how they are found in a stream of bytes.

use std::fmt;

use super::link::{Greeting, Packet};
use super::wire::{Wire, decode, wire};
use crate::algorithm::Id;

/// The most bytes of a frame behind its length: 1 MiB.
pub const LONGEST: usize = 1 << 20;
/// The most bytes of the first one: nobody has said yet who it is.
pub(super) const LONGEST_INTRODUCTION: usize = 512;
/// What each connection begins with, so that nobody takes another program for a node.
const MAGIC: u64 = u64::from_be_bytes(*b"bakery\0\x01");

/// What is said at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// Who says it: the first frame of each side.
    Introduction { introduction: Introduction },
    /// A message.
    Message { number: u64, bytes: Vec<u8> },
    /// So many have come.
    Received { number: u64 },
    /// Nothing, so that the other hears something.
    Beat,
}

/// Who says something, and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Introduction {
    /// What all the nodes have in common: the algorithm's name, and the lock's.
    pub(crate) name: String,
    /// How many nodes there are.
    pub(crate) nodes: Id,
    pub(crate) from: Id,
    pub(crate) to: Id,
    pub(crate) greeting: Greeting,
}

struct Magic;

impl Wire for Magic {
    fn write(&self, bytes: &mut Vec<u8>) {
        MAGIC.write(bytes);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        (u64::read(bytes)? == MAGIC).then_some(Self)
    }
}

wire!(struct Greeting { life, known, received });

impl Wire for Introduction {
    fn write(&self, bytes: &mut Vec<u8>) {
        let Self { name, nodes, from, to, greeting } = self;
        Magic.write(bytes);
        name.write(bytes);
        (*nodes, (*from, *to)).write(bytes);
        greeting.write(bytes);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        Magic::read(bytes)?;
        let name = String::read(bytes)?;
        let (nodes, (from, to)) = Wire::read(bytes)?;
        Some(Self { name, nodes, from, to, greeting: Greeting::read(bytes)? })
    }
}

wire!(enum Frame {
    0 = Introduction { introduction },
    1 = Message { number, bytes },
    2 = Received { number },
    3 = Beat,
});

impl From<Packet<Vec<u8>>> for Frame {
    fn from(packet: Packet<Vec<u8>>) -> Self {
        match packet {
            Packet::Message { number, message: bytes } => Self::Message { number, bytes },
            Packet::Received { number } => Self::Received { number },
        }
    }
}

impl Frame {
    /// Its length and itself, behind what is there already.
    pub(crate) fn write_to(&self, bytes: &mut Vec<u8>) {
        let begin = bytes.len();
        0_u32.write(bytes);
        self.write(bytes);
        let length = u32::try_from(bytes.len() - begin - 4).unwrap_or(u32::MAX);
        bytes[begin..begin + 4].copy_from_slice(&length.to_be_bytes());
    }
}

/// What is no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    TooLong { length: usize, longest: usize },
    NoFrame,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { length, longest } => {
                write!(f, "a frame of {length} bytes is longer than {longest}")
            }
            Self::NoFrame => f.write_str("that is no frame"),
        }
    }
}

/// Bytes as they come, of which frames are made.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    bytes: Vec<u8>,
    begin: usize,
    /// Whether the first one was there.
    is_introduced: bool,
}

impl Frames {
    /// Where bytes are put that come. As few are kept as one frame has, and what came with it.
    pub(crate) fn more(&mut self) -> &mut Vec<u8> {
        self.bytes.drain(..self.begin);
        self.begin = 0;
        &mut self.bytes
    }

    /// The next frame, once all of it is there.
    pub(crate) fn next(&mut self) -> Result<Option<Frame>, Unreadable> {
        let longest = if self.is_introduced { LONGEST } else { LONGEST_INTRODUCTION };
        let mut rest = &self.bytes[self.begin..];
        let Some(length) = u32::read(&mut rest) else { return Ok(None) };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        // Before all of it is there: nothing of that length is waited for.
        if length > longest {
            return Err(Unreadable::TooLong { length, longest });
        }
        let Some(frame) = rest.get(..length) else { return Ok(None) };
        let frame = decode(frame).ok_or(Unreadable::NoFrame)?;
        self.begin += 4 + length;
        self.is_introduced = true;
        Ok(Some(frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames() -> [Frame; 4] {
        let greeting = Greeting { life: 2, known: Some(1), received: 7 };
        let name = "lines".to_owned();
        let introduction = Introduction { name, nodes: 5, from: 4, to: 0, greeting };
        let message = Frame::Message { number: 8, bytes: vec![1, 2, 3] };
        [Frame::Introduction { introduction }, message, Frame::Received { number: 7 }, Frame::Beat]
    }

    fn bytes(frames: &[Frame]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for frame in frames {
            frame.write_to(&mut bytes);
        }
        bytes
    }

    #[test]
    fn frames_are_found_however_their_bytes_are_cut() {
        let bytes = bytes(&frames());
        for step in 1..=bytes.len() {
            let (mut found, mut all) = (Frames::default(), Vec::new());
            for part in bytes.chunks(step) {
                found.more().extend(part);
                while let Some(frame) = found.next().unwrap() {
                    all.push(frame);
                }
            }
            assert_eq!(all, frames());
        }
    }

    #[test]
    fn a_frame_is_its_length_its_kind_and_its_fields() {
        assert_eq!(bytes(&[Frame::Beat]), [0, 0, 0, 1, 3]);
        let message = Frame::Message { number: 1, bytes: vec![9] };
        assert_eq!(bytes(&[message]), [0, 0, 0, 14, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 9]);
        assert_eq!(bytes(&frames()[..1])[4..13], *b"\0bakery\0\x01");
    }

    #[test]
    fn a_huge_length_is_refused_before_it_is_waited_for() {
        let mut found = Frames::default();
        // Whoever has not said who it is may say little.
        found.more().extend(u32::try_from(LONGEST_INTRODUCTION + 1).unwrap().to_be_bytes());
        assert!(matches!(found.next(), Err(Unreadable::TooLong { .. })));
        let mut found = Frames::default();
        found.more().extend(bytes(&frames()[..1]));
        assert!(found.next().unwrap().is_some());
        found.more().extend(u32::try_from(LONGEST).unwrap().to_be_bytes());
        assert_eq!(found.next(), Ok(None));
        found.more().clear();
        found.more().extend(u32::MAX.to_be_bytes());
        assert!(matches!(found.next(), Err(Unreadable::TooLong { .. })));
    }

    #[test]
    fn bytes_that_are_no_frame_are_refused() {
        for bad in
            [&[0, 0, 0, 0][..], &[0, 0, 0, 1, 4], &[0, 0, 0, 2, 3, 0], b"\0\0\x01\0GET / HTTP/1.1"]
        {
            let mut found = Frames::default();
            found.more().extend(bad);
            found.more().resize(4 + 256, 0);
            assert_eq!(found.next(), Err(Unreadable::NoFrame), "{bad:?}");
        }
        // A bit of the introduction that is another.
        for bit in 0..9 * 8 {
            let mut bytes = bytes(&frames()[..1]);
            bytes[4 + bit / 8] ^= 1 << (bit % 8);
            let mut found = Frames::default();
            found.more().extend(bytes);
            assert_eq!(found.next(), Err(Unreadable::NoFrame), "{bit}");
        }
    }
}
