//! The clock of a segment's time stamps: one that all processes of the machine share, and that
//! costs next to nothing to read.

use std::time::{Duration, SystemTime};

use rustix::time::{ClockId, clock_gettime};

/// Since the machine started, as exact as the kernel's tick (1 to 10 ms). Processes in another time
/// namespace are off by its offset.
pub(super) fn now() -> Duration {
    let time = clock_gettime(ClockId::MonotonicCoarse);
    // Neither is negative on this clock.
    let part = |part: i64| part.unsigned_abs();
    Duration::from_secs(part(time.tv_sec)) + Duration::from_nanos(part(time.tv_nsec))
}

/// The same as a number of nanoseconds that is never 0.
pub(super) fn now_as_stamp() -> u64 {
    // 584 years.
    u64::try_from(now().as_nanos()).unwrap_or(u64::MAX).max(1)
}

/// What the calendar said then.
pub(super) fn calendar(stamp: Duration) -> SystemTime {
    let ago = now().saturating_sub(stamp);
    SystemTime::now().checked_sub(ago).unwrap_or(SystemTime::UNIX_EPOCH)
}
