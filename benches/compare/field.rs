//! The locks that threads compete for.

use bakery_lock::algorithm::Bypass;
use bakery_lock::wait::{Spin, SpinYield};
use bakery_lock::{BakeryMutexWith, BlackWhiteMutexWith, BypassMutex, Lock, Mutex, MutexWith};

use crate::contest::{Closer, Round, Terms, look_closer, race};
use crate::ground::Ground;
use crate::stats::{deviation, jain, median};
use crate::support::Subject;

/// A lock, by name.
struct Contestant {
    name: &'static str,
    /// The number of threads from which on it keeps the order.
    in_order_from: Option<usize>,
    /// Whether its waiters leave the processor to others. If not, it takes part only while there
    /// are as many processors as threads.
    yields: bool,
    race: fn(&mut Ground, usize, Terms) -> Round,
    look_closer: fn(&mut Ground, Terms) -> Closer,
}

const fn contestant<S: Subject>(
    name: &'static str,
    in_order_from: Option<usize>,
    yields: bool,
) -> Contestant {
    Contestant { name, in_order_from, yields, race: race::<S>, look_closer: look_closer::<S> }
}

/// How often whoever is in line may be passed.
pub(crate) const BYPASSES: u32 = 1024;

const FIELD: [Contestant; 14] = [
    contestant::<std::sync::Mutex<u64>>("std Mutex", None, true),
    contestant::<parking_lot::Mutex<u64>>("parking_lot Mutex", None, true),
    // Whoever queues is served in order, but newcomers that find it free pass them.
    contestant::<parking_lot::FairMutex<u64>>("parking_lot, fair unlock", None, true),
    contestant::<spin::mutex::TicketMutex<u64>>("spin TicketMutex", Some(2), false),
    contestant::<mcslock::raw::spins::Mutex<u64>>("mcslock raw", Some(2), false),
    contestant::<spin::mutex::TicketMutex<u64, spin::relax::Yield>>(
        "spin TicketMutex, Yield",
        Some(2),
        true,
    ),
    contestant::<mcslock::raw::yields::Mutex<u64>>("mcslock raw, yields", Some(2), true),
    contestant::<Mutex<u64>>("Mutex", Some(2), true),
    contestant::<BypassMutex<u64>>("BypassMutex", None, true),
    contestant::<Lock<Bypass<64, BYPASSES>, u64>>("Lock, Bypass 64", None, true),
    contestant::<MutexWith<u64, SpinYield>>("Mutex, SpinYield", Some(2), true),
    contestant::<MutexWith<u64, Spin>>("Mutex, Spin", Some(2), false),
    contestant::<BakeryMutexWith<u64, 64>>("BakeryMutex 64", Some(2), true),
    contestant::<BlackWhiteMutexWith<u64, 64>>("BlackWhiteMutex 64", Some(2), true),
];

/// What came of a lock, by all rounds.
pub(crate) struct Result {
    pub(crate) name: &'static str,
    pub(crate) keeps_order: bool,
    pub(crate) terms: Terms,
    /// Wall time by passages of all threads together: the median.
    pub(crate) nanoseconds: f64,
    /// Of the same.
    pub(crate) deviation: f64,
    /// The median.
    pub(crate) jain: f64,
    /// Processors used: the median.
    pub(crate) processors: f64,
    /// How often threads went to sleep, a passage: the median.
    pub(crate) sleeps: f64,
    pub(crate) closer: Closer,
}

/// The locks take turns in each round, all at the same address, so that whatever else the machine
/// does hits all alike.
pub(crate) fn contest(terms: Terms, ground: &mut Ground) -> Vec<Result> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let field: Vec<_> = FIELD.iter().filter(|it| it.yields || terms.threads <= cores).collect();
    let mut all: Vec<_> = field.iter().map(|_| Vec::new()).collect();
    for round in 0..ground.rounds() {
        for (rounds, it) in all.iter_mut().zip(&field) {
            rounds.push((it.race)(ground, round, terms));
        }
    }
    let result = |(it, rounds): (&&Contestant, Vec<Round>)| {
        let of = |each: fn(&Round) -> f64| rounds.iter().map(each).collect::<Vec<_>>();
        let times = of(|round| round.took.as_secs_f64() * 1e9 / round.passages());
        Result {
            name: it.name,
            keeps_order: it.in_order_from.is_some_and(|from| terms.threads >= from),
            terms,
            deviation: deviation(&times),
            nanoseconds: median(times),
            jain: median(of(|round| jain(&round.shares))),
            processors: median(of(|it| it.busy.as_secs_f64() / it.took.as_secs_f64())),
            sleeps: median(of(|round| round.sleeps / round.passages())),
            closer: (it.look_closer)(ground, terms),
        }
    };
    field.iter().zip(all).map(result).collect()
}
