//! Those who compete, on a quiet machine and on a busy one.

use std::sync::atomic::AtomicU32;
use std::time::Duration;

use crate::between::{self, Between};
use crate::contest::Terms;
use crate::field;
use crate::ground::Ground;
use crate::limits;
use crate::stats::median;
use crate::support::loops::Loops;

/// What was measured beside so many busy loops on each processor.
pub(crate) struct Load {
    pub(crate) loops: usize,
    pub(crate) limits: Limits,
    pub(crate) contests: Vec<Vec<field::Result>>,
    pub(crate) processes: Vec<Between>,
}

/// What nobody can do without: medians, in nanoseconds.
pub(crate) struct Limits {
    /// One way between two cores.
    pub(crate) cache_line: f64,
    pub(crate) sleepers: f64,
    /// One way between two threads on one core.
    pub(crate) yields: f64,
    /// The longest that somebody who waits for nobody is held up.
    pub(crate) held_up: f64,
}

impl Load {
    /// The numbers of threads that competed, pinned.
    pub(crate) fn contests(&self) -> impl Iterator<Item = usize> {
        let terms = self.contests.iter().filter_map(|it| it.first()).map(|it| it.terms);
        terms.filter(|it| it.pinned).map(|it| it.threads)
    }

    pub(crate) fn results(
        &self,
        threads: usize,
        pinned: bool,
    ) -> impl Iterator<Item = &field::Result> {
        let all = self.contests.iter().flatten();
        all.filter(move |it| it.terms.threads == threads && it.terms.pinned == pinned)
    }

    pub(crate) fn result(&self, threads: usize, lock: &str) -> Option<&field::Result> {
        self.results(threads, true).find(|it| it.name == lock)
    }

    pub(crate) fn between(&self, lock: &str, micros: u64) -> Option<&Between> {
        self.processes.iter().find(|it| it.is(lock, micros))
    }
}

/// How often, and for how long. By time, not by passages: on a busy machine one may take as long as a
/// time slice, or several.
struct Effort {
    rounds: usize,
    /// Of a round.
    length: Duration,
    closer: Duration,
    line_up: Duration,
    limit: Duration,
    rounds_between: usize,
}

impl Effort {
    fn of(loops: usize, quick: bool) -> Self {
        let ms = Duration::from_millis;
        let [length, closer, line_up, limit] = match (quick, loops) {
            (true, _) => [5, 5, 5, 5],
            (false, 0) => [150, 150, 5, 50],
            // Several time slices of everybody.
            (false, _) => [250, 1_000, 50, 150],
        }
        .map(ms);
        let [rounds, rounds_between] = match (quick, loops) {
            (true, _) => [1, 1],
            (false, 0) => [9, 7],
            (false, _) => [5, 5],
        };
        Self { rounds, length, closer, line_up, limit, rounds_between }
    }
}

pub(crate) fn measure(loops: usize, quick: bool) -> Load {
    let beside = if loops == 0 { String::new() } else { format!(", beside {loops} loops a CPU") };
    let effort = Effort::of(loops, quick);
    let _loops = Loops::start(loops);
    eprintln!("limits{beside} ...");
    let mut ground = Ground::new(effort.rounds);
    let limits = limits(&effort, &mut ground);
    let contest = |(threads, pinned)| {
        eprintln!("{threads} threads{}{beside} ...", if pinned { ", pinned" } else { "" });
        let Effort { length, closer, line_up, .. } = effort;
        field::contest(Terms { threads, pinned, length, closer, line_up }, &mut ground)
    };
    let mut cases = vec![(2, true), (8, true), (32, true)];
    if loops == 0 {
        cases.extend([(2, false), (8, false)]);
    }
    let contests = cases.into_iter().map(contest).collect();
    eprintln!("{} processes{beside} ...", between::PROCESSES);
    let processes = between::measure(effort.rounds_between, effort.length);
    Load { loops, limits, contests, processes }
}

fn limits(effort: &Effort, ground: &mut Ground) -> Limits {
    let mut several = |one: fn(&AtomicU32, Duration) -> f64| {
        let round = |round| ground.with(round, |turn| one(turn, effort.limit));
        median((0..effort.rounds).map(round).collect())
    };
    Limits {
        cache_line: several(limits::cache_line),
        sleepers: several(limits::sleepers),
        yields: several(limits::yields),
        held_up: several(|_, length| limits::held_up(length)),
    }
}
