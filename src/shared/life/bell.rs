//! A bell for each participant, which the kernel rings when its process ends.
//!
//! A bell is a futex word in the segment, and those who wait for its participant sleep on it too. It
//! hangs on a rope that this process has told the kernel of: a *robust list* (`set_robust_list(2)`),
//! which the kernel walks when the thread ends that it belongs to, whatever ended it. It marks each word
//! that holds that thread's number, and wakes one who sleeps there.
//!
//! **It is a bell, never a proof.** It may be lost, be late, or ring for nothing: so whoever hears it
//! looks, and [`liveness`](crate::shared::life::liveness) alone says who is dead. Nothing goes wrong
//! without it but that deaths are noticed later.
//!
//! The list is that of a thread of its own, which does nothing else and ends with its process. Other
//! threads have a list that belongs to the C library, which would not know what to do with our entries;
//! and they end earlier than their participants, which move between threads.
//!
//! The links of the list are in this process's own memory, right before each segment: what others write
//! into a segment leads the kernel nowhere, and they learn no addresses.

use std::io;
use std::mem::{self, MaybeUninit};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, AtomicUsize};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use rustix::thread::gettid;

use crate::atomic::{Acquire, AtomicU32, Relaxed, Release, crash_point};
use crate::shared::life::fork;
use crate::wait::{Futex, Shared};

/// How far before its bell each rope is: with room for the ropes of as many slots as there can be, and a
/// multiple of every size that pages have.
pub(crate) const ROPES: usize = 64 * 1024;

/// The kernel's flags, in a robust futex's word.
const WAITERS: u32 = 1 << 31;
const OWNER_DIED: u32 = 1 << 30;
/// The rest: the number of the thread at whose end it rings. 0: it is not hung up.
const THREAD: u32 = OWNER_DIED - 1;

/// How much of a list the kernel walks.
const MOST: usize = 2048;

/// A participant's bell, in the segment. Written by its participant, by the kernel, and by whoever resets
/// the slot; every value is valid.
#[derive(Debug)]
#[repr(C, align(8))]
pub(crate) struct Bell {
    word: AtomicU32,
}

/// What the kernel pulls a bell by: a link of the list.
#[derive(Debug)]
#[repr(C, align(8))]
pub(crate) struct Rope {
    /// The next one's address.
    next: AtomicUsize,
}

const _: () = assert!(size_of::<Bell>() == 8 && size_of::<Rope>() == 8);

/// What a bell's word was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sound(pub(crate) u32);

impl Sound {
    /// Whether it has been rung, for this owner of the slot or for an earlier one.
    pub(crate) fn rings(self) -> bool {
        self.0 & OWNER_DIED != 0
    }

    /// Whether it is going to be rung.
    pub(crate) fn is_hung(self) -> bool {
        !self.rings() && self.0 & THREAD != 0
    }
}

impl Bell {
    fn hang(&self, thread: u32) {
        // Not a step to die at: which thread does this is left to chance.
        let word: &std::sync::atomic::AtomicU32 = &self.word;
        word.store(thread | WAITERS, Relaxed);
    }

    /// It orders nothing: whoever sleeps on the word has the kernel compare it.
    pub(crate) fn listen(&self) -> Sound {
        Sound(self.word.load(Relaxed))
    }

    /// To sleep on.
    pub(crate) fn word(&self) -> &AtomicU32 {
        &self.word
    }

    /// Wakes another one who listens, as the kernel has woken one only.
    pub(crate) fn pass_on(&self) {
        Shared::wake_one(&self.word);
    }

    /// Wakes all who listen: there is nothing to be heard here any more.
    pub(crate) fn dismiss(&self) {
        Shared::wake_all(&self.word);
    }

    /// The same, on behalf of one who is dead and whose slot is about to be free.
    pub(crate) fn silence(&self) {
        self.word.store(0, Relaxed);
        self.dismiss();
    }

    /// For a participant that has none: what its slot's last owner has left is nobody's.
    pub(crate) fn leave_unhung(&self) {
        self.word.store(0, Relaxed);
    }
}

/// That a participant's bell is hung up. Taken down when dropped, but not in a forked child, where it is the
/// parent's.
#[derive(Debug)]
pub(crate) struct Hung {
    belfry: &'static Belfry,
    ends: End,
}

/// The two ends of a rope, which stay where they are while it is hung up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    rope: NonNull<Rope>,
    bell: NonNull<Bell>,
}

// SAFETY: they point to atomics in a mapping that belongs to no thread.
unsafe impl Send for End {}
// SAFETY: as above.
unsafe impl Sync for End {}

impl Hung {
    /// Hangs a bell up, if that can be done: `None` leaves it without a sound. The rope is [`ROPES`]
    /// before it.
    ///
    /// # Safety
    ///
    /// Both stay mapped until this is dropped; if it is forgotten, as long as this process lives.
    pub(crate) unsafe fn up(bell: &Bell, rope: &Rope) -> Option<Self> {
        debug_assert_eq!(ptr::from_ref(bell).addr() - ptr::from_ref(rope).addr(), ROPES);
        bell.leave_unhung();
        let belfry = Belfry::of_this_process();
        let ends = End { rope: NonNull::from(rope), bell: NonNull::from(bell) };
        belfry.hang(ends).then_some(Self { belfry, ends })
    }
}

impl Drop for Hung {
    fn drop(&mut self) {
        if self.belfry.generation == fork::now() {
            self.belfry.take_down(self.ends);
        }
    }
}

/// The head of a robust list, as the kernel knows it.
#[derive(Debug)]
#[repr(C)]
struct Head {
    first: AtomicUsize,
    /// From each link to its word.
    offset: isize,
    /// Not used: a word that is not in the list has not to be rung.
    pending: usize,
}

