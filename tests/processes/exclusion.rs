//! One at a time, among processes and their threads, however each of them waits.

use std::thread;

use bakery_lock::shared::{Kind, Mutex};
use bakery_lock::wait::Wait;

use crate::child::{crowd, go, hear, say};
use crate::data::{Ledger, Shared, attach};

/// A process for each way of waiting, each with so many threads; nobody begins before all have
/// joined.
fn storm(kind: Kind, waitings: &[&str], threads: u64, rounds: u64) {
    let shared = Shared::<Ledger>::new(kind, 16);
    let (threads_each, rounds_each) = (threads.to_string(), rounds.to_string());
    let arguments =
        waitings.iter().map(|waiting| vec![shared.path(), *waiting, &threads_each, &rounds_each]);
    go(crowd("adds", arguments));
    let expected = waitings.len() as u64 * threads * rounds;
    let counts = shared.peek(|ledger| (ledger.left, ledger.right));
    assert_eq!(counts, (expected, expected), "{kind}, {waitings:?}");
}

pub fn adds(arguments: &[&str]) {
    let [path, waiting, threads, rounds] = arguments else { panic!("PATH WAITING THREADS ROUNDS") };
    let (threads, rounds) = (threads.parse().unwrap(), rounds.parse().unwrap());
    with_waiting!(*waiting, W => add::<W>(&attach(path), threads, rounds));
}

fn add<W: Wait + Send>(mutex: &Mutex<Ledger, W>, threads: u64, rounds: u64) {
    let participants: Vec<_> = (0..threads).map(|_| mutex.join().unwrap()).collect();
    say("joined");
    hear();
    thread::scope(|scope| {
        for mut me in participants {
            scope.spawn(move || (0..rounds).for_each(|_| me.lock().unwrap().add()));
        }
    });
}

fn processes_exclude_each_other(kind: Kind) {
    let room = kind.slots().1.min(3) as usize;
    // A processor for each that spins, and few turns, since other tests may be using it.
    storm(kind, &["spin"; 2], 1, 30);
    for waitings in [["spin-yield"; 3], ["park"; 3], ["park", "spin-yield", "park"]] {
        storm(kind, &waitings[..room], 1, 200);
    }
    storm(kind, &["spin", "park"], 1, 30);
}

each_kind!(processes_exclude_each_other);

fn threads_and_processes_exclude_each_other(kind: Kind) {
    storm(kind, &["park", "spin-yield", "park"], 3, 60);
}

each_kind!(
    threads_and_processes_exclude_each_other: bakery Bakery, black_white BlackWhite, fast FastUnrecoverable, filter Filter,
    tournament Tournament, ticket Ticket, bypass Bypass
);

/// What a sleeper in one process needs is that a release in another wakes it.
fn a_release_wakes_sleepers_of_other_processes(kind: Kind) {
    let (_shared, mut one, mut other) = crate::obey::two(kind);
    for _ in 0..3 {
        assert_eq!(one.ask("lock"), "in");
        other.tell("lock");
        other.until_asleep();
        assert_eq!(one.ask("leave"), "out");
        other.expect("in");
        assert_eq!(other.ask("leave"), "out");
    }
}

each_kind!(a_release_wakes_sleepers_of_other_processes);
