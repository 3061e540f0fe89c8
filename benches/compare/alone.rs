//! What a passage costs when nobody else is there.

use std::hint::black_box;
use std::time::{Duration, Instant};

use bakery_lock::algorithm::{Bakery, BlackWhite, Peterson, Swapped, Ticket};
use bakery_lock::{BakeryMutexWith, BypassMutex, Lock, Mutex};
use crossbeam_utils::CachePadded;

use crate::stats::median;
use crate::support::Subject;
use crate::support::peers::{Fcntl, Flock, Pthread};
use crate::support::shared::{SharedBakery, SharedBypass, SharedTicket};

/// A lock, and how long so many passages of one of so many participants take.
struct Contestant {
    name: &'static str,
    measure: Box<dyn Fn(u32) -> Duration>,
    passages: u32,
}

/// A lock's median, in nanoseconds, of all rounds.
pub(crate) struct Alone {
    pub(crate) name: &'static str,
    pub(crate) nanoseconds: f64,
}

fn contestant<S: Subject + 'static>(name: &'static str, joined: usize) -> Contestant {
    let lock = Box::leak(Box::new(CachePadded::new(S::default())));
    let measure = Box::new(move |passages| {
        let lock = black_box(&*lock);
        let mut seats: Vec<_> = (0..joined).map(|_| lock.sit()).collect();
        let pass = |seat: &mut S::Seat<'_>| {
            lock.pass(seat, |value| {
                black_box(value);
            });
        };
        (0..passages / 10).for_each(|_| pass(&mut seats[0]));
        let start = Instant::now();
        (0..passages).for_each(|_| pass(&mut seats[0]));
        start.elapsed()
    });
    Contestant { name, measure, passages: 40_000 }
}

/// Of the kernel: each passage is two system calls.
fn slow<S: Subject + 'static>(name: &'static str) -> Contestant {
    Contestant { passages: 2_000, ..contestant::<S>(name, 1) }
}

/// A mutex at which somebody has slept, a while ago.
struct SleptAt(Mutex<u64>);

impl Default for SleptAt {
    fn default() -> Self {
        const LONG_ENOUGH: Duration = Duration::from_millis(20);

        let this = Self(Mutex::new(0));
        std::thread::scope(|scope| {
            let inside = this.0.lock();
            scope.spawn(|| *this.0.lock() += 1);
            std::thread::sleep(LONG_ENOUGH);
            drop(inside);
        });
        this
    }
}

impl Subject for SleptAt {
    type Seat<'a> = ();

    fn sit(&self) {}

    #[inline]
    fn pass<R>(&self, (): &mut (), section: impl FnOnce(&mut u64) -> R) -> R {
        section(&mut self.0.lock())
    }
}

fn contestants() -> Vec<Contestant> {
    type Explicit<A> = Lock<A, u64>;

    vec![
        contestant::<std::sync::Mutex<u64>>("std Mutex", 1),
        contestant::<parking_lot::Mutex<u64>>("parking_lot Mutex", 1),
        contestant::<spin::mutex::TicketMutex<u64>>("spin TicketMutex", 1),
        contestant::<mcslock::raw::spins::Mutex<u64>>("mcslock raw", 1),
        contestant::<Mutex<u64>>("Mutex", 1),
        contestant::<BypassMutex<u64>>("BypassMutex", 1),
        contestant::<SleptAt>("Mutex, slept at before", 1),
        contestant::<BakeryMutexWith<u64, 8>>("BakeryMutex 8", 1),
        contestant::<Explicit<Peterson<Swapped>>>("Peterson, swap", 2),
        contestant::<Explicit<Bakery<8>>>("Bakery 8, 1 joined", 1),
        contestant::<Explicit<Bakery<8>>>("Bakery 8, 8 joined", 8),
        contestant::<Explicit<Bakery<64>>>("Bakery 64, 8 joined", 8),
        contestant::<Explicit<BlackWhite<8>>>("BlackWhite 8, 8 joined", 8),
        contestant::<Explicit<Ticket<8>>>("Ticket 8, 8 joined", 8),
        contestant::<Pthread<false>>("pthread", 1),
        contestant::<Pthread<true>>("pthread robust+shared", 1),
        contestant::<SharedBakery>("shared bakery, 8 joined", 8),
        contestant::<SharedTicket>("shared ticket, 8 joined", 8),
        contestant::<SharedBypass>("shared bypass, 8 joined", 8),
        slow::<Flock>("flock"),
        slow::<Fcntl>("fcntl OFD"),
    ]
}

/// One thread, with a second one alive and asleep: a process with one thread is a special case of
/// some locks.
pub(crate) fn measure(rounds: usize) -> Vec<Alone> {
    std::thread::spawn(|| {
        loop {
            std::thread::park();
        }
    });
    let contestants = contestants();
    let mut times = vec![Vec::new(); contestants.len()];
    for _ in 0..rounds {
        for (times, Contestant { measure, passages, .. }) in times.iter_mut().zip(&contestants) {
            times.push(measure(*passages).as_secs_f64() * 1e9 / f64::from(*passages));
        }
    }
    let result =
        |(it, times): (&Contestant, Vec<f64>)| Alone { name: it.name, nanoseconds: median(times) };
    contestants.iter().zip(times).map(result).collect()
}
