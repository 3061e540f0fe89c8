//! What locks cost programs that do something: `cargo bench --bench workloads`.
//!
//! `many locks`: four threads, each passage through a lock chosen at random. They rarely meet, so this
//! is about the memory that a lock takes (its bytes are in its name), and about what the rare meeting
//! costs: if there are fewer than four cores, whoever spins may wait out a time slice. The figure is
//! wall time by passages, of all threads together.
//!
//! `histogram`: rayon's threads put keys into a few buckets, each behind a lock. The figure is the
//! time for all keys. (A program that cares has a histogram for each thread.)

mod support;

use std::array;
use std::hint::black_box;
use std::iter::successors;
use std::sync::Barrier;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput};
use crossbeam_utils::CachePadded;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use support::Subject;
use support::pinning::pinned;
use support::roster::{self, Visitor};

type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// The locks of the roster that have slots have so many. More threads would stand in line for them.
const SLOTS: usize = 8;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    many_locks(group(&mut criterion, "many locks"));
    histogram(group(&mut criterion, "histogram"));
    criterion.final_summary();
}

fn group<'a>(criterion: &'a mut Criterion, name: &str) -> Group<'a> {
    let mut group = criterion.benchmark_group(name);
    group.sampling_mode(SamplingMode::Flat).sample_size(15);
    group.warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_millis(800));
    group
}

/// Xorshift: cheaper than any lock.
fn random(seed: u64) -> impl Iterator<Item = usize> {
    let next = |&number: &u64| {
        let number = number ^ number << 13;
        let number = number ^ number >> 7;
        Some(number ^ number << 17)
    };
    successors(Some(seed), next).map(|number| usize::try_from(number >> 32).unwrap_or(0))
}

/// One passage of a thread that comes without a seat.
#[inline]
fn count<S: Subject>(lock: &S) {
    lock.pass(&mut lock.sit(), |value| *value += 1);
}

fn total<'a, S: Subject + 'a>(locks: impl IntoIterator<Item = &'a S>) -> u64 {
    locks.into_iter().map(|lock| lock.pass(&mut lock.sit(), |value| *value)).sum()
}

/// Of `many locks`.
const THREADS: usize = 4;

fn many_locks(group: Group) {
    let mut many = ManyLocks(group);
    roster::others(&mut many);
    roster::drop_in(&mut many);
    roster::spinning(&mut many);
    many.0.finish();
}

struct ManyLocks<'a>(Group<'a>);

impl Visitor for ManyLocks<'_> {
    fn visit<S: Subject>(&mut self, name: &str) {
        let name = format!("{name}, {} bytes", size_of::<S>());
        for locks in [64, 4096] {
            self.0.bench_function(BenchmarkId::new(&name, locks), |bencher| {
                let locks: Vec<S> = (0..locks).map(|_| S::default()).collect();
                let mut made = 0;
                bencher.iter_custom(|passages| {
                    let each = passages.div_ceil(THREADS as u64);
                    made += each * THREADS as u64;
                    stroll(&locks, each)
                });
                assert_eq!(total(&locks), made, "a passage is lost");
            });
        }
    }
}

/// How long the threads need for so many passages each.
fn stroll<S: Subject>(locks: &[S], passages: u64) -> Duration {
    let start = Barrier::new(THREADS);
    let times = pinned(THREADS, |thread| {
        start.wait();
        let began = Instant::now();
        for (_, number) in (0..passages).zip(random(thread as u64 + 1)) {
            count(&locks[number % locks.len()]);
        }
        (began, Instant::now())
    });
    let began = times.iter().map(|&(began, _)| began).min();
    let ended = times.iter().map(|&(_, ended)| ended).max();
    ended.zip(began).map_or(Duration::ZERO, |(ended, began)| ended - began)
}

fn histogram(mut group: Group) {
    const KEYS: usize = 20_000;

    group.throughput(Throughput::Elements(KEYS as u64));
    let threads = available_parallelism().map_or(1, usize::from).min(SLOTS);
    let threads = ThreadPoolBuilder::new().num_threads(threads).build();
    let threads = threads.expect("threads can be started");
    let mut histogram = Histogram { group, threads, keys: random(1).take(KEYS).collect() };
    roster::others(&mut histogram);
    roster::drop_in(&mut histogram);
    histogram.group.finish();
}

struct Histogram<'a> {
    group: Group<'a>,
    threads: ThreadPool,
    keys: Vec<usize>,
}

impl Visitor for Histogram<'_> {
    fn visit<S: Subject>(&mut self, name: &str) {
        const BUCKETS: usize = 16;

        let Self { group, threads, keys } = self;
        group.bench_function(name, |bencher| {
            let buckets: [CachePadded<S>; BUCKETS] = array::from_fn(|_| CachePadded::default());
            let mut times = 0;
            bencher.iter(|| {
                times += 1;
                let buckets = black_box(&buckets);
                let add = |key: &usize| count(&*buckets[key % BUCKETS]);
                threads.install(|| keys.par_iter().for_each(add));
            });
            let buckets = buckets.iter().map(|bucket| &**bucket);
            assert_eq!(total(buckets), times * keys.len() as u64, "a key is lost");
        });
    }
}
