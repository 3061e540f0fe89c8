//! The clock of a segment's time stamps: one that all processes of the machine share, and that
//! costs next to nothing to read.

use std::time::{Duration, SystemTime};

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds since the machine started, as exact as the kernel's tick (1 to 10 ms), never 0.
/// Processes in another time namespace are off by its offset.
#[inline]
pub(crate) fn now() -> u64 {
    let time = clock_gettime(ClockId::MonotonicCoarse);
    // Neither is negative on this clock, and 64 bits last for 584 years.
    let (seconds, nanoseconds) = (time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs());
    seconds.wrapping_mul(1_000_000_000).wrapping_add(nanoseconds).max(1)
}

/// What the calendar said then.
pub(crate) fn calendar(stamp: u64) -> SystemTime {
    let ago = Duration::from_nanos(now().saturating_sub(stamp));
    SystemTime::now().checked_sub(ago).unwrap_or(SystemTime::UNIX_EPOCH)
}
