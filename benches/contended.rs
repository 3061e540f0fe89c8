//! What a passage costs when threads compete for every one: `cargo bench --bench contended`.
//!
//! The figure is wall time by passages, of all threads together: the inverse of the throughput.
//! Each thread is pinned, to one core after the other: with more threads than cores the scheduler
//! would otherwise let a few of them run at a time, and the figure would be about time slices
//! instead of hand-overs.

mod support;

use std::sync::Barrier;
use std::time::{Duration, Instant};

use bakery_lock::wait::Spin;
use bakery_lock::{BakeryMutex, BlackWhiteMutex, BypassMutex, Mutex, TournamentMutex};
use criterion::{BenchmarkId, Criterion, SamplingMode};
use crossbeam_utils::CachePadded;

use support::pinning::pin;
use support::{Subject, UnlockedFairly};

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for (name, work) in [("no work", Duration::ZERO), ("1 us of work", Duration::from_micros(1))] {
        let mut scene = Scene { criterion: &mut criterion, name, work };
        scene.every::<std::sync::Mutex<u64>>("std Mutex");
        scene.every::<parking_lot::Mutex<u64>>("parking_lot Mutex");
        scene.every::<UnlockedFairly>("parking_lot Mutex, fair unlock");
        scene.every::<Mutex<u64>>("Mutex");
        scene.every::<BypassMutex<u64>>("BypassMutex");
        scene.every::<BakeryMutex<u64, 8>>("BakeryMutex 8");
        scene.every::<BlackWhiteMutex<u64, 8>>("BlackWhiteMutex 8");
        scene.every::<TournamentMutex<u64, 8>>("TournamentMutex 8");
        scene.two::<Mutex<u64, Spin>>("Mutex, Spin");
        scene.two::<BakeryMutex<u64, 8, Spin>>("BakeryMutex 8, Spin");
        scene.two::<spin::mutex::TicketMutex<u64>>("spin TicketMutex");
        scene.two::<mcslock::raw::spins::Mutex<u64>>("mcslock raw Mutex");
    }
    criterion.final_summary();
}

/// How much there is to do with the lock held.
struct Scene<'a> {
    criterion: &'a mut Criterion,
    name: &'static str,
    work: Duration,
}

impl Scene<'_> {
    fn every<S: Subject>(&mut self, lock: &str) {
        self.measure::<S>(lock, &[2, 4, 8]);
    }

    /// For locks whose waiters never leave their core: with more threads than cores these wait out
    /// whole time slices.
    fn two<S: Subject>(&mut self, lock: &str) {
        self.measure::<S>(lock, &[2]);
    }

    fn measure<S: Subject>(&mut self, lock: &str, threads: &[usize]) {
        let mut group = self.criterion.benchmark_group(format!("contended, {}", self.name));
        group.sampling_mode(SamplingMode::Flat).sample_size(15);
        group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
        for &threads in threads {
            group.bench_function(BenchmarkId::new(lock, threads), |bencher| {
                bencher.iter_custom(|passages| compete::<S>(threads, passages, self.work));
            });
        }
        group.finish();
    }
}

/// How long so many threads need for so many passages together.
///
/// The value under the lock counts the passages, so all threads compete to the end; were each to
/// make a number of its own, an unfair lock's last threads would have it to themselves. To have
/// them compete from the beginning, the first thread holds the lock until the others have come.
fn compete<S: Subject>(threads: usize, passages: u64, work: Duration) -> Duration {
    let lock = CachePadded::new(S::default());
    let start = Barrier::new(threads);
    let compete = |thread| {
        pin(thread);
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
            busy(work);
            *made < passages
        }) {}
        (began, Instant::now())
    };
    let times: Vec<_> = std::thread::scope(|scope| {
        let compete = &compete;
        let threads: Vec<_> = (0..threads).map(|id| scope.spawn(move || compete(id))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
    });
    let began = times.iter().find_map(|&(began, _)| began);
    // The first to stop made the last passage that counts; the others' last ones come on top.
    let ended = times.iter().map(|&(_, ended)| ended).min();
    ended.zip(began).map_or(Duration::ZERO, |(ended, began)| ended - began)
}

fn busy(time: Duration) {
    if !time.is_zero() {
        let start = Instant::now();
        while start.elapsed() < time {}
    }
}
