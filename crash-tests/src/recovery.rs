//! How long a death holds up the others: from the kill to the next owner's being inside.
//!
//! With default settings. Each measurement has new processes and a new segment, and the kill comes
//! at a random moment between two looks.

use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use bakery_lock::shared::{self, Error, Kind};
use rustix::time::{ClockId, clock_gettime};

use crate::mortal_kinds;
use crate::options::{Options, Random};
use crate::process::{Child, moment, shared_memory, until};

type Mutex = shared::Mutex<u64>;

/// What the participants tell.
struct Board {
    /// For each: whether it is in line or inside, and when it got in.
    there: [AtomicU32; 3],
    inside: [AtomicU64; 3],
    go: AtomicU32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dead {
    /// Inside, while another waits.
    Holder,
    /// In line before another, while the holder leaves.
    Waiter,
    /// The same, a while before the holder leaves. Measured from that on.
    WaiterEarlier,
}

/// Every death with every lock that is wanted: a line each. Whether all got in.
pub(crate) fn run(options: &Options) -> bool {
    // SAFETY: atomics only, for which zeros are values.
    let board: &'static Board = unsafe { shared_memory() };
    let (times, mut random, mut good) = (options.number_or(1000), Random::new(options.seed), true);
    println!("lock         dead              times    median       95 %      worst");
    for kind in mortal_kinds() {
        for (dead, name) in [
            (Dead::Holder, "holder"),
            (Dead::Waiter, "waiter"),
            (Dead::WaiterEarlier, "waiter-earlier"),
        ] {
            let has_room = dead == Dead::Holder || kind.slots().1 > 2;
            if !has_room || !options.want(&format!("{kind} {name}")) {
                continue;
            }
            let measured: Result<Vec<_>, _> = (0..times)
                .map(|_| measure(board, kind, dead, &mut random, options.limit))
                .collect();
            match measured {
                Ok(mut measured) => {
                    measured.sort_unstable();
                    let at = |share: usize| measured[(measured.len() - 1) * share / 100];
                    let [median, most, worst] = [50, 95, 100]
                        .map(|share| format!("{:.2} ms", at(share).as_secs_f64() * 1e3));
                    println!("{kind:<12} {name:<15} {times:>7} {median:>9} {most:>10} {worst:>10}");
                    println!("  {}", histogram(&measured));
                }
                Err(why) => {
                    println!("FAILED: {kind}, {name}: {why}");
                    good = false;
                }
            }
        }
    }
    good
}

/// How many of these took less than so many milliseconds, and not less than the one before.
fn histogram(sorted: &[Duration]) -> String {
    const BELOW: [f64; 10] = [0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, f64::INFINITY];

    let mut before = 0;
    let counts = BELOW.map(|below| {
        let so_far = sorted.partition_point(|time| time.as_secs_f64() * 1e3 < below);
        let count = so_far - before;
        before = so_far;
        format!("<{below}: {count}")
    });
    counts.join(", ")
}

fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    let nanoseconds = time.tv_sec * 1_000_000_000 + time.tv_nsec;
    nanoseconds.unsigned_abs()
}

fn measure(
    board: &'static Board,
    kind: Kind,
    dead: Dead,
    random: &mut Random,
    limit: Duration,
) -> Result<Duration, String> {
    board.go.store(0, SeqCst);
    for who in 0..3 {
        board.there[who].store(0, SeqCst);
        board.inside[who].store(0, SeqCst);
    }
    let mutex: Mutex =
        shared::Options::new().kind(kind).anonymous(0).map_err(|why| why.to_string())?;
    let mut cast = Vec::new();
    for who in 0..if dead == Dead::Holder { 2 } else { 3 } {
        cast.push(Child::fork(|| plays(board, who, &mutex)));
        let is_there = || board.there[who].load(SeqCst) == 1;
        let is_inside = || board.inside[0].load(SeqCst) != 0;
        if !until(limit, || is_there() && is_inside())
            || !until(limit, || who == 0 || cast[who].sleeps())
        {
            return Err(format!("participant {who} is stuck before anybody died"));
        }
    }
    std::thread::sleep(Duration::from_micros(random.below(20_000)));
    let (victim, last) = if dead == Dead::Holder { (0, 1) } else { (1, 2) };
    let mut start = now();
    cast[victim].kill();
    if dead == Dead::WaiterEarlier {
        std::thread::sleep(Duration::from_millis(25));
        start = now();
    }
    board.go.store(1, SeqCst);
    if !until(limit, || board.inside[last].load(SeqCst) != 0) {
        return Err(format!("participant {last} is stuck: {:?}", mutex.status()));
    }
    let inside = board.inside[last].load(SeqCst);
    for (who, child) in cast.iter_mut().enumerate() {
        if who != victim && child.end_within(limit).is_none() {
            return Err(format!("participant {who} is stuck"));
        }
    }
    Ok(Duration::from_nanos(inside.saturating_sub(start)))
}

/// The first is inside until it may go; the others wait in line.
fn plays(board: &Board, who: usize, mutex: &Mutex) {
    let memory = mutex.as_fd().try_clone_to_owned().expect("a descriptor");
    let mutex: Mutex = shared::Options::new().attach_fd(memory).expect("a segment");
    let mut participant = mutex.join().expect("a slot");
    let waiting = participant.enter().expect("a place in the line");
    board.there[who].store(1, SeqCst);
    match waiting.wait() {
        Ok(_guard) => {
            board.inside[who].store(now(), SeqCst);
            while board.go.load(SeqCst) == 0 {
                moment();
            }
        }
        // Told of the death, it could repair now.
        Err(Error::OwnerDied { .. }) => board.inside[who].store(now(), SeqCst),
        Err(why) => panic!("{why}"),
    }
}
