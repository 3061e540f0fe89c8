//! Moments, as people and programs read them.

use std::mem::MaybeUninit;
use std::time::{SystemTime, UNIX_EPOCH};

/// `2026-11-30T14:02:11.204Z`.
pub fn utc(moment: SystemTime) -> String {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    let time = broken_down(moment, libc::gmtime_r);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        i64::from(time.tm_year) + 1900,
        time.tm_mon + 1,
        time.tm_mday,
        time.tm_hour,
        time.tm_min,
        time.tm_sec,
        since.subsec_millis()
    )
}

/// In the local time: `14:02:11`, or `29 Nov` if that is a day ago or more, or to come.
pub fn local(moment: SystemTime) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let time = broken_down(moment, libc::localtime_r);
    let distance =
        SystemTime::now().duration_since(moment).unwrap_or_else(|later| later.duration());
    if distance.as_secs() < 86400 {
        return format!("{:02}:{:02}:{:02}", time.tm_hour, time.tm_min, time.tm_sec);
    }
    let month = usize::try_from(time.tm_mon).ok().and_then(|month| MONTHS.get(month));
    format!("{:2} {}", time.tm_mday, month.unwrap_or(&"?"))
}

type BreakDown = unsafe extern "C" fn(*const libc::time_t, *mut libc::tm) -> *mut libc::tm;

fn broken_down(moment: SystemTime, by: BreakDown) -> libc::tm {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = libc::time_t::try_from(since.as_secs()).unwrap_or(0);
    let mut time = MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: both are alive until the call returns, and it writes to the second one only.
    unsafe { by(&raw const seconds, time.as_mut_ptr()) };
    // SAFETY: all zeros, or what the call has made of it, is a value of this struct.
    unsafe { time.assume_init() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn moments_are_written_as_they_are_used_to() {
        let moment = UNIX_EPOCH + Duration::from_millis(1_796_047_331_204);
        assert_eq!(utc(moment), "2026-11-30T14:02:11.204Z");
        assert_eq!(local(SystemTime::now()).len(), 8);
        assert!(local(SystemTime::now() - Duration::from_hours(48)).contains(' '));
    }
}
