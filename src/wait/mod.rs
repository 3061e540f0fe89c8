//! How a waiter waits: [`Spin`], [`SpinYield`] or [`Park`].
//!
//! Knows nothing of algorithms, threads or processes. A blocked participant hands a [`Wait`] the
//! question whether it is still blocked, where it could sleep, and how often it has waited before.

#[cfg(target_has_atomic = "32")]
#[cfg_attr(not(feature = "std"), allow(dead_code, reason = "only with std somebody sleeps"))]
mod channel;
#[cfg(all(feature = "std", target_os = "linux"))]
mod futex;
mod notice;
#[cfg(all(feature = "std", target_os = "linux"))]
mod yielding;

use core::time::Duration;

#[cfg(all(feature = "std", target_os = "linux"))]
use crate::algorithm::Place;
use crate::algorithm::{Blocked, Wake};
use crate::atomic::{SeqCst, fence, fence_after_rmw, spin_loop};

#[cfg(target_has_atomic = "32")]
#[cfg_attr(not(feature = "std"), allow(unused_imports, reason = "as above"))]
pub(crate) use channel::{Channel, Futex};
#[cfg(all(feature = "std", target_os = "linux"))]
pub(crate) use futex::Private;
#[cfg(all(feature = "shared", target_os = "linux", not(bakery_lock_no_rmw)))]
pub(crate) use futex::Shared;
pub(crate) use notice::Notice;
#[allow(unused_imports, reason = "models have their own")]
pub(crate) use notice::QUIET;
#[cfg(all(feature = "std", target_os = "linux"))]
use yielding::YIELDS;

/// The waiting that a lock does unless told otherwise: [`Park`] with `std` on Linux, [`SpinYield`]
/// with `std` elsewhere, [`Spin`] without.
#[cfg(all(feature = "std", target_os = "linux"))]
pub type DefaultWait = Park;
/// The waiting that a lock does unless told otherwise: [`Park`] with `std` on Linux, [`SpinYield`]
/// with `std` elsewhere, [`Spin`] without.
#[cfg(all(feature = "std", not(target_os = "linux")))]
pub type DefaultWait = SpinYield;
/// The waiting that a lock does unless told otherwise: [`Park`] with `std` on Linux, [`SpinYield`]
/// with `std` elsewhere, [`Spin`] without.
#[cfg(not(feature = "std"))]
pub type DefaultWait = Spin;

/// Until when a waiter waits.
pub trait Deadline {
    /// The time left: `None` when it is over, `Duration::MAX` when there is no end.
    fn left(&self) -> Option<Duration>;
}

/// No deadline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Never;

impl Deadline for Never {
    #[inline]
    fn left(&self) -> Option<Duration> {
        Some(Duration::MAX)
    }
}

#[cfg(feature = "std")]
impl Deadline for std::time::Instant {
    #[inline]
    fn left(&self) -> Option<Duration> {
        self.checked_duration_since(Self::now()).filter(|left| !left.is_zero())
    }
}

/// Where waiters sleep, by channel.
pub trait Lot {
    /// Sleeps on a channel, unless `still` answers false once whoever wakes that channel would be
    /// heard. May return at any time; returns after `at_most` (`Duration::MAX`: no limit). For
    /// locks between threads it returns at once without `std`, or on other systems than Linux.
    fn sleep(&self, channel: u32, still: impl Fn() -> bool, at_most: Duration);

    /// Wakes whoever sleeps on a channel. To be called after a `SeqCst` fence that follows the
    /// write that they wait for.
    fn wake(&self, channel: u32);

    /// Wakes whoever sleeps on a channel, if there is one to be found, before there is a need to.
    #[inline]
    fn wake_early(&self, find: impl FnOnce() -> Option<u32>) {
        let _ = find;
    }

    /// Whether the owner of the lock, which is about to leave, has to fence and wake at all: no
    /// only if nobody sleeps for longer than a moment. To be asked before it leaves.
    #[inline]
    fn owner_wakes(&self) -> bool {
        true
    }
}

