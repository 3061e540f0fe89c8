//! Who lives: what tells a process from every other, the kernel's word that it is there, and the
//! two proofs that it is not.
//!
//! Read [`identity`] first (what a slot says of its owner), then [`claim`] (how a slot gets one),
//! [`ofd`] (the locks on bytes that end with their process), and [`liveness`]. A [`bell`] rings when a
//! process ends, and proves nothing.

pub(crate) mod bell;
pub(crate) mod claim;
pub(crate) mod fork;
pub(crate) mod identity;
pub(crate) mod liveness;
pub(crate) mod ofd;
pub(crate) mod process;
