//! The lock service: what is its own. What it has in common with other engines is in the suite.
#![cfg(feature = "service")]

#[allow(dead_code, reason = "not all of it is used here")]
#[path = "../suite/arena.rs"]
mod arena;
#[allow(dead_code, reason = "not all of it is used here")]
#[path = "../suite/disturbed.rs"]
mod disturbed;
mod place;
mod raw;

mod bytes;
mod clients;
#[cfg(feature = "etcd")]
mod fronting;
mod load;
mod restarts;
mod slow;
mod spread;
#[cfg(feature = "tls")]
mod tls;
