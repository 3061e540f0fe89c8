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

/// Set in a stamp of another run of the machine, whose clock nobody can read any more: the rest are
/// nanoseconds since 1970.
const CALENDAR: u64 = 1 << 63;

/// Nanoseconds since 1970, by the system's clock; 0 if that says that it is earlier.
pub(crate) fn since_1970() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX) & !CALENDAR
}

/// When the segment's clock said 0, in nanoseconds since 1970.
pub(crate) fn began() -> u64 {
    since_1970().saturating_sub(now())
}

/// The same moment, so that it can be told after a restart too. `began`: as in the run of the stamp.
pub(crate) fn keep(stamp: u64, began: u64) -> u64 {
    if stamp & CALENDAR != 0 { stamp } else { began.saturating_add(stamp) | CALENDAR }
}

/// What the calendar said then.
pub(crate) fn calendar(stamp: u64) -> SystemTime {
    if stamp & CALENDAR != 0 {
        let since = Duration::from_nanos(stamp & !CALENDAR);
        return SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH);
    }
    let ago = Duration::from_nanos(now().saturating_sub(stamp));
    SystemTime::now().checked_sub(ago).unwrap_or(SystemTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(miri, ignore = "reads clocks that Miri keeps away")]
    fn a_stamp_that_is_kept_means_the_same_moment() {
        let stamp = now();
        let kept = keep(stamp, began());
        assert_eq!(keep(kept, 5), kept, "kept already");
        let (one, other) = (calendar(stamp), calendar(kept));
        let apart = one.duration_since(other).unwrap_or_else(|error| error.duration());
        assert!(apart < Duration::from_mins(1), "{apart:?}");
        for stamp in [0, 1, u64::MAX, CALENDAR, CALENDAR - 1] {
            calendar(keep(stamp, u64::MAX));
            calendar(stamp);
        }
    }
}
