//! Threads that each run on a core of their own, as far as there are cores.

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

/// Runs this in so many threads, each pinned, to one core after the other. What each answers.
///
/// With more threads than cores the scheduler would otherwise let a few of them run at a time, and a
/// figure would be about time slices instead of hand-overs.
pub(crate) fn pinned<T: Send>(threads: usize, run: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let run = |thread| {
        pin(thread);
        run(thread)
    };
    std::thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> = (0..threads).map(|id| scope.spawn(move || run(id))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
    })
}
