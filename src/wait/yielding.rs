//! Yields that come back soon.
//!
//! A waiter that yields leaves its processor to others that wait for the same lock, and has it back when
//! they have done as much: soon. Beside other work a yield gives away a whole time slice, or several, and
//! everybody in line waits for that long. A sleep is better then: whoever is woken goes before those who
//! have run. So each yield is timed. When one was late nobody in this process yields for a while; then one
//! tries again.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

/// A yield is late if it takes as long as so many wake-ups take those who wake. A hand-over by a sleep is
/// about ten of them. A yield among waiters is a few, a time slice a thousand.
const LATE: u32 = 128;

/// What a wake-up takes, until somebody has been woken, in nanoseconds.
const GUESS: u32 = 2_000;

/// The first pause, in lengths of the yield that was late: not much more than it has cost, since it may
/// have been the only one.
const FIRST: u32 = 2;

/// How many times as long each pause is as the last while yields are late.
const GROWTH: u32 = 4;

/// The longest pause, in the same lengths: what trying again costs is a small part of all time then. And in
/// microseconds, so that yields are back soon after others have left the processors.
const LONGEST: u32 = 1_024;
const CAP: u32 = 4_000_000;

/// How many in a row have to come back soon before all yield again: beside one that is always at work,
/// about half of them do.
const GOOD: u32 = 16;

/// What is known of yields lately. Nothing but speed depends on it, so its words need no order, and no
/// model has to see them. Times are in microseconds, and wrap.
#[derive(Debug)]
pub(super) struct Yields {
    /// What a wake-up takes those who wake, in nanoseconds, when they are not interrupted; 0: unknown.
    wake_up: AtomicU32,
    /// How long nobody yields after the last one that was late. 0: it is forgotten.
    pause: AtomicU32,
    /// When the pause is over.
    until: AtomicU32,
    /// How many since have come back soon.
    good: AtomicU32,
}

/// Those of this process.
pub(super) static YIELDS: Yields = Yields::new();

impl Yields {
    const fn new() -> Self {
        Self {
            wake_up: AtomicU32::new(0),
            pause: AtomicU32::new(0),
            until: AtomicU32::new(0),
            good: AtomicU32::new(0),
        }
    }

    /// Yields the processor, unless that has been late lately. Whether it has, and is back soon.
    pub(super) fn try_yield(&self) -> bool {
        let began = now();
        if !self.may_begin(began) {
            return false;
        }
        thread::yield_now();
        self.is_soon(began, now())
    }

    /// Calls what wakes others, and answers how many, and learns what that takes.
    pub(super) fn time_wake_up<E>(&self, wake: impl FnOnce() -> Result<usize, E>) {
        let began = Instant::now();
        if wake().is_ok_and(|woken| woken > 0) {
            self.note_wake_up(began.elapsed());
        }
    }

    /// Whoever wakes may lose its processor to the one woken. So what takes longer counts for less.
    fn note_wake_up(&self, took: Duration) {
        let took = u32::try_from(took.as_nanos()).unwrap_or(u32::MAX).max(1);
        let known = self.wake_up.load(Relaxed);
        let now = match known {
            0 => took,
            _ if took < known => known - (known - took) / 8,
            _ => known.saturating_add((took - known).min(known) / 64),
        };
        self.wake_up.store(now, Relaxed);
    }

    /// From how many microseconds on a yield is late.
    fn limit(&self) -> u32 {
        let wake_up = match self.wake_up.load(Relaxed) {
            0 => GUESS,
            known => known,
        };
        wake_up.saturating_mul(LATE) / 1_000
    }

    /// Whether somebody may yield now. In a pause nobody may, and behind it one at a time.
    fn may_begin(&self, now: u32) -> bool {
        let pause = self.pause.load(Relaxed);
        if pause == 0 {
            return true;
        }
        let left = self.until.load(Relaxed).wrapping_sub(now);
        // More than all of it: it has been over for long.
        let is_over = left == 0 || left > pause;
        if is_over {
            self.until.store(now.wrapping_add(pause), Relaxed);
        }
        is_over
    }

