//! Threads that compete for every passage.

use std::cell::Cell;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;
use rustix::time::{ClockId, clock_gettime};

use crate::ground::Ground;
use crate::stats::Waits;
use crate::support::Subject;
use crate::support::pinning::pin;

/// Who competes, and for how long.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) threads: usize,
    pub(crate) pinned: bool,
    /// Of a round.
    pub(crate) length: Duration,
    /// Of the round that looks at each passage.
    pub(crate) closer: Duration,
    /// How long they have to get into line before a round begins.
    pub(crate) line_up: Duration,
}

/// What came of one round.
pub(crate) struct Round {
    /// Each thread's passages.
    pub(crate) shares: Vec<u64>,
    pub(crate) took: Duration,
    /// Processor time of the whole process.
    pub(crate) busy: Duration,
    /// How often its threads went to sleep.
    pub(crate) sleeps: f64,
}

impl Round {
    /// Of all threads.
    pub(crate) fn passages(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "counts of a fraction of a second")]
        let passages = self.shares.iter().sum::<u64>() as f64;
        passages
    }
}

/// What each passage was like, in a round of its own: the clock takes time. Of each thread's first one
/// only the wait counts, and not the time to line up.
pub(crate) struct Closer {
    pub(crate) waits: Waits,
    /// The most that others went in between somebody's arrival, or its place in line if the lock tells
    /// of it, and its own entry; beyond one for each other thread, which may have been there before.
    pub(crate) passed: u64,
}

/// What this process has used so far: processor time, and how often its threads went to sleep.
fn used() -> (Duration, f64) {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    // SAFETY: plain numbers, for which zeros are valid, and the call only writes them.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        usage
    };
    #[expect(clippy::cast_precision_loss, reason = "a few million")]
    let sleeps = usage.ru_nvcsw as f64;
    (Duration::try_from(now).unwrap_or_default(), sleeps)
}

/// What a round took of the clock, and used.
pub(crate) struct Spent {
    took: Duration,
    busy: Duration,
    sleeps: f64,
}

/// Runs the threads, each with a seat of its own, until the time is over. What each answers.
///
/// The lock is held until all of them are in line: whoever came first would have it to itself for a
/// time slice, and the figure would be about that.
pub(crate) fn run<S: Subject, R: Send>(
    lock: &S,
    terms: Terms,
    length: Duration,
    thread: impl Fn(&mut S::Seat<'_>, &AtomicBool) -> R + Sync,
) -> (Vec<R>, Spent) {
    let (start, over) = (Barrier::new(terms.threads + 1), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let spawn = |id: usize| {
            let (start, over, thread) = (&start, &over, &thread);
            scope.spawn(move || {
                if terms.pinned {
                    pin(id);
                }
                let mut seat = lock.sit();
                start.wait();
                thread(&mut seat, over)
            })
        };
        let threads: Vec<_> = (0..terms.threads).map(spawn).collect();
        let (began, before) = lock.pass(&mut lock.sit(), |_| {
            start.wait();
            std::thread::sleep(terms.line_up);
            (Instant::now(), used())
        });
        std::thread::sleep(length);
        let (took, (busy, sleeps)) = (began.elapsed(), used());
        let spent = Spent { took, busy: busy.saturating_sub(before.0), sleeps: sleeps - before.1 };
        over.store(true, Relaxed);
        let answers = threads.into_iter().map(|it| it.join().expect("no thread panics")).collect();
        (answers, spent)
    })
}

/// Counts the passages that end before the time is over, and does nothing else.
pub(crate) fn race<S: Subject>(ground: &mut Ground, round: usize, terms: Terms) -> Round {
    let (shares, spent) = ground.with(round, |lock: &S| {
        run(lock, terms, terms.length, |seat, over| {
            let mut passages = 0_u64;
            loop {
                lock.pass(seat, |value| *value += 1);
                if over.load(Relaxed) {
                    return passages;
                }
                passages += 1;
            }
        })
    });
    let Spent { took, busy, sleeps } = spent;
    Round { shares, took, busy, sleeps }
}

pub(crate) fn look_closer<S: Subject>(ground: &mut Ground, terms: Terms) -> Closer {
    ground.with(0, |lock: &S| closer(lock, terms))
}

fn closer<S: Subject>(lock: &S, terms: Terms) -> Closer {
    let entries = CachePadded::new(AtomicU64::new(0));
    let (answers, _) = run(lock, terms, terms.closer, |seat, over| {
        let (mut waits, mut most) = (Waits::new(), 0);
        let came = Instant::now();
        lock.pass(seat, |_| waits.add(came.elapsed().saturating_sub(terms.line_up)));
        while !over.load(Relaxed) {
            let (came, before) = (Instant::now(), Cell::new(0));
            let in_line = || before.set(entries.load(Relaxed));
            lock.pass_in_line(seat, in_line, |_| {
                waits.add(came.elapsed());
                let entry = entries.load(Relaxed);
                entries.store(entry + 1, Relaxed);
                most = most.max(entry - before.get());
            });
        }
        (waits, most)
    });
    let mut all = Closer { waits: Waits::new(), passed: 0 };
    for (waits, most) in &answers {
        all.waits.merge(waits);
        all.passed = all.passed.max(most.saturating_sub(terms.threads as u64 - 1));
    }
    all
}
