//! What there is to do, with a lock held or without.

use std::time::{Duration, Instant};

/// Keeps the processor busy for so long.
#[inline]
pub(crate) fn busy(time: Duration) {
    if !time.is_zero() {
        let start = Instant::now();
        while start.elapsed() < time {}
    }
}
