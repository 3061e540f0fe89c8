//! What a passage costs when threads compete for every one: `cargo bench --bench contended`.
//!
//! The figure is wall time by passages, of all threads together: the inverse of the throughput. The
//! work outside is each thread's own, so it overlaps with others' passages.
//!
//! The sweep is threads by time inside by time outside, for every lock: 282 measurements, in about six
//! minutes. A part of it is chosen by a regular expression on the names:
//! `cargo bench --bench contended -- '1 us inside, 0 us outside/(std |Bypass)?Mutex/4'`.

mod support;

use std::sync::Barrier;
use std::time::{Duration, Instant};

use bakery_lock::algorithm::Ticket;
use bakery_lock::{Lock, PetersonMutex};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, SamplingMode};
use crossbeam_utils::CachePadded;

use support::Subject;
use support::pinning::pinned;
use support::roster::{self, Visitor};
use support::work::busy;

/// What is to be done in each passage, and who competes.
#[derive(Clone, Copy)]
struct Terms {
    inside: Duration,
    outside: Duration,
    threads: usize,
}

/// One length inside, one outside.
struct Sweep<'a> {
    group: BenchmarkGroup<'a, WallTime>,
    inside: Duration,
    outside: Duration,
    threads: &'static [usize],
}

impl Visitor for Sweep<'_> {
    fn visit<S: Subject>(&mut self, name: &str) {
        for &threads in self.threads {
            let terms = Terms { inside: self.inside, outside: self.outside, threads };
            self.group.bench_function(BenchmarkId::new(name, threads), |bencher| {
                bencher.iter_custom(|passages| compete::<S>(terms, passages));
            });
        }
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for inside in [0, 1, 10] {
        for outside in [0, 1] {
            sweep(&mut criterion, inside, outside);
        }
    }
    criterion.final_summary();
}

/// Of so many microseconds.
fn sweep(criterion: &mut Criterion, inside: u64, outside: u64) {
    let name = format!("contended, {inside} us inside, {outside} us outside");
    let mut group = criterion.benchmark_group(name);
    group.sampling_mode(SamplingMode::Flat).sample_size(15);
    group.warm_up_time(Duration::from_millis(150)).measurement_time(Duration::from_millis(600));
    let [inside, outside] = [inside, outside].map(Duration::from_micros);
    let mut sweep = Sweep { group, inside, outside, threads: &[2, 4, 8] };
    roster::others(&mut sweep);
    #[cfg(target_os = "linux")]
    roster::system(&mut sweep);
    roster::drop_in(&mut sweep);
    sweep.visit::<Lock<Ticket<8>, u64>>("Ticket 8");
    sweep.threads = &[2];
    sweep.visit::<PetersonMutex<u64>>("PetersonMutex");
    roster::spinning(&mut sweep);
    sweep.group.finish();
}

/// How long the threads need for so many passages together.
///
/// The value under the lock counts the passages, so all threads compete to the end; were each to
/// make a number of its own, an unfair lock's last threads would have it to themselves. To have
/// them compete from the beginning, the first thread holds the lock until the others have come.
fn compete<S: Subject>(terms: Terms, passages: u64) -> Duration {
    let Terms { inside, outside, threads } = terms;
    let lock = CachePadded::new(S::default());
    let start = Barrier::new(threads);
    let times = pinned(threads, |thread| {
        let mut seat = lock.sit();
        let began = if thread == 0 {
            Some(lock.pass(&mut seat, |_| {
                start.wait();
                std::thread::sleep(Duration::from_millis(1));
                Instant::now()
            }))
        } else {
            start.wait();
            None
        };
        while lock.pass(&mut seat, |made| {
            *made += 1;
            busy(inside);
            *made < passages
        }) {
            busy(outside);
        }
        (began, Instant::now())
    });
    let began = times.iter().find_map(|&(began, _)| began);
    // The first to stop made the last passage that counts; the others' last ones come on top.
    let ended = times.iter().map(|&(_, ended)| ended).min();
    ended.zip(began).map_or(Duration::ZERO, |(ended, began)| ended - began)
}
