//! Those who wait sleep.

use std::fs;
use std::thread;
use std::time::Duration;

use crate::support::{Place, Running, state, until};

fn waiters(place: &Place, lock: &str, number: usize) -> (Running, Vec<Running>) {
    let first = place.inside(lock, &[], "first");
    let line = if lock.contains('/') { place.line_of(lock) } else { lock.to_owned() };
    let waiting: Vec<Running> =
        (0..number).map(|_| Running::start(&mut place.run(lock, &[], "echo >>out"))).collect();
    until(|| {
        place.look(&line).is_ok_and(|status| {
            let heads = usize::from(lock.contains('/') && status.holder.is_some());
            status.queue.len() + heads == number
        })
    });
    (first, waiting)
}

fn ends(place: &Place, first: Running, waiting: Vec<Running>) {
    let number = waiting.len();
    place.make("go.first");
    for running in waiting.into_iter().chain([first]) {
        assert_eq!(running.code(), 0);
    }
    assert_eq!(place.read("out").lines().count(), number + 1);
}

#[test]
fn all_who_wait_are_asleep_at_once() {
    for lock in ["lock", "./file"] {
        let place = Place::new();
        let (first, waiting) = waiters(&place, lock, 50);
        until(|| waiting.iter().all(|one| state(one.pid()) == Some('S')));
        ends(&place, first, waiting);
    }
}

/// Nanoseconds on a processor, of all threads.
fn processor_time(pid: u32) -> u64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let of_thread = |thread: fs::DirEntry| {
        let text = fs::read_to_string(thread.path().join("schedstat")).unwrap();
        text.split(' ').next().unwrap().parse::<u64>().unwrap()
    };
    threads.map(|thread| of_thread(thread.unwrap())).sum()
}

#[test]
#[ignore = "takes minutes, and prints what it measures"]
fn three_hundred_wait_for_a_minute() {
    for lock in ["lock", "./file"] {
        let place = Place::new();
        let (first, waiting) = waiters(&place, lock, 300);
        let all = || waiting.iter().map(|one| processor_time(one.pid())).sum::<u64>();
        let before = all();
        thread::sleep(Duration::from_mins(1));
        let spent = Duration::from_nanos(all() - before).as_secs_f64();
        println!(
            "300 that wait for {lock} for a minute: {:.0} ms of processor time, {:.3} % of one",
            spent * 1e3,
            spent / 60.0 * 100.0
        );
        ends(&place, first, waiting);
    }
}
