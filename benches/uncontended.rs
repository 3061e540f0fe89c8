//! What lock and unlock cost a thread that nobody competes with: `cargo bench --bench uncontended`.
//!
//! A second thread is alive, and asleep, all the while. A process with one thread is a special case
//! that would flatter some locks: glibc leaves the `lock` prefix away in its mutexes as long as
//! there is no other thread.
//!
//! The group `slots` is about how that grows with the slots of a lock, and with the participants that
//! have joined and stay outside: `cargo bench --bench uncontended -- slots/Bakery`.

mod support;

use std::hint::black_box;
use std::time::Duration;

use bakery_lock::algorithm::{
    Bakery, BlackWhite, Fast, Fenced, Filter, Peterson, Swapped, Ticket, Tournament,
};
use bakery_lock::wait::{DefaultWait, Spin};
use bakery_lock::{Fixed, Lock, PetersonMutex};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use crossbeam_utils::CachePadded;

use support::Subject;
use support::roster::{self, Visitor};
use support::shared::{SharedBakery, SharedBypass, SharedTicket, allow_many};

type Group<'a> = BenchmarkGroup<'a, WallTime>;
type Explicit<A, W = DefaultWait> = Lock<A, u64, W>;

fn main() {
    std::thread::spawn(|| {
        loop {
            std::thread::park();
        }
    });

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = group(&mut criterion, "uncontended");
    roster::others(&mut group);
    roster::system(&mut group);
    roster::spinning(&mut group);
    roster::drop_in(&mut group);
    alone::<PetersonMutex<u64>>(&mut group, "PetersonMutex");
    explicit(&mut group);
    alone::<SharedBakery>(&mut group, "shared bakery 8, 1 joined");
    alone::<SharedTicket>(&mut group, "shared ticket 8, 1 joined");
    alone::<SharedBypass>(&mut group, "shared bypass 8, 1 joined");
    group.finish();
    slots(&mut criterion);
    criterion.final_summary();
}

fn group<'a>(criterion: &'a mut Criterion, name: &str) -> Group<'a> {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(30);
    group.warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_millis(600));
    group
}

impl Visitor for Group<'_> {
    fn visit<S: Subject>(&mut self, name: &str) {
        alone::<S>(self, name);
    }
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

fn slots(criterion: &mut Criterion) {
    type F<const N: usize> = Filter<N, Swapped>;
    type T<const N: usize> = Tournament<N, Swapped>;

    let mut group = group(criterion, "slots");
    sizes::<Bakery<2>, Bakery<8>, Bakery<64>, Bakery<256>>(&mut group, "Bakery");
    sizes::<BlackWhite<2>, BlackWhite<8>, BlackWhite<64>, BlackWhite<256>>(
        &mut group,
        "BlackWhite",
    );
    sizes::<F<2>, F<8>, F<64>, F<256>>(&mut group, "Filter");
    sizes::<T<2>, T<8>, T<64>, T<256>>(&mut group, "Tournament");
    sizes::<Ticket<2>, Ticket<8>, Ticket<64>, Ticket<256>>(&mut group, "Ticket");
    allow_many();
    filled::<SharedBakery<8>>(&mut group, "shared bakery", 8);
    filled::<SharedBakery<64>>(&mut group, "shared bakery", 64);
    filled::<SharedBakery<1024>>(&mut group, "shared bakery", 1024);
    filled::<SharedTicket<8>>(&mut group, "shared ticket", 8);
    filled::<SharedTicket<64>>(&mut group, "shared ticket", 64);
    filled::<SharedTicket<1024>>(&mut group, "shared ticket", 1024);
    group.finish();
}

/// One algorithm, with four numbers of slots.
fn sizes<A, B, C, D>(group: &mut Group, name: &str)
where
    A: Fixed + Sync,
    B: Fixed + Sync,
    C: Fixed + Sync,
    D: Fixed + Sync,
{
    filled::<Explicit<A>>(group, name, A::INIT.capacity());
    filled::<Explicit<B>>(group, name, B::INIT.capacity());
    filled::<Explicit<C>>(group, name, C::INIT.capacity());
    filled::<Explicit<D>>(group, name, D::INIT.capacity());
}

/// With one participant, with half of the slots taken, and with all.
fn filled<S: Subject>(group: &mut Group, name: &str, slots: usize) {
    let mut numbers = vec![1, slots / 2, slots];
    numbers.dedup();
    for joined in numbers {
        with_joined::<S>(group, &format!("{name} {slots}, {joined} joined"), joined);
    }
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
