//! What the benchmarks measure: every lock behind one trait.

#![allow(dead_code, unused_imports, reason = "no benchmark uses all of it")]

#[cfg(target_os = "linux")]
pub(crate) mod again;
#[cfg(target_os = "linux")]
pub(crate) mod loops;
#[cfg(target_os = "linux")]
pub(crate) mod peers;
pub(crate) mod pinning;
#[cfg(target_os = "linux")]
pub(crate) mod processes;
pub(crate) mod roster;
#[cfg(target_os = "linux")]
pub(crate) mod shared;
pub(crate) mod work;

use std::sync::PoisonError;

use bakery_lock::wait::Wait;
use bakery_lock::{Fixed, Lock, Participant};
use parking_lot::lock_api;

/// A lock around a number.
pub(crate) trait Subject: Default + Sync {
    /// What a thread has to have at hand for each passage: a participant, a queue node, or nothing.
    type Seat<'a>
    where
        Self: 'a;

    /// To be called by the thread that passes.
    fn sit(&self) -> Self::Seat<'_>;

    /// Locks, runs the section, unlocks.
    fn pass<R>(&self, seat: &mut Self::Seat<'_>, section: impl FnOnce(&mut u64) -> R) -> R;

    /// The same, and says when this thread has its place in line; before it comes, if the lock does
    /// not tell.
    #[inline]
    fn pass_in_line<R>(
        &self,
        seat: &mut Self::Seat<'_>,
        in_line: impl FnOnce(),
        section: impl FnOnce(&mut u64) -> R,
    ) -> R {
        in_line();
        self.pass(seat, section)
    }
}

impl Subject for std::sync::Mutex<u64> {
    type Seat<'a> = ();

    fn sit(&self) {}

    #[inline]
    fn pass<R>(&self, (): &mut (), section: impl FnOnce(&mut u64) -> R) -> R {
        section(&mut self.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The drop-in mutexes of this library, and `parking_lot`'s.
impl<M: lock_api::RawMutex + Sync> Subject for lock_api::Mutex<M, u64> {
    type Seat<'a>
        = ()
    where
        M: 'a;

    fn sit(&self) {}

    #[inline]
    fn pass<R>(&self, (): &mut (), section: impl FnOnce(&mut u64) -> R) -> R {
        section(&mut self.lock())
    }
}

/// The explicit form: a participant for each thread.
impl<A: Fixed + Sync, W: Wait> Subject for Lock<A, u64, W> {
    type Seat<'a>
        = Participant<'a, A, u64, W>
    where
        Self: 'a;

    fn sit(&self) -> Self::Seat<'_> {
        self.join().expect("room for every thread of a benchmark")
    }

    #[inline]
    fn pass<R>(&self, seat: &mut Self::Seat<'_>, section: impl FnOnce(&mut u64) -> R) -> R {
        section(&mut seat.lock())
    }

    #[inline]
    fn pass_in_line<R>(
        &self,
        seat: &mut Self::Seat<'_>,
        in_line: impl FnOnce(),
        section: impl FnOnce(&mut u64) -> R,
    ) -> R {
        let waiting = seat.enter();
        in_line();
        section(&mut waiting.wait())
    }
}

/// `spin` is without its own `lock_api` feature here, so it has a mutex of its own.
impl<R: spin::RelaxStrategy + 'static> Subject for spin::mutex::TicketMutex<u64, R> {
    type Seat<'a> = ();

    fn sit(&self) {}

    #[inline]
    fn pass<T>(&self, (): &mut (), section: impl FnOnce(&mut u64) -> T) -> T {
        section(&mut self.lock())
    }
}

/// The strictly fair MCS lock of `mcslock`; its drop-in form lets others barge in.
impl<R: mcslock::relax::Relax + 'static> Subject for mcslock::raw::Mutex<u64, R> {
    type Seat<'a> = mcslock::raw::MutexNode;

    fn sit(&self) -> Self::Seat<'_> {
        mcslock::raw::MutexNode::new()
    }

    #[inline]
    fn pass<T>(&self, seat: &mut Self::Seat<'_>, section: impl FnOnce(&mut u64) -> T) -> T {
        self.lock_with_then(seat, section)
    }
}