/// This process's bells.
#[derive(Debug)]
struct Belfry {
    /// Which of several processes, told apart by the forks between them: a child has neither its parent's
    /// thread nor its bells, and must not wait for a lock that another thread of it had.
    generation: u32,
    head: Head,
    ropes: Mutex<Ropes>,
}

#[derive(Debug)]
struct Ropes {
    /// The number of the thread that has the list; 0: there is none yet, or none at all.
    thread: u32,
    /// All that are hung up. The list begins with the last of them.
    hung: Vec<End>,
}

impl Belfry {
    /// Makes it if need be.
    fn of_this_process() -> &'static Self {
        /// Never freed. Not a `OnceLock`, which a child forked at the wrong moment would wait for.
        static BELFRY: AtomicPtr<Belfry> = AtomicPtr::new(ptr::null_mut());

        let generation = fork::generation();
        let mut last = BELFRY.load(Acquire);
        loop {
            // SAFETY: what is stored there is never freed.
            if let Some(belfry) = unsafe { last.as_ref() }
                && belfry.generation == generation
            {
                return belfry;
            }
            let made = Box::into_raw(Box::new(Self::new(generation)));
            // Release, and Acquire here and above: whoever finds it finds it made.
            match BELFRY.compare_exchange(last, made, Release, Acquire) {
                Ok(_) => {
                    // SAFETY: it is never freed from here on.
                    let belfry = unsafe { &*made };
                    belfry.open();
                    return belfry;
                }
                Err(now) => {
                    // SAFETY: nobody else knows it.
                    drop(unsafe { Box::from_raw(made) });
                    last = now;
                }
            }
        }
    }

    fn new(generation: u32) -> Self {
        Self {
            generation,
            head: Head { first: AtomicUsize::new(0), offset: ROPES.cast_signed(), pending: 0 },
            ropes: Mutex::new(Ropes { thread: 0, hung: Vec::new() }),
        }
    }

    fn ropes(&self) -> MutexGuard<'_, Ropes> {
        self.ropes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the thread that has the list. Nobody waits for it: what is hung up meanwhile, it finds. If
    /// there can be no thread, nothing rings.
    fn open(&'static self) {
        const STACK: usize = 64 * 1024;

        self.link(&self.head.first, None);
        // It is for nobody's signals.
        let _ = without_signals(|| {
            let thread = thread::Builder::new().name("bakery-bell".to_owned()).stack_size(STACK);
            thread.spawn(|| self.keep())
        });
    }

    /// The thread's whole life.
    fn keep(&self) {
        let head = &raw const self.head;
        // SAFETY: the list is this thread's alone, and is never freed. It takes the place of the one that
        // the C library has set up for a new thread, in which there is nothing: no robust mutex is locked
        // here.
        let set = unsafe { libc::syscall(libc::SYS_set_robust_list, head, size_of::<Head>()) };
        if set != 0 {
            return;
        }
        let mut ropes = self.ropes();
        ropes.thread = gettid().as_raw_pid().unsigned_abs();
        for end in &ropes.hung {
            // SAFETY: it is mapped as long as it is hung up.
            unsafe { end.bell.as_ref() }.hang(ropes.thread);
        }
        drop(ropes);
        loop {
            thread::park();
        }
    }

    /// Lets a link lead to a rope, or back to the head.
    fn link(&self, from: &AtomicUsize, to: Option<&End>) {
        let head = (&raw const self.head).expose_provenance();
        // Release: the kernel, which may walk the list at any moment, finds what it leads to linked on.
        from.store(to.map_or(head, |end| end.rope.as_ptr().expose_provenance()), Release);
    }

    fn hang(&self, end: End) -> bool {
        let mut ropes = self.ropes();
        // Twice the same: one that was taken for dead while it lives has the slot of another.
        if ropes.hung.len() >= MOST || ropes.hung.contains(&end) {
            return false;
        }
        // SAFETY: the caller's promise.
        let (rope, bell) = unsafe { (end.rope.as_ref(), end.bell.as_ref()) };
        self.link(&rope.next, ropes.hung.last());
        crash_point("a rope that nothing leads to");
        ropes.hung.push(end);
        self.link(&self.head.first, Some(&end));
        crash_point("a rope, and no bell");
        if ropes.thread != 0 {
            bell.hang(ropes.thread);
        }
        true
    }

    fn take_down(&self, end: End) {
        let mut ropes = self.ropes();
        let Some(at) = ropes.hung.iter().rposition(|hung| *hung == end) else { return };
        // SAFETY: it is mapped as long as it is hung up.
        unsafe { end.bell.as_ref() }.word.store(0, Relaxed);
        crash_point("a rope without a bell");
        let before = match ropes.hung.get(at + 1) {
            // SAFETY: as above.
            Some(before) => &unsafe { before.rope.as_ref() }.next,
            None => &self.head.first,
        };
        self.link(before, at.checked_sub(1).map(|at| &ropes.hung[at]));
        ropes.hung.remove(at);
    }
}

/// Does something while this thread has all signals blocked, as those have that it starts meanwhile.
fn without_signals<T>(action: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: all zeros is a value of this struct of integers, and the call fills it.
    let all = unsafe {
        let mut all = mem::zeroed();
        libc::sigfillset(&raw mut all);
        all
    };
    // SAFETY: both are signal sets, the second one to be written to.
    match unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, before.as_mut_ptr()) } {
        0 => {}
        error => return Err(io::Error::from_raw_os_error(error)),
    }
    let outcome = action();
    // SAFETY: the first call has written it. It does not fail, having succeeded before.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut()) };
    outcome
}
