//! What the checks have in common: crowds of threads, a value that notices two visitors, and a way
//! of waiting that tells who waits.

use std::cell::RefCell;
use std::hint::{black_box, spin_loop};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use bakery_lock::algorithm::{Bakery, Blocked};
#[cfg(target_os = "linux")]
use bakery_lock::wait::Park;
use bakery_lock::wait::{Deadline, DefaultWait, Lot, Spin, SpinYield, Wait};
use bakery_lock::{PetersonMutex, RawSlotted};
use lock_api::{MutexGuard, RawMutexTimed};

/// Makes a failure of what would otherwise hang for ever. The limit is no measure of anything: the
/// checks take less than a thousandth of it.
pub fn bounded(check: impl FnOnce() + Send + 'static) {
    const LIMIT: Duration = Duration::from_mins(5);

    let (done, ended) = channel::<()>();
    let runner = thread::spawn(move || {
        let _done = done;
        check();
    });
    match ended.recv_timeout(LIMIT) {
        Ok(()) | Err(RecvTimeoutError::Disconnected) => {
            if let Err(panic) = runner.join() {
                resume_unwind(panic);
            }
        }
        Err(RecvTimeoutError::Timeout) => panic!("it hangs"),
    }
}

/// Runs so many threads, which start together, to their very ends; their results.
pub fn crowd<T: Send>(threads: usize, run: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let (start, run) = (&Barrier::new(threads), &run);
    thread::scope(|scope| {
        let begin = |index| {
            scope.spawn(move || {
                // Leases its index before anybody ends: those that are handed on within a crowd are so
                // inside the standard library, which the thread sanitizer does not see.
                drop(PetersonMutex::<()>::default().lock());
                start.wait();
                run(index)
            })
        };
        let crowd: Vec<_> = (0..threads).map(begin).collect();
        crowd.into_iter().map(|thread| thread.join().expect("it ended well")).collect()
    })
}

/// So many rounds of a crowd in which all threads begin each round at almost the same moment. `run`
/// makes what a thread does in each round.
pub fn all_at_once<R: FnMut(usize)>(
    threads: usize,
    rounds: usize,
    run: impl Fn(usize) -> R + Sync,
) {
    /// Nobody waits for a thread that has failed.
    struct LetPass<'a>(&'a AtomicUsize);

    impl Drop for LetPass<'_> {
        fn drop(&mut self) {
            self.0.fetch_add(usize::MAX / 16, SeqCst);
        }
    }

    let arrived = &AtomicUsize::new(0);
    crowd(threads, |index| {
        let mut run = run(index);
        let _end = LetPass(arrived);
        for round in 0..rounds {
            arrived.fetch_add(1, SeqCst);
            // Spins for longer than it takes the others to leave: whoever yields is late for the
            // next doorway.
            until(|| (0..5).any(|_| arrived.load(SeqCst) >= threads * (round + 1)));
            // One of them later than the others, by more or less than a doorway.
            if (round / 16) % threads == index {
                (0..round % 16).for_each(|_| spin_loop());
            }
            run(round);
        }
    });
}

/// Waits, without any lock of this library, until it is so.
pub fn until(it_is_so: impl Fn() -> bool) {
    while !(0..1000).any(|_| it_is_so()) {
        thread::yield_now();
    }
}

/// Whether this panics on purpose.
pub fn unwinds<T>(run: impl FnOnce() -> T) -> bool {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(_) => false,
        Err(panic) if panic.is::<OnPurpose>() => true,
        Err(panic) => resume_unwind(panic),
    }
}

/// What is thrown by [`throw`].
struct OnPurpose;

/// A panic, without the message on the standard error output.
pub fn throw() -> ! {
    resume_unwind(Box::new(OnPurpose))
}

/// How large a crowd a way of waiting can take, which wastes more or less of the processors.
pub trait Patience: Wait + 'static {
    const THREADS: usize;
    const ROUNDS: usize;
}

impl Patience for Spin {
    const THREADS: usize = 2;
    const ROUNDS: usize = if cfg!(miri) { 8 } else { 40 };
}

impl Patience for SpinYield {
    const THREADS: usize = 5;
    const ROUNDS: usize = if cfg!(miri) { 8 } else { 200 };
}

#[cfg(target_os = "linux")]
impl Patience for Park {
    const THREADS: usize = 5;
    const ROUNDS: usize = if cfg!(miri) { 8 } else { 200 };
}

/// A raw mutex with all that the drop-in mutexes have.
pub trait Raw: RawMutexTimed<Duration = Duration, Instant = Instant> + Send + Sync {}

impl<R: RawMutexTimed<Duration = Duration, Instant = Instant> + Send + Sync> Raw for R {}

/// A bakery for any number of threads, `N - 1` of which have slots to themselves.
pub type Slotted<const N: usize, W = DefaultWait> = RawSlotted<Bakery<N>, W>;

/// The slot of the thread inside, from the mutex's own account. Nobody else may be in line.
pub fn slot_inside<const N: usize, T>(guard: &MutexGuard<'_, Slotted<N>, T>) -> usize {
    // SAFETY: nothing is locked or unlocked through it.
    let account = format!("{:?}", unsafe { MutexGuard::mutex(guard).raw() });
    let (_, busy) = account.split_once("busy: [").expect("the slots");
    busy.split(", ").position(|slot| slot.starts_with("true")).expect("somebody is inside")
}

/// Two numbers that are equal whenever nobody is inside.
#[derive(Debug, Default)]
pub struct Pair {
    before: usize,
    after: usize,
}

impl Pair {
    pub const fn new() -> Self {
        Self { before: 0, after: 0 }
    }

    /// Counts a visit, and notices other visitors.
    pub fn visit(&mut self) {
        assert_eq!(self.before, self.after, "two are inside");
        self.before += 1;
        let visit = self.before;
        // A while in which others would be seen.
        for _ in 0..20 {
            spin_loop();
            assert_eq!(visit, black_box(&mut *self).before, "two are inside");
        }
        if visit.is_multiple_of(4) {
            thread::yield_now();
        }
        assert_eq!(visit, black_box(&mut *self).before, "two are inside");
        self.after += 1;
    }

    pub fn visits(&self) -> usize {
        assert_eq!(self.before, self.after, "two were inside");
        self.after
    }
}

/// Waits as `W` does, after it has done what [`tell`] or [`fall`] has asked for.
pub struct Scripted<W = SpinYield>(PhantomData<W>);

struct Script {
    told: Arc<AtomicUsize>,
    falls: bool,
}

thread_local! {
    static SCRIPT: RefCell<Option<Script>> = const { RefCell::new(None) };
}

/// The next time that this thread waits, it says so: it is past the doorway then, and has its place
/// in the line.
pub fn tell(told: &Arc<AtomicUsize>) {
    SCRIPT.replace(Some(Script { told: told.clone(), falls: false }));
}

/// The next time that this thread waits, it says so and panics.
pub fn fall(told: &Arc<AtomicUsize>) {
    SCRIPT.replace(Some(Script { told: told.clone(), falls: true }));
}

impl<W: Wait> Wait for Scripted<W> {
    const SLEEPS: bool = W::SLEEPS;

    fn wait<L: Lot>(
        lot: &L,
        by: Blocked,
        waits: u32,
        still: impl Fn() -> bool,
        deadline: &impl Deadline,
    ) {
        if let Some(Script { told, falls }) = SCRIPT.take() {
            told.fetch_add(1, SeqCst);
            if falls {
                throw();
            }
        }
        W::wait(lot, by, waits, still, deadline);
    }

    fn pause() {
        W::pause();
    }

    fn give_way() {
        W::give_way();
    }
}