    /// Whether a yield from `began` to `now` was not late; others go by that.
    fn is_soon(&self, began: u32, now: u32) -> bool {
        let took = now.wrapping_sub(began);
        let is_soon = took < self.limit();
        let pause = self.pause.load(Relaxed);
        let since = self.until.load(Relaxed).wrapping_sub(pause);
        if pause == 0 {
            if !is_soon {
                self.rest(took, 0, now);
            }
        } else if began.wrapping_sub(since).cast_signed() < 0 {
            // It began before the last one that was late was back, and is no news.
        } else if is_soon {
            self.trust(now);
        } else {
            self.rest(took, pause, now);
        }
        is_soon
    }

    /// Nobody yields for a while, longer than last time.
    #[cold]
    fn rest(&self, took: u32, last: u32, now: u32) {
        let times = |times| took.saturating_mul(times);
        let pause = last.saturating_mul(GROWTH).clamp(times(FIRST), times(LONGEST)).min(CAP);
        self.pause.store(pause, Relaxed);
        self.until.store(now.wrapping_add(pause), Relaxed);
        self.good.store(0, Relaxed);
    }

    /// Another may try now, or all.
    #[cold]
    fn trust(&self, now: u32) {
        let good = self.good.load(Relaxed).saturating_add(1);
        self.good.store(good, Relaxed);
        if good < GOOD {
            self.until.store(now, Relaxed);
        } else {
            self.pause.store(0, Relaxed);
        }
    }
}

