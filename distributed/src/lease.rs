//! Until when a session is sure to live: one clock for all engines.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

/// A session's lease: it ends a little before whoever grants it could end the session.
///
/// It is the sending time of the last renewal that was answered, plus the session's time, less a margin.
/// Once over, it stays so: an answer that comes too late does not bring it back.
#[derive(Debug)]
pub(crate) struct Lease {
    ttl: Duration,
    until: watch::Sender<Until>,
}

#[derive(Clone, Copy, Debug)]
struct Until {
    /// On [`now`]'s clock.
    end: Duration,
    /// The last renewal only said that the session waits, and cannot be asked meanwhile.
    is_unproved: bool,
    /// How often the waiting has ended.
    waits: u64,
}

/// A renewal that has been sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    at: Duration,
    waits: u64,
}

/// How much of a session's time is relied upon: the clocks of machines do not run equally fast, and whoever
/// is told needs a moment to stop.
fn relied_upon(ttl: Duration) -> Duration {
    ttl.saturating_sub(ttl / 20)
}

/// Time that goes on while the machine is suspended, which [`Instant`](std::time::Instant) does not on Linux.
pub(crate) fn now() -> Duration {
    #[cfg(target_os = "linux")]
    let clock = rustix::time::ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let clock = rustix::time::ClockId::Monotonic;
    let now = rustix::time::clock_gettime(clock);
    Duration::new(now.tv_sec.cast_unsigned(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

impl Lease {
    /// Of a session that was asked for at `sent`.
    pub(crate) fn new(ttl: Duration, sent: Duration) -> Self {
        let end = sent.saturating_add(relied_upon(ttl));
        Self { ttl, until: watch::Sender::new(Until { end, is_unproved: false, waits: 0 }) }
    }

    /// For a renewal that is sent now.
    pub(crate) fn sending(&self) -> Sent {
        Sent { at: now(), waits: self.until.borrow().waits }
    }

    /// The session lives.
    pub(crate) fn renewed(&self, sent: Sent) {
        self.extend(sent, false);
    }

    /// The session waits, and cannot be asked meanwhile. Of no use once it has been found to be in: the
    /// engine may have said so before this was sent.
    pub(crate) fn is_busy(&self, sent: Sent) {
        self.extend(sent, true);
    }

    fn extend(&self, sent: Sent, is_unproved: bool) {
        let end = sent.at.saturating_add(relied_upon(self.ttl));
        self.until.send_modify(|until| {
            if now() < until.end && !(is_unproved && until.waits != sent.waits) {
                until.end = until.end.max(end);
                until.is_unproved = is_unproved;
            }
        });
    }

    /// The waiting has ended. Whether the lease is sure; if not, it needs a renewal.
    pub(crate) fn is_sure(&self) -> bool {
        self.until.send_modify(|until| until.waits += 1);
        !self.until.borrow().is_unproved
    }

    /// The session has ended.
    pub(crate) fn end(&self) {
        self.until.send_modify(|until| until.end = Duration::ZERO);
    }

    pub(crate) fn ttl(&self) -> Duration {
        self.ttl
    }

    pub(crate) fn left(&self) -> Duration {
        self.until.borrow().end.saturating_sub(now())
    }

    pub(crate) fn is_over(&self) -> bool {
        self.left().is_zero()
    }

    /// Comes back when it is over.
    pub(crate) async fn over(&self) {
        let mut until = self.until.subscribe();
        loop {
            let left = until.borrow_and_update().end.saturating_sub(now());
            if left.is_zero() {
                return;
            }
            // The sleep does not go on while the machine is suspended, so it is a short one.
            tokio::select! {
                () = sleep(left.min(self.ttl / 4)) => {}
                _ = until.changed() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Lease, now};

    #[test]
    fn ends_before_the_session_could() {
        let ttl = Duration::from_secs(100);
        let lease = Lease::new(ttl, now());
        assert!(lease.left() <= ttl * 19 / 20);
        assert!(!lease.is_over());
    }

    #[test]
    fn of_endless_time_is_one_too() {
        let lease = Lease::new(Duration::MAX, now());
        lease.renewed(lease.sending());
        assert!(!lease.is_over());
    }

    #[test]
    fn is_not_brought_back_by_an_answer_that_comes_too_late() {
        let ttl = Duration::from_secs(100);
        let lease = Lease::new(ttl, now().saturating_sub(ttl));
        assert!(lease.is_over());
        lease.renewed(lease.sending());
        assert!(lease.is_over());
    }

    #[test]
    fn does_not_shrink_by_answers_in_another_order() {
        let ttl = Duration::from_secs(100);
        let lease = Lease::new(ttl, now());
        let (first, second) = (lease.sending(), lease.sending());
        lease.renewed(second);
        let end = lease.until.borrow().end;
        lease.renewed(first);
        assert_eq!(lease.until.borrow().end, end);
    }

    #[test]
    fn of_one_that_waited_is_not_sure_before_it_is_renewed() {
        let lease = Lease::new(Duration::from_secs(100), now());
        assert!(lease.is_sure());
        lease.is_busy(lease.sending());
        assert!(!lease.is_sure());
        lease.renewed(lease.sending());
        assert!(lease.is_sure());
    }

    #[test]
    fn is_not_extended_by_a_wait_that_has_ended() {
        let lease = Lease::new(Duration::from_secs(100), now());
        let sent = lease.sending();
        assert!(lease.is_sure());
        let end = lease.until.borrow().end;
        lease.is_busy(sent);
        assert_eq!(lease.until.borrow().end, end);
        assert!(lease.is_sure());
    }
}
