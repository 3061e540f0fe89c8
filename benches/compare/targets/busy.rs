//! What is wanted beside busy loops.

use super::{IS_OURS, OURS, Target, at_least, at_most};
use crate::field;
use crate::load::Load;

pub(super) fn all(load: &Load) -> Vec<Target> {
    let mut targets = Vec::new();
    for threads in load.contests() {
        targets.extend(in_order(load, threads));
        targets.extend(passable(load, threads));
    }
    targets.extend(processes(load));
    targets
}

/// The slowest of ours that sleep, and the one that most people take beside the quickest of the others.
fn in_order(load: &Load, threads: usize) -> Vec<Target> {
    const ALL: [&str; 3] = [OURS, "BakeryMutex 64", "BlackWhiteMutex 64"];

    let what = format!("{threads} threads, in order");
    let time = |it: &field::Result| it.nanoseconds;
    let slowest = ALL.iter().filter_map(|name| load.result(threads, name)).map(time);
    let others =
        load.results(threads, true).filter(|it| it.keeps_order && !IS_OURS.contains(&it.name));
    let others = others.map(time).fold(f64::INFINITY, f64::min);
    let mut targets = vec![at_most(
        format!("{what}: the slowest hand-over / a futex's way"),
        slowest.fold(0.0, f64::max) / load.limits.sleepers,
        1.5,
    )];
    // Where no other takes part that keeps the order, there is nothing to be as good as.
    if let Some(ours) = load.result(threads, OURS).map(time).filter(|_| others.is_finite()) {
        let what = format!("{what}: throughput of {OURS} / the best other in order");
        targets.push(at_least(what, others / ours, 1.0));
    }
    targets
}

/// The locks that may be passed, beside one that may be passed without end.
fn passable(load: &Load, threads: usize) -> Vec<Target> {
    const OTHER: &str = "parking_lot Mutex";

    let what = format!("{threads} threads");
    let of = |name: &str| load.result(threads, name);
    let mut targets = Vec::new();
    // Of the lock that tells when somebody has its place in line.
    if let Some(told) = of("Lock, Bypass 64") {
        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
        let passed = told.closer.passed as f64;
        let what = format!("{what}: Lock with Bypass, most bypasses of one in line / B");
        targets.push(at_most(what, passed / f64::from(field::BYPASSES), 1.0));
    }
    if let (Some(ours), Some(other)) = (of("BypassMutex"), of(OTHER)) {
        let ratio = other.nanoseconds / ours.nanoseconds;
        targets.push(at_least(format!("{what}: BypassMutex, throughput / {OTHER}"), ratio, 1.0));
        #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a few seconds")]
        let longest = |it: &field::Result| it.closer.waits.longest() as f64;
        targets.push(at_most(
            format!("{what}: BypassMutex, longest wait / {OTHER}"),
            longest(ours) / longest(other),
            0.5,
        ));
    }
    targets
}

fn processes(load: &Load) -> Vec<Target> {
    const OTHER: &str = "pthread robust+shared";

    let mut targets = Vec::new();
    for (micros, least) in [(10, 0.5), (1, 0.1)] {
        let Some(robust) = load.between(OTHER, micros) else { continue };
        let what = |lock| format!("5 processes, {micros} us inside: {lock}");
        for lock in ["shared bakery", "shared ticket"] {
            let Some(ours) = load.between(lock, micros) else { continue };
            targets.push(at_least(
                format!("{}, throughput / {OTHER}", what(lock)),
                ours.passages / robust.passages,
                least,
            ));
            targets.push(at_least(format!("{}, Jain's index", what(lock)), ours.jain, 0.99));
        }
        let lock = "shared bypass";
        let Some(ours) = load.between(lock, micros) else { continue };
        targets.push(at_least(
            format!("{}, throughput / {OTHER}", what(lock)),
            ours.passages / robust.passages,
            1.0,
        ));
        targets.push(at_most(
            format!("{}, longest wait / {OTHER}", what(lock)),
            ours.longest / robust.longest,
            0.5,
        ));
    }
    targets
}
