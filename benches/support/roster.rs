//! The locks that are measured, by name.

use bakery_lock::wait::Spin;
use bakery_lock::{
    BakeryMutexWith, BlackWhiteMutexWith, BypassMutex, FilterMutexWith, Mutex, MutexWith,
    TournamentMutexWith,
};

use super::Subject;
#[cfg(target_os = "linux")]
use super::peers::{Fcntl, Flock, Pthread};

/// What a benchmark does with each lock.
pub(crate) trait Visitor {
    fn visit<S: Subject>(&mut self, name: &str);
}

/// Of others, for threads that may be more than there are cores.
pub(crate) fn others(visitor: &mut impl Visitor) {
    visitor.visit::<std::sync::Mutex<u64>>("std Mutex");
    visitor.visit::<parking_lot::Mutex<u64>>("parking_lot Mutex");
    visitor.visit::<parking_lot::FairMutex<u64>>("parking_lot FairMutex");
}

/// Of the C library and of the kernel.
#[cfg(target_os = "linux")]
pub(crate) fn system(visitor: &mut impl Visitor) {
    visitor.visit::<Pthread<false>>("pthread mutex");
    visitor.visit::<Pthread<true>>("pthread mutex, robust and shared");
    visitor.visit::<Flock>("flock");
    visitor.visit::<Fcntl>("fcntl OFD");
}

/// Ours that need no participants, for threads that may be more than there are cores.
pub(crate) fn drop_in(visitor: &mut impl Visitor) {
    visitor.visit::<Mutex<u64>>("Mutex");
    visitor.visit::<BypassMutex<u64>>("BypassMutex");
    visitor.visit::<BakeryMutexWith<u64, 8>>("BakeryMutex 8");
    visitor.visit::<BlackWhiteMutexWith<u64, 8>>("BlackWhiteMutex 8");
    visitor.visit::<FilterMutexWith<u64, 8>>("FilterMutex 8");
    visitor.visit::<TournamentMutexWith<u64, 8>>("TournamentMutex 8");
}

/// Those whose waiters never leave their core: with more threads than cores these wait out whole
/// time slices.
pub(crate) fn spinning(visitor: &mut impl Visitor) {
    visitor.visit::<spin::mutex::TicketMutex<u64>>("spin TicketMutex");
    visitor.visit::<mcslock::raw::spins::Mutex<u64>>("mcslock raw Mutex");
    visitor.visit::<MutexWith<u64, Spin>>("Mutex, Spin");
    visitor.visit::<BakeryMutexWith<u64, 8, Spin>>("BakeryMutex 8, Spin");
}
