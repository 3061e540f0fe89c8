//! What the project wants to be true, and whether it is.

mod busy;

use std::fmt;

use crate::Findings;
use crate::alone::Alone;
use crate::field;
use crate::load::Load;

/// One ratio, and what it should be.
pub(crate) struct Target {
    /// Busy loops on each processor.
    pub(crate) loops: usize,
    pub(crate) what: String,
    pub(crate) is: f64,
    pub(crate) should: Should,
}

#[derive(Clone, Copy)]
pub(crate) enum Should {
    BeAtMost(f64),
    BeAtLeast(f64),
}

impl Target {
    pub(crate) fn is_met(&self) -> bool {
        match self.should {
            Should::BeAtMost(most) => self.is <= most,
            Should::BeAtLeast(least) => self.is >= least,
        }
    }
}

impl fmt::Display for Should {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BeAtMost(most) => write!(f, "<= {most}"),
            Self::BeAtLeast(least) => write!(f, ">= {least}"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.is_met() { "met" } else { "NOT MET" };
        let what = match self.loops {
            0 => self.what.clone(),
            loops => format!("beside {loops}, {}", self.what),
        };
        write!(f, "{what:<84} {:>6.2}  {:<7} {verdict}", self.is, self.should.to_string())
    }
}

fn at_most(what: impl Into<String>, is: f64, most: f64) -> Target {
    Target { loops: 0, what: what.into(), is, should: Should::BeAtMost(most) }
}

fn at_least(what: impl Into<String>, is: f64, least: f64) -> Target {
    Target { loops: 0, what: what.into(), is, should: Should::BeAtLeast(least) }
}

pub(crate) fn all(found: &Findings) -> Vec<Target> {
    let mut targets = alone(&found.alone);
    for load in &found.loads {
        if load.loops == 0 {
            load.contests().for_each(|threads| {
                targets.extend(contended(load, threads));
                targets.extend(passable(load, threads));
            });
            targets.extend(processes(load));
        } else {
            let busy = busy::all(load).into_iter();
            targets.extend(busy.map(|it| Target { loops: load.loops, ..it }));
        }
    }
    targets
}

fn alone(all: &[Alone]) -> Vec<Target> {
    if all.is_empty() {
        return Vec::new();
    }
    let time =
        |name: &str| all.iter().find(|it| it.name == name).map_or(f64::NAN, |it| it.nanoseconds);
    let ratio = |of: &str, to: &str| time(of) / time(to);
    let row = |of: &str, to: &str, most| {
        at_most(format!("nobody else there: {of} / {to}"), ratio(of, to), most)
    };
    vec![
        row("Mutex", "std Mutex", 0.55),
        row("Peterson, swap", "std Mutex", 0.55),
        row("Bakery 8, 8 joined", "std Mutex", 0.85),
        row("Bakery 64, 8 joined", "Bakery 8, 8 joined", 1.1),
        row("shared bakery, 8 joined", "pthread robust+shared", 0.8),
        row("shared bakery, 8 joined", "flock", 0.08),
        row("shared ticket, 8 joined", "pthread robust+shared", 0.5),
    ]
}

const OURS: &str = "Mutex";

fn contended(load: &Load, threads: usize) -> Vec<Target> {
    /// One, and a little: threads that come and go sleep too.
    const ONE: f64 = 1.05;

    let of = |wanted: fn(&&field::Result) -> bool| {
        let these = load.results(threads, true).filter(wanted);
        these.map(|it| it.nanoseconds).fold(f64::INFINITY, f64::min)
    };
    let ours = of(|it| it.name == OURS);
    let sleeps = load.results(threads, true).filter(|it| it.name == OURS).map(|it| it.sleeps);
    let others = of(|it| it.keeps_order && !IS_OURS.contains(&it.name));
    let (what, bare, most) = if threads == 2 {
        ("a cache line's way", load.limits.cache_line, 1.3)
    } else {
        ("a futex's way", load.limits.sleepers, 1.2)
    };
    let mut targets = vec![at_most(
        format!("{threads} threads, in order: a hand-over / {what}"),
        ours / bare,
        most,
    )];
    if threads > 2 {
        let what = format!("{threads} threads, in order: sleeps, so wake-ups, a hand-over");
        targets.push(at_most(what, sleeps.sum(), ONE));
    }
    // Where no other takes part that keeps the order, there is nothing to be as good as.
    if others.is_finite() {
        targets.push(at_least(
            format!("{threads} threads, in order: throughput / the best other that keeps order"),
            others / ours,
            1.0,
        ));
    }
    targets
}

/// The lock that may be passed, beside those that may be passed without end.
fn passable(load: &Load, threads: usize) -> Vec<Target> {
    const MANY: usize = 32;

    let of = |name: &str| load.result(threads, name);
    let Some(ours) = of("BypassMutex") else { return Vec::new() };
    let mut targets = Vec::new();
    // Of the lock that tells when somebody has its place in line.
    if let Some(told) = of("Lock, Bypass 64") {
        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
        let passed = told.closer.passed as f64;
        targets.push(at_most(
            format!("{threads} threads: Lock with Bypass, most bypasses of one in line / B"),
            passed / f64::from(field::BYPASSES),
            1.0,
        ));
    }
    for other in ["std Mutex", "parking_lot Mutex"].into_iter().filter_map(of) {
        targets.push(at_least(
            format!("{threads} threads: BypassMutex, throughput / {}", other.name),
            other.nanoseconds / ours.nanoseconds,
            1.0,
        ));
        if threads == MANY {
            #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a fraction of a second")]
            let longest = |it: &field::Result| it.closer.waits.longest() as f64;
            targets.push(at_most(
                format!("{threads} threads: BypassMutex, longest wait / {}", other.name),
                longest(ours) / longest(other),
                0.1,
            ));
        }
    }
    targets
}

const IS_OURS: [&str; 5] =
    [OURS, "Mutex, SpinYield", "Mutex, Spin", "BakeryMutex 64", "BlackWhiteMutex 64"];

fn processes(load: &Load) -> Vec<Target> {
    let mut targets = Vec::new();
    for (micros, in_order) in [(10, 0.95), (1, 0.5)] {
        let of = |lock: &str| load.between(lock, micros);
        let Some(robust) = of("pthread robust+shared") else { continue };
        for lock in ["shared bakery", "shared ticket", "shared bypass"] {
            let Some(ours) = of(lock) else { continue };
            let what = format!("5 processes, {micros} us inside: {lock}");
            let may_pass = lock == "shared bypass";
            targets.push(at_least(
                format!("{what}, throughput / pthread robust+shared"),
                ours.passages / robust.passages,
                if may_pass { 1.0 } else { in_order },
            ));
            if !may_pass {
                targets.push(at_least(format!("{what}, Jain's index"), ours.jain, 0.99));
            }
        }
    }
    targets
}
