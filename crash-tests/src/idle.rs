//! What those cost who wait and do nothing: fifty processes behind one that keeps the lock, or that wait
//! for a slot. With default settings.

use std::fs;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread::sleep;
use std::time::Duration;

use bakery_lock::shared::{self, Kind};

use crate::mortal_kinds;
use crate::options::Options;
use crate::process::{Child, shared_memory, until};

type Mutex = shared::Mutex<u64>;

const WAITERS: u32 = 50;

/// What they wait for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    Turn,
    Slot,
}

pub(crate) fn run(options: &Options) -> bool {
    let seconds = options.number_or(60);
    println!(
        "lock         wait for   doorbell   wake-ups a minute each   processor time of {WAITERS}"
    );
    let mut good = true;
    for kind in mortal_kinds().filter(|kind| kind.slots().1 > WAITERS) {
        for (what, name) in [(For::Turn, "turn"), (For::Slot, "slot")] {
            for doorbell in [true, false] {
                let bell = if doorbell { "yes" } else { "no" };
                if !options.want(&format!("{kind} {name} {bell}")) {
                    continue;
                }
                match measure(kind, what, doorbell, seconds, options.limit) {
                    Ok((wakes, time)) => println!(
                        "{kind:<12} {name:<10} {bell:<10} {wakes:>22.1} {:>19.3} s in {seconds} s",
                        time.as_secs_f64()
                    ),
                    Err(why) => {
                        println!("FAILED: {kind}, {name}: {why}");
                        good = false;
                    }
                }
            }
        }
    }
    good
}

/// How often each of them woke in a minute, and the processor time of all.
fn measure(
    kind: Kind,
    what: For,
    doorbell: bool,
    seconds: u64,
    limit: Duration,
) -> Result<(f64, Duration), String> {
    // SAFETY: an atomic, for which zeros are a value.
    let there: &'static AtomicU32 = unsafe { shared_memory() };
    let options = || shared::Options::new().doorbell(doorbell);
    let slots = if what == For::Turn { WAITERS + 2 } else { 2 };
    let mutex: Mutex =
        options().kind(kind).slots(slots).anonymous(0).map_err(|why| why.to_string())?;
    let play = |role: fn(&Mutex, &AtomicU32)| {
        Child::fork(|| {
            let memory = mutex.as_fd().try_clone_to_owned().expect("a descriptor");
            role(&options().attach_fd(memory).expect("a segment"), there);
        })
    };
    let holders = if what == For::Turn { 1 } else { slots };
    let mut cast: Vec<_> = (0..holders).map(|_| play(holds)).collect();
    if !until(limit, || there.load(SeqCst) == holders) {
        return Err("the holder is stuck".to_owned());
    }
    let waits = if what == For::Turn { waits_for_its_turn } else { waits_for_a_slot };
    for waiter in 1..=WAITERS {
        cast.push(play(waits));
        let last = cast.last().expect("there is one");
        if !until(limit, || there.load(SeqCst) == holders + waiter && last.sleeps()) {
            return Err(format!("waiter {waiter} does not sleep"));
        }
    }
    let waiters = &cast[holders as usize..];
    let all = |of: fn(&Child) -> u64| waiters.iter().map(of).sum::<u64>();
    let (wakes, time) = (all(wakes), all(time));
    sleep(Duration::from_secs(seconds));
    let (wakes, time) = (all(self::wakes) - wakes, all(self::time) - time);
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let each = wakes as f64 / f64::from(WAITERS) * 60.0 / seconds as f64;
    Ok((each, Duration::from_nanos(time)))
}

/// How often its threads have gone to sleep.
fn wakes(of: &Child) -> u64 {
    let count = |status: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        line.trim().parse().ok()
    };
    threads(of, "status").iter().filter_map(|status| count(status)).sum()
}

/// In nanoseconds.
fn time(of: &Child) -> u64 {
    let stats = threads(of, "schedstat");
    stats.iter().filter_map(|stat| stat.split(' ').next()?.parse::<u64>().ok()).sum()
}

fn threads(of: &Child, file: &str) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{}/task", of.pid()));
    let paths = tasks.into_iter().flatten().filter_map(Result::ok);
    paths.filter_map(|task| fs::read_to_string(task.path().join(file)).ok()).collect()
}

fn holds(mutex: &Mutex, there: &AtomicU32) {
    let mut me = mutex.join().expect("a slot");
    let _guard = me.try_lock();
    there.fetch_add(1, SeqCst);
    sleep(Duration::MAX);
}

fn waits_for_its_turn(mutex: &Mutex, there: &AtomicU32) {
    let mut me = mutex.join().expect("a slot");
    let waiting = me.enter().expect("a place in line");
    there.fetch_add(1, SeqCst);
    let _ = waiting.wait();
}

fn waits_for_a_slot(mutex: &Mutex, there: &AtomicU32) {
    there.fetch_add(1, SeqCst);
    let _ = mutex.join_for(Duration::from_hours(1));
}
