//! When to end a command: when its time is over, or when what it needs is about to be lost.

use std::time::{Duration, Instant};

use libc::{SIGKILL, SIGTERM, c_int};

/// How long it may run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limit {
    pub max_time: Option<Duration>,
    pub kill_after: Duration,
}

/// What it needs, and may not outlive: it gets TERM when no more than `grace` is left of it, and KILL when
/// nothing is.
#[derive(Clone, Copy)]
pub struct Loss<'a> {
    /// How much is left: less and less, and more again at each renewal.
    pub left: &'a dyn Fn() -> Duration,
    pub grace: Duration,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Send(c_int),
    /// For so long, or for as long as it takes. `left` is what it needs, if that can be lost.
    Wait {
        time: Option<Duration>,
        left: Option<Duration>,
    },
}

/// A command's end, as it comes.
pub struct Ending<'a> {
    deadline: Option<Instant>,
    kill_after: Duration,
    loss: Option<Loss<'a>>,
    pub is_time_over: bool,
    /// It has got TERM because of what it needs.
    is_told: bool,
    /// It has got KILL because of that.
    is_killed: bool,
}

impl<'a> Ending<'a> {
    pub fn new(begin: Instant, limit: Limit, loss: Option<Loss<'a>>) -> Self {
        Self {
            deadline: limit.max_time.and_then(|time| begin.checked_add(time)),
            kill_after: limit.kill_after,
            loss,
            is_time_over: false,
            is_told: false,
            is_killed: false,
        }
    }

    /// Whether what it needs is lost, or was about to be when it was told to end.
    pub fn is_lost(&self) -> bool {
        self.is_told || self.loss.is_some_and(|loss| (loss.left)().is_zero())
    }

    pub fn step(&mut self, now: Instant) -> Step {
        let left = self.loss.filter(|_| !self.is_killed).map(|loss| ((loss.left)(), loss.grace));
        if let Some((left, grace)) = left {
            if left.is_zero() {
                (self.is_told, self.is_killed) = (true, true);
                return Step::Send(SIGKILL);
            }
            if left <= grace && !self.is_told {
                self.is_told = true;
                return Step::Send(SIGTERM);
            }
        }
        let until_over = self.deadline.map(|deadline| deadline.saturating_duration_since(now));
        if until_over.is_some_and(|time| time.is_zero()) {
            let signal = if self.is_time_over { SIGKILL } else { SIGTERM };
            let again = now.checked_add(self.kill_after);
            self.deadline = again.filter(|_| !self.is_time_over);
            self.is_time_over = true;
            return Step::Send(signal);
        }
        let until_lost =
            left.map(|(left, grace)| if self.is_told { left } else { left.saturating_sub(grace) });
        let time = until_over.into_iter().chain(until_lost).min();
        Step::Wait { time, left: left.map(|(left, _)| left) }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn waits(time: u32, left: u32) -> Step {
        Step::Wait { time: Some(S * time), left: Some(S * left) }
    }

    #[test]
    fn what_is_lost_ends_it_in_two_steps() {
        let (begin, left) = (Instant::now(), Cell::new(S * 9));
        let loss = Loss { left: &|| left.get(), grace: S * 3 };
        let mut ending = Ending::new(begin, Limit::default(), Some(loss));
        assert_eq!(ending.step(begin), waits(6, 9));
        // Renewed.
        left.set(S * 10);
        assert_eq!(ending.step(begin), waits(7, 10));
        left.set(S * 3);
        assert_eq!(ending.step(begin), Step::Send(SIGTERM));
        assert_eq!(ending.step(begin), waits(3, 3));
        // Renewed after all: it has been told to end, once.
        left.set(S * 9);
        assert_eq!(ending.step(begin), waits(9, 9));
        left.set(S);
        assert_eq!(ending.step(begin), waits(1, 1));
        left.set(Duration::ZERO);
        assert_eq!(ending.step(begin), Step::Send(SIGKILL));
        assert_eq!(ending.step(begin), Step::Wait { time: None, left: None });
        assert!(ending.is_lost() && !ending.is_time_over);
    }

    #[test]
    fn what_is_lost_at_once_kills_at_once() {
        let loss = Loss { left: &|| Duration::ZERO, grace: S };
        let mut ending = Ending::new(Instant::now(), Limit::default(), Some(loss));
        assert_eq!(ending.step(Instant::now()), Step::Send(SIGKILL));
    }

    #[test]
    fn a_time_that_is_over_ends_it_in_two_steps() {
        let begin = Instant::now();
        let limit = Limit { max_time: Some(S * 5), kill_after: S * 2 };
        let mut ending = Ending::new(begin, limit, None);
        let waits = |time| Step::Wait { time: Some(S * time), left: None };
        assert_eq!(ending.step(begin), waits(5));
        assert_eq!(ending.step(begin + S * 5), Step::Send(SIGTERM));
        assert_eq!(ending.step(begin + S * 6), waits(1));
        assert_eq!(ending.step(begin + S * 7), Step::Send(SIGKILL));
        assert_eq!(ending.step(begin + S * 7), Step::Wait { time: None, left: None });
        assert!(ending.is_time_over && !ending.is_lost());
    }

    #[test]
    fn whichever_comes_first_ends_it() {
        let begin = Instant::now();
        let limit = Limit { max_time: Some(S * 5), kill_after: S * 60 };
        let left = Cell::new(S * 9);
        let loss = Loss { left: &|| left.get(), grace: S * 3 };
        let mut ending = Ending::new(begin, limit, Some(loss));
        assert_eq!(ending.step(begin), waits(5, 9));
        assert_eq!(ending.step(begin + S * 5), Step::Send(SIGTERM));
        // It is killed when there is nothing left, whatever time it had.
        left.set(Duration::ZERO);
        assert_eq!(ending.step(begin + S * 6), Step::Send(SIGKILL));
    }
}
