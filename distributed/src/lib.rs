#![doc = include_str!("../README.md")]

pub mod algorithm;
mod connect;
mod election;
pub mod engine;
pub mod engines;
mod error;
mod guard;
mod lease;
mod life;
mod mutex;
#[cfg(feature = "messages")]
pub mod node;
mod participant;
mod rw;
mod seat;
mod semaphore;
mod status;
#[cfg(feature = "messages")]
pub mod transport;
mod who;

pub use connect::{Client, connect};
pub use election::{Candidate, Election, Leadership, Observer};
pub use engine::Mode;
pub use error::{Error, Result};
pub use guard::Guard;
pub use mutex::{Mutex, Options, check_name};
pub use participant::{Participant, Waiting};
pub use rw::{RwLock, RwParticipant};
pub use semaphore::{Semaphore, SemaphoreParticipant};
pub use status::{Competitor, Death, Status};
pub use who::Who;
