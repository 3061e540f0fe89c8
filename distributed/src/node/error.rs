//! What can go wrong with a node.

use crate::transport::Address;

/// Why a node does not run, or does not lock.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There can be no such node.
    #[error("there can be no such node: {why}")]
    BadConfig {
        /// What is wrong with it.
        why: String,
    },
    /// It cannot listen where the others look for it.
    #[error("node {node} cannot listen at {address}: {source}")]
    Unlistenable {
        /// Which one.
        node: u8,
        /// Its address.
        address: Address,
        /// Why not.
        source: std::io::Error,
    },
    /// The file that counts this node's lives does not.
    #[error("{path} does not count this node's lives: {source}")]
    BadLife {
        /// The file.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The file by which this node is to go on cannot be read or written, or is not what it was.
    #[error("{path} is no journal to go on by: {source}")]
    BadJournal {
        /// The file.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// A node that is away has not taken what it was sent. No more is begun before it does, or begins again.
    #[error(
        "a node that is away has yet to take {kept} messages; start it again, or mend its link"
    )]
    Behind {
        /// How many.
        kept: usize,
    },
    /// The node has ended, or its tokio runtime has: [`Status::failed`](super::Status::failed) may say why.
    #[error("the node has ended, or the tokio runtime on which it was started")]
    Ended,
}

/// What is said, or an [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