/// Microseconds since this was first asked.
#[expect(clippy::cast_possible_truncation, reason = "they wrap, which those who compare them know")]
fn now() -> u32 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);

    START.elapsed().as_micros() as u32
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{CAP, FIRST, GOOD, GROWTH, LATE, LONGEST, Relaxed, Yields};

    /// A wake-up takes a microsecond.
    const WAKE_UP: Duration = Duration::from_micros(1);
    const SOON: u32 = LATE / 2;
    /// A time slice.
    const SLICE: u32 = 3_000;
    /// Where the clock starts: it wraps soon.
    const START: u32 = u32::MAX - 10_000;

    /// A processor on which a yield takes so long, and a sleep none of it.
    struct Machine {
        yields: Yields,
        now: u32,
    }

    impl Machine {
        fn new() -> Self {
            let yields = Yields::new();
            yields.note_wake_up(WAKE_UP);
            Self { yields, now: START }
        }

        /// A waiter that would yield; the yield takes so long. Whether it is back soon, if it does.
        fn wait(&mut self, takes: u32) -> Option<bool> {
            let began = self.now;
            self.yields.may_begin(began).then(|| {
                self.now = self.now.wrapping_add(takes);
                self.yields.is_soon(began, self.now)
            })
        }

        fn pass(&mut self, time: u32) {
            self.now = self.now.wrapping_add(time);
        }

        /// Passes the time in which nobody yields. How long that is.
        fn pause(&mut self) -> u32 {
            let until = self.yields.until.load(Relaxed);
            let pause = until.wrapping_sub(self.now);
            assert_eq!(self.wait(SOON), None, "in a pause nobody yields");
            self.now = until.wrapping_sub(1);
            assert_eq!(self.wait(SOON), None, "until its end");
            self.now = until;
            pause
        }
    }

    #[test]
    fn waiters_yield_while_yields_come_back_soon() {
        let mut machine = Machine::new();
        assert!((0..1_000).all(|_| machine.wait(SOON) == Some(true)));
    }

    #[test]
    fn nobody_yields_after_one_that_was_late() {
        let mut machine = Machine::new();
        assert_eq!(machine.wait(SLICE), Some(false));
        assert_eq!(machine.wait(SOON), None);
        machine.pass(FIRST * SLICE - 1);
        assert_eq!(machine.wait(SOON), None);
        machine.pass(1);
        assert_eq!(machine.wait(SOON), Some(true));
    }

    #[test]
    fn they_try_again_more_and_more_rarely_while_yields_are_late() {
        let mut machine = Machine::new();
        assert_eq!(machine.wait(SLICE), Some(false));
        let mut last = 0;
        for times in (0..4).map(|late| FIRST * GROWTH.pow(late)) {
            let pause = machine.pause();
            assert_eq!(pause, (times * SLICE).min(CAP));
            assert!(pause > last);
            assert_eq!(machine.wait(SLICE), Some(false), "one tries");
            last = pause;
        }
        let longest = (0..10).map(|_| {
            let pause = machine.pause();
            assert_eq!(machine.wait(SLICE), Some(false));
            pause
        });
        assert_eq!(longest.max(), Some((LONGEST * SLICE).min(CAP)));
    }

    #[test]
    fn trying_again_takes_a_small_part_of_the_time() {
        let mut machine = Machine::new();
        let (mut away, mut all) = (0, 0_u64);
        while all < 60_000_000 {
            let before = machine.now;
            match machine.wait(SLICE) {
                Some(_) => away += u64::from(SLICE),
                None => machine.pass(100),
            }
            all += u64::from(machine.now.wrapping_sub(before));
        }
        assert!(away * 500 < all, "{away} of {all} microseconds");
    }

    #[test]
    fn one_tries_at_a_time() {
        let mut machine = Machine::new();
        assert_eq!(machine.wait(SLICE), Some(false));
        machine.pause();
        let began = machine.now;
        assert!(machine.yields.may_begin(began));
        machine.pass(SOON);
        assert!(!machine.yields.may_begin(machine.now), "another is away");
        assert!(machine.yields.is_soon(began, machine.now));
        assert!(machine.yields.may_begin(machine.now), "it is back");
    }

    #[test]
    fn of_those_away_at_the_same_time_one_counts() {
        let mut machine = Machine::new();
        let began = machine.now;
        assert!((0..8).all(|_| machine.yields.may_begin(began)));
        machine.pass(SLICE);
        for _ in 0..8 {
            assert!(!machine.yields.is_soon(began, machine.now));
            machine.pass(1);
        }
        assert_eq!(machine.pause(), FIRST * SLICE - 8);
    }

    #[test]
    fn all_yield_again_after_many_that_came_back_soon() {
        let mut machine = Machine::new();
        for _ in 0..20 {
            assert_eq!(machine.wait(SLICE), Some(false));
            machine.pause();
        }
        for _ in 0..GOOD {
            assert_eq!(machine.wait(SOON), Some(true), "each that is back lets the next one try");
        }
        assert!((0..8).all(|_| machine.yields.may_begin(machine.now)), "all at once");
        assert_eq!(machine.wait(SLICE), Some(false));
        assert_eq!(machine.pause(), FIRST * SLICE, "what was before is forgotten");
    }

    #[test]
    fn a_few_that_come_back_soon_do_not_make_up_for_those_that_are_late() {
        let mut machine = Machine::new();
        assert_eq!(machine.wait(SLICE), Some(false));
        for times in (0..3).map(|late| GROWTH.pow(late)) {
            assert_eq!(machine.pause(), times * FIRST * SLICE);
            for _ in 1..GOOD {
                assert_eq!(machine.wait(SOON), Some(true));
            }
            assert_eq!(machine.wait(SLICE), Some(false));
        }
    }

    #[test]
    fn no_pause_keeps_yields_away_for_long_after_the_others_have_gone() {
        let mut machine = Machine::new();
        assert_eq!(machine.wait(CAP), Some(false));
        assert_eq!(machine.pause(), CAP);
        assert_eq!(machine.wait(SOON), Some(true));
    }

    #[test]
    fn a_pause_that_is_long_over_is_over() {
        let mut machine = Machine::new();
        assert_eq!(machine.wait(SLICE), Some(false));
        machine.pass(u32::MAX / 2 + FIRST * SLICE);
        assert_eq!(machine.wait(SOON), Some(true));
    }

    #[test]
    fn what_is_late_depends_on_what_a_wake_up_takes() {
        let yields = Yields::new();
        (0..1_000).for_each(|_| yields.note_wake_up(20 * WAKE_UP));
        assert!(yields.is_soon(0, 20 * LATE - 1));
        assert!(!yields.is_soon(0, 20 * LATE));
    }

    #[test]
    fn wake_ups_that_were_interrupted_hardly_count() {
        let yields = Yields::new();
        for number in 0..1_000 {
            let interrupted = number % 3 == 0;
            yields.note_wake_up(if interrupted { 1_000 * WAKE_UP } else { WAKE_UP });
        }
        assert!(yields.limit() < 2 * LATE, "{} microseconds", yields.limit());
    }

    #[test]
    fn only_those_count_who_have_woken_somebody() {
        let yields = Yields::new();
        yields.time_wake_up(|| Ok::<_, ()>(0));
        yields.time_wake_up(|| Err(()));
        assert_eq!(yields.wake_up.load(Relaxed), 0);
        yields.time_wake_up(|| Ok::<_, ()>(1));
        assert_ne!(yields.wake_up.load(Relaxed), 0);
    }
}
