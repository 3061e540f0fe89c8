//! Fair locks for threads and for processes: take a ticket, then wait for the one before you.
//!
//! Lamport's bakery and its family, Peterson's locks, and tickets; as drop-in mutexes, with
//! explicit participants, and in memory that processes share. First come first served is a tested
//! property here, not a hope; and the locks that need no more than loads and stores need no more
//! than that.
//!
//! # Which lock when
//!
//! | you have | take |
//! |---|---|
//! | threads, and no need for an order | [`std::sync::Mutex`] |
//! | the same, and nobody may be kept waiting for long | [`BypassMutex`] |
//! | threads that must not overtake each other | [`Mutex`] |
//! | the same, and a known, small number of them | [`Lock`]`<`[`Bakery<N>`](algorithm::Bakery)`, T>`, or [`BakeryMutex`] as a drop-in |
//! | cores without compare-and-swap | [`Lock`] with [`Bakery`](algorithm::Bakery), or [`BlackWhite`](algorithm::BlackWhite) without 64-bit atomics; [`Peterson`](algorithm::Peterson) for two |
//! | processes | [`shared::Mutex`] |
//! | the same, and throughput counts more than the order | [`shared::Mutex`] with [`shared::Kind::Bypass`] |
//! | a course in mutual exclusion | all of [`algorithm`] |
//!
//! Fairness has its price. Once more threads want a lock than there are processors, one that is
//! handed on in order passes through the scheduler each time: a thread that finds it free may not take
//! it before the one whose turn it is has woken up. Where that matters more than the order,
//! [`BypassMutex`] lets it, a bounded number of times, and an unfair lock always does.
//!
//! # Threads
//!
//! ```
//! use bakery_lock::Mutex;
//!
//! static LINES: Mutex<u32> = Mutex::new(0);
//!
//! std::thread::scope(|scope| {
//!     for _ in 0..5 {
//!         scope.spawn(|| (0..20).for_each(|_| *LINES.lock() += 1));
//!     }
//! });
//! assert_eq!(*LINES.lock(), 100);
//! ```
//!
//! # Processes
//!
//! See [`shared`], and [which form when](forms).
//!
//! # What all of them promise, and what none does
//!
//! - Whatever is done inside happens before whatever the next one does inside. An attempt that fails
//!   orders nothing, and neither do questions like `is_locked`.
//! - A guard that is dropped in a panic releases its lock, and nothing is poisoned. (Death is another
//!   thing: see [`shared`].)
//! - A handler of signals or interrupts must not lock what the code that it interrupts holds, or waits
//!   for: in order, that code goes first. Nor may it be the first in its thread to lock a mutex with
//!   slots.
//! - After a fork a child must not use a lock between threads that others of its parent's threads may
//!   hold or wait for. Holding it during the fork, which helps with other mutexes, does not help here:
//!   whoever waited behind is not there in the child, and its turn comes all the same. A lock that
//!   nobody has touched, the child may use like any other.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `std` | yes | timeouts, yielding, and on Linux waiters that sleep ([`wait::Park`]) |
//! | `lock_api` | yes | the drop-in mutexes: [`Mutex`], [`BypassMutex`]; with `std` those with slots |
//! | `shared` | yes | locks between processes (Linux) |
//! | `serde` | no | `serde::Serialize` for what their status says, and both ways for the drop-in mutexes |
//! | `arc_lock` | no | guards that hold the `Arc` of a drop-in mutex ([`ArcMutexGuard`]) |
//! | `owning_ref` | no | `owning_ref::StableAddress` for the guards of the drop-in mutexes |
//! | `lock_api_04` | no | the raw locks with `lock_api` 0.4, for libraries that take a lock of that version |
//! | `mutex-traits` | no | [`RawTicket`] and [`RawBypass`] with `mutex_traits::RawMutex` |
//!
//! Without any of them the crate is `no_std`, allocates nothing and depends on nothing: [`Lock`]
//! with [`wait::Spin`] or a [`Wait`](wait::Wait) of your own.
//!
//! # What is checked, and how
//!
//! Each lock's exclusion is checked by loom against the memory model, happens-before included, and
//! its fences and orderings by models that fail without them, or the ledger says why none does; order, bounds, progress and deaths by
//! going through every reachable state; and all of it by tests with real threads and processes. See
//! `docs/checkers.md`, `loom-tests/`, `stateright-tests/`, `shuttle-tests/` and `tests/` in the
//! repository. [Memory order](memory_order) has the argument for each fence and each ordering, and
//! what goes wrong without it.
//!
//! Nothing here has run on hardware other than x86-64.

#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(
    not(all(feature = "lock_api", feature = "shared", feature = "arc_lock")),
    allow(rustdoc::broken_intra_doc_links)
)]

pub mod algorithm;
mod atomic;
mod attempt;
mod local;
#[cfg(all(any(doc, doctest), feature = "shared", target_os = "linux"))]
#[doc = include_str!("../docs/forms.md")]
pub mod forms {}
#[cfg(doc)]
#[doc = include_str!("../docs/memory-order.md")]
pub mod memory_order {}
#[cfg(all(
    feature = "shared",
    target_os = "linux",
    target_has_atomic = "64",
    not(bakery_lock_no_rmw)
))]
pub mod shared;
#[cfg(all(
    feature = "std",
    feature = "lock_api",
    target_has_atomic = "64",
    not(bakery_lock_no_rmw)
))]
mod threads;
pub mod wait;

/// The crate whose `Mutex` the drop-in mutexes are, in the version used here.
#[cfg(feature = "lock_api")]
pub use lock_api;

/// The version of `lock_api` that most libraries take a lock of. With it `RawTicket`, `RawBypass` and
/// `RawSlotted` are raw mutexes as well: `lock_api_04::Mutex<RawTicket, T>`.
#[cfg(feature = "lock_api_04")]
pub use lock_api_04;

pub use local::*;

/// The README's code, compiled and run with the other examples.
#[cfg(all(doctest, feature = "lock_api", feature = "shared"))]
#[doc = include_str!("../README.md")]
struct Readme;
