//! Which core a thread runs on.

/// Binds this thread to one of the cores that it may use, in turn.
#[cfg(target_os = "linux")]
pub(crate) fn pin(thread: usize) {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    let allowed = sched_getaffinity(None).expect("a thread may know its cores");
    let mut cores = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core)).cycle();
    let mut chosen = CpuSet::new();
    chosen.set(cores.nth(thread).expect("a thread has a core"));
    sched_setaffinity(None, &chosen).expect("a thread may choose among its cores");
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn pin(_: usize) {}
