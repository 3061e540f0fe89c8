#![doc = include_str!("../README.md")]
// One engine alone has no use for all that they share.
#![cfg_attr(
    not(all(
        feature = "consul",
        feature = "dynamodb",
        feature = "etcd",
        feature = "postgres",
        feature = "service",
        feature = "tls",
        feature = "zookeeper"
    )),
    allow(dead_code)
)]

mod access;
mod address;
pub mod algorithm;
pub mod blocking;
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
mod owned;
mod participant;
mod runtime;
mod rw;
mod seat;
mod secret;
mod semaphore;
#[cfg(feature = "service")]
pub mod service;
mod status;
mod tls;
#[cfg(feature = "messages")]
pub mod transport;
mod who;

pub use access::Access;
pub use connect::{Client, connect, connect_with};
pub use election::{Candidate, Election, Leadership, Observer};
pub use engine::Mode;
pub use error::{Error, Result};
pub use guard::Guard;
pub use mutex::{Mutex, Options, check_name};
pub use owned::{OwnedError, OwnedGuard};
pub use participant::{Participant, Waiting};
pub use rw::{RwLock, RwParticipant};
pub use semaphore::{Semaphore, SemaphoreParticipant};
pub use status::{Competitor, Death, Status};
pub use who::Who;