/// A way of passing the time between two looks.
///
/// Whoever implements it cannot break a lock's exclusion, only its progress: `wait` has to return
/// some time after `still` has become false.
///
/// ```
/// use bakery_lock::algorithm::{BlackWhite, Blocked};
/// use bakery_lock::wait::{Deadline, Lot, Wait};
/// use bakery_lock::Lock;
///
/// /// Lets the processor idle between looks, on a board without an operating system.
/// struct Rest;
///
/// # mod board { pub(crate) fn idle_a_moment() {} }
/// impl Wait for Rest {
///     const SLEEPS: bool = false;
///
///     fn wait<L: Lot>(
///         _: &L,
///         _: Blocked,
///         _: u32,
///         still: impl Fn() -> bool,
///         deadline: &impl Deadline,
///     ) {
///         while still() && deadline.left().is_some() {
///             board::idle_a_moment();
///         }
///     }
///
///     fn pause() {
///         board::idle_a_moment();
///     }
/// }
///
/// let mut lock: Lock<BlackWhite<2>, u32, Rest> = Lock::new(0);
/// for mut core in lock.split() {
///     *core.lock() += 1;
/// }
/// assert_eq!(lock.into_inner(), 2);
/// ```
pub trait Wait {
    /// Whether waiters may sleep, so that whoever writes what they wait for has to wake them. With
    /// `false` nobody does, and [`wait`](Self::wait) must not call [`Lot::sleep`].
    const SLEEPS: bool;

    /// Returns when `still` answers false, or when the deadline is over, or for no reason. The attempt
    /// has polled a moment before, and polls again in each case, to see where it stands.
    ///
    /// The place to sleep is `by`'s channel. `waits` is how often this attempt has waited before: a
    /// [`Park`] that is told 0 each time never sleeps at [`Place::Near`](crate::algorithm::Place).
    fn wait<L: Lot>(
        lot: &L,
        by: Blocked,
        waits: u32,
        still: impl Fn() -> bool,
        deadline: &impl Deadline,
    );

    /// Passes a moment when there is nothing to look at. Must not panic.
    fn pause();

    /// Passes a shorter moment, in which somebody else may run. Must not panic.
    #[inline]
    fn give_way() {
        spin_loop();
    }
}

/// Spins. For `no_std`, and for waits known to be shorter than a context switch, with a processor
/// for each waiter.
///
/// Beside other work, and with more waiters than processors, a waiter spins its time slice away while
/// the one that it waits for has none: a hand-over takes a turn of all who want that processor, each for
/// a time slice (some milliseconds).
///
/// Not for real-time priorities (`SCHED_FIFO`, `SCHED_RR`) on one processor: a waiter keeps it from a
/// thread of lower priority that is inside, for ever.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spin;

impl Wait for Spin {
    const SLEEPS: bool = false;

    #[inline]
    fn wait<L: Lot>(_: &L, _: Blocked, _: u32, still: impl Fn() -> bool, deadline: &impl Deadline) {
        loop {
            spin_loop();
            if !still() || deadline.left().is_none() {
                return;
            }
        }
    }

    #[inline]
    fn pause() {
        spin_loop();
    }
}

/// Spins a little longer each time, then yields the processor between looks.
///
/// For machines where nothing else wants the processors. Beside other work a yield gives a time slice
/// (some milliseconds) away, or several, and a hand-over waits for that; `Park` sees it, and sleeps.
///
/// Not for real-time priorities on one processor: a yield passes it to threads of the same priority only,
/// so a waiter keeps it from one of lower priority that is inside, for ever.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug, Default)]
pub struct SpinYield;

#[cfg(feature = "std")]
impl Wait for SpinYield {
    const SLEEPS: bool = false;

    #[inline]
    fn wait<L: Lot>(_: &L, _: Blocked, _: u32, still: impl Fn() -> bool, deadline: &impl Deadline) {
        let backoff = crossbeam_utils::Backoff::new();
        loop {
            backoff.snooze();
            if !still() || deadline.left().is_none() {
                return;
            }
        }
    }

    #[inline]
    fn pause() {
        std::thread::yield_now();
    }

    #[inline]
    fn give_way() {
        std::thread::yield_now();
    }
}

