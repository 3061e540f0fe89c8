//! Locks between machines: where they are ([`address`]), and, if engines have been compiled in, how one of
//! them is had. Only here, and only when it is asked for, is there a runtime.

pub mod address;
#[cfg(feature = "between-machines")]
mod client;
#[cfg(feature = "between-machines")]
mod driver;
#[cfg(feature = "between-machines")]
mod line;
#[cfg(feature = "between-machines")]
mod refuse;
#[cfg(feature = "between-machines")]
mod seat;

pub use address::Between;
#[cfg(feature = "between-machines")]
pub use {
    driver::{CalledOff, Driver},
    line::{named, tell, told, who},
    refuse::refused,
    seat::{Ask, Queue, Seat, look},
};
