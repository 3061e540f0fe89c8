//! What lock and unlock cost a thread that nobody competes with: `cargo bench --bench uncontended`.
//!
//! A second thread is alive, and asleep, all the while. A process with one thread is a special case
//! that would flatter some locks: glibc leaves the `lock` prefix away in its mutexes as long as
//! there is no other thread.

mod support;

use std::hint::black_box;
use std::time::Duration;

use bakery_lock::algorithm::{
    Bakery, BlackWhite, Fast, Fenced, Peterson, Swapped, Ticket, Tournament,
};
use bakery_lock::wait::{DefaultWait, Spin};
use bakery_lock::{
    BakeryMutex, BlackWhiteMutex, BypassMutex, FilterMutex, Lock, Mutex, PetersonMutex,
    TournamentMutex,
};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use crossbeam_utils::CachePadded;

use support::Subject;
use support::peers::Pthread;

type Group<'a> = BenchmarkGroup<'a, WallTime>;
type Explicit<A, W = DefaultWait> = Lock<A, u64, W>;

fn main() {
    std::thread::spawn(|| {
        loop {
            std::thread::park();
        }
    });

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("uncontended");
    group.sample_size(30);
    group.warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_millis(600));
    peers(&mut group);
    drop_in(&mut group);
    explicit(&mut group);
    group.finish();
    criterion.final_summary();
}

fn peers(group: &mut Group) {
    alone::<std::sync::Mutex<u64>>(group, "std Mutex");
    alone::<Pthread<false>>(group, "pthread mutex");
    alone::<Pthread<true>>(group, "pthread mutex, robust and shared");
    alone::<parking_lot::Mutex<u64>>(group, "parking_lot Mutex");
    alone::<parking_lot::FairMutex<u64>>(group, "parking_lot FairMutex");
    alone::<spin::mutex::TicketMutex<u64>>(group, "spin TicketMutex");
    alone::<mcslock::raw::spins::Mutex<u64>>(group, "mcslock raw Mutex");
}

fn drop_in(group: &mut Group) {
    alone::<Mutex<u64>>(group, "Mutex");
    alone::<BypassMutex<u64>>(group, "BypassMutex");
    alone::<Mutex<u64, Spin>>(group, "Mutex, Spin");
    alone::<BakeryMutex<u64, 8>>(group, "BakeryMutex 8");
    alone::<BlackWhiteMutex<u64, 8>>(group, "BlackWhiteMutex 8");
    alone::<PetersonMutex<u64>>(group, "PetersonMutex");
    alone::<TournamentMutex<u64, 8>>(group, "TournamentMutex 8");
    alone::<FilterMutex<u64, 8>>(group, "FilterMutex 8");
}

fn explicit(group: &mut Group) {
    alone::<Explicit<Bakery<8>>>(group, "Bakery 8, 1 joined");
    alone::<Explicit<Bakery<8>, Spin>>(group, "Bakery 8, 1 joined, Spin");
    with_joined::<Explicit<Bakery<8>>>(group, "Bakery 8, 8 joined", 8);
    with_joined::<Explicit<Bakery<64>>>(group, "Bakery 64, 8 joined", 8);
    with_joined::<Explicit<Bakery<64>>>(group, "Bakery 64, 64 joined", 64);
    alone::<Explicit<BlackWhite<8>>>(group, "BlackWhite 8, 1 joined");
    with_joined::<Explicit<BlackWhite<8>>>(group, "BlackWhite 8, 8 joined", 8);
    alone::<Explicit<Fast<8>>>(group, "Fast 8");
    alone::<Explicit<Fast<8>, Spin>>(group, "Fast 8, Spin");
    alone::<Explicit<Peterson<Fenced>>>(group, "Peterson Fenced");
    alone::<Explicit<Peterson<Fenced>, Spin>>(group, "Peterson Fenced, Spin");
    alone::<Explicit<Peterson<Swapped>>>(group, "Peterson Swapped");
    alone::<Explicit<Peterson<Swapped>, Spin>>(group, "Peterson Swapped, Spin");
    alone::<Explicit<Ticket<8>>>(group, "Ticket 8");
    alone::<Explicit<Ticket<8>, Spin>>(group, "Ticket 8, Spin");
    alone::<Explicit<Tournament<8>>>(group, "Tournament 8 Fenced");
    alone::<Explicit<Tournament<8, Swapped>>>(group, "Tournament 8 Swapped");
}

fn alone<S: Subject>(group: &mut Group, name: &str) {
    with_joined::<S>(group, name, 1);
}

/// The first of so many participants passes; the others have joined and stay outside.
fn with_joined<S: Subject>(group: &mut Group, name: &str, joined: usize) {
    let lock = CachePadded::new(S::default());
    group.bench_function(name, |bencher| {
        let mut seats: Vec<_> = (0..joined).map(|_| lock.sit()).collect();
        let lock = black_box(&lock);
        bencher.iter(|| {
            lock.pass(&mut seats[0], |value| {
                black_box(value);
            });
        });
    });
}
