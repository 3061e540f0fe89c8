//! What takes a read-modify-write: joining, swaps, tickets.

use bakery_lock::algorithm::{
    Bakery, BlackWhite, Bypass, Fast, Filter, Peterson, Swapped, Ticket, Tournament,
};
use bakery_lock::wait::Spin;
use bakery_lock::{Fixed, Lock};

static BAKERY: Lock<Bakery<4>, u32> = Lock::new(0);
static BLACK_WHITE: Lock<BlackWhite<4>, u32> = Lock::new(0);
static FAST: Lock<Fast<4>, u32> = Lock::new(0);
static PETERSON: Lock<Peterson<Swapped>, u32> = Lock::new(0);
static FILTER: Lock<Filter<4, Swapped>, u32> = Lock::new(0);
static TOURNAMENT: Lock<Tournament<4, Swapped>, u32> = Lock::new(0);
static TICKET: Lock<Ticket<4>, u32> = Lock::new(0);
static BYPASS: Lock<Bypass<4, 8>, u32> = Lock::new(0);
#[cfg(feature = "lock_api")]
static MUTEX: bakery_lock::Mutex<u32> = bakery_lock::Mutex::new(0);

pub(crate) fn lock_all() -> u32 {
    let count = joining(&BAKERY)
        + joining(&BLACK_WHITE)
        + joining(&FAST)
        + joining(&PETERSON)
        + joining(&FILTER)
        + joining(&TOURNAMENT)
        + joining(&TICKET)
        + joining(&BYPASS)
        + super::trying::<Ticket<4>>()
        + super::trying::<Peterson<Swapped>>();
    #[cfg(feature = "lock_api")]
    let count = count + *MUTEX.lock() + MUTEX.try_lock().map_or(0, |inside| *inside);
    count
}

fn joining<A: Fixed>(lock: &Lock<A, u32, Spin>) -> u32 {
    lock.join().map_or(0, |mut me| {
        super::wait_in_line(lock.join().expect("room for two"));
        *me.lock()
    })
}
