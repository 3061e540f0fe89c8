//! Fair locks for threads and for processes.
#![cfg_attr(not(feature = "std"), no_std)]

pub mod algorithm;
mod atomic;
mod attempt;
mod local;
#[cfg(all(feature = "shared", target_os = "linux"))]
pub mod shared;
pub mod wait;

pub use local::*;
