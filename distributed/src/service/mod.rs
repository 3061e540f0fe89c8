#![doc = include_str!("../../docs/service.md")]

mod answers;
pub(crate) mod client;
mod config;
mod connection;
mod coordinator;
mod frame;
mod kept;
mod lines;
mod policy;
mod protocol;
mod reserve;
mod secure;
mod server;
mod sessions;
mod spread;

pub use config::{Config, Files, Lines};
pub use coordinator::Coordinator;
pub use policy::{Grant, Policy};
pub use secure::Secure;
pub use server::{Limits, Service};
pub use spread::Spread;

/// What it is called in errors.
const NAME: &str = "the lock service";