/// Spins or yields for a while, then sleeps in the kernel until woken: with more waiters than
/// processors, those who wait leave the processors to those who work. Whoever is next spins for
/// longer than those behind, and yields now and then; those near yield, and see each time whether
/// they are next; all sleep in the end. The next one is woken when the one before it goes in, where
/// the algorithm knows whom to wake, so that it is there when its turn comes. Whoever may be passed
/// looks rarely, and then sleeps. Whoever cannot get into the line yet looks every 100 µs.
///
/// Waiters in line yield only while yields come back soon. Beside other work a yield gives a time slice
/// away, or several, and all in line wait for that; who sleeps is let in at once when woken. So each yield is
/// timed. After one that took much longer than waking somebody takes, nobody in the process yields for
/// twice as long; then one tries again. While it is late each pause is four times the last, up to
/// 1,024 times what the yield took, or 4 s. Sixteen in a row that are not late end the pauses.
///
/// With real-time priorities on one processor a waiter leaves it, some time, to a thread of lower
/// priority that is inside. Nothing raises that thread's priority, so others in between go first.
#[cfg(all(feature = "std", target_os = "linux"))]
#[derive(Clone, Copy, Debug, Default)]
pub struct Park;

#[cfg(all(feature = "std", target_os = "linux"))]
impl Wait for Park {
    const SLEEPS: bool = true;

    #[inline]
    fn wait<L: Lot>(
        lot: &L,
        by: Blocked,
        waits: u32,
        still: impl Fn() -> bool,
        deadline: &impl Deadline,
    ) {
        /// For the next one in: as long as some hand-overs between those who run.
        const NEXT: u32 = 100;
        /// And then, so many times: it yields, since the one before may wait for this processor, and
        /// looks for twice as long, since whoever does nothing but yield is away when its turn comes.
        const TURNS: u32 = 8;
        /// For those near, in their first so many waits: they yield, about as often as it takes for
        /// their turn to come if the others do no more than lock and unlock. Without this each of
        /// them would be put to sleep and woken.
        const NEAR: u32 = 30;
        /// For the others: just long enough to see somebody out of a doorway.
        const BEHIND: u32 = 10;

        /// For the first in line at a gate: how long it lets others pass between two looks, since a
        /// look hinders whoever is inside; and how often it looks, since once it is in, the next one
        /// has to be woken.
        const PATIENCE: u32 = 100;
        const LOOKS: u32 = 20;

        let looks = |times, pauses| {
            (0..times).any(|_| {
                (0..pauses).for_each(|_| spin_loop());
                !still()
            })
        };
        let is_over = match by.place {
            Place::Next => {
                looks(NEXT, 1)
                    || (0..TURNS)
                        .take_while(|_| YIELDS.try_yield())
                        .any(|_| deadline.left().is_none() || looks(2 * NEXT, 1))
            }
            // It may be the next one now, and wait as such.
            Place::Near if waits < NEAR && YIELDS.try_yield() => true,
            Place::Near | Place::Behind => looks(BEHIND, 1),
            Place::Gate => looks(LOOKS, PATIENCE),
        };
        if is_over {
            return;
        }
        while let Some(left) = deadline.left() {
            lot.sleep(by.channel, &still, left);
            // Once: whoever is woken may be the next one now, and wait as such. At a gate it was that
            // before, and has looked often enough.
            if by.place != Place::Gate || !still() {
                return;
            }
        }
    }

    fn pause() {
        std::thread::sleep(Duration::from_micros(100));
    }

    #[inline]
    fn give_way() {
        std::thread::yield_now();
    }
}

/// Wakes those who sleep in a lot, if the way of waiting is one that sleeps.
pub(crate) struct Waker<L, W> {
    lot: L,
    wait: core::marker::PhantomData<W>,
}

impl<L: Lot, W: Wait> Waker<L, W> {
    #[inline]
    pub(crate) fn new(lot: L) -> Self {
        Self { lot, wait: core::marker::PhantomData }
    }
}

/// The fences order a write before the look for sleepers; the sleeper's own fence stands between
/// its announcement and its last look. Cut: each looks before it can see the other, and the sleeper
/// sleeps for ever.
impl<L: Lot, W: Wait> Wake for Waker<L, W> {
    #[inline]
    fn fence(&self) {
        if W::SLEEPS {
            fence(SeqCst);
        }
    }

    #[inline]
    fn fence_after_rmw(&self) {
        if W::SLEEPS {
            fence_after_rmw();
        }
    }

    #[inline]
    fn wake(&self, channel: u32) {
        if W::SLEEPS {
            self.lot.wake(channel);
        }
    }

    #[inline]
    fn wake_early(&self, find: impl FnOnce() -> Option<u32>) {
        if W::SLEEPS {
            self.lot.wake_early(find);
        }
    }

    #[inline]
    fn is_needed(&self) -> bool {
        W::SLEEPS
    }
}
