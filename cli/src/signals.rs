//! Signals: noted while this process is in line, received while its command runs.
//!
//! One that this process was started with the order to ignore (`nohup`) stays ignored, here and in the
//! command.

use std::io;
#[cfg(feature = "between-machines")]
use std::io::PipeWriter;
use std::mem::MaybeUninit;
#[cfg(feature = "between-machines")]
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering::Relaxed};
use std::time::Duration;

use libc::{
    SIGALRM, SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2,
    SIGXFSZ, c_int,
};

/// What ends a process that is in line.
const ENDING: [c_int; 6] = [SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2];

/// How often to try again to wake a wait that a signal came just before.
const AGAIN: Duration = Duration::from_millis(20);

/// Whether a signal has come that ends the wait in line: for `Request::unless`.
pub static CAUGHT: AtomicBool = AtomicBool::new(false);
static WHICH: AtomicI32 = AtomicI32::new(0);

/// Where a byte is written for each signal that is noted; no descriptor if it is less than 0.
static TOLD: AtomicI32 = AtomicI32::new(-1);

/// Whether [`outlive_long_files`] has changed something.
static IS_OUTLIVED: AtomicBool = AtomicBool::new(false);

extern "C" fn note(signal: c_int) {
    WHICH.store(signal, Relaxed);
    CAUGHT.store(true, Relaxed);
    let told = TOLD.load(Relaxed);
    if told >= 0 {
        // SAFETY: there is a byte. A pipe that is full has told enough.
        unsafe { libc::write(told, [0_u8].as_ptr().cast(), 1) };
        return;
    }
    // A system call that is about to begin would wait all the same.
    let _ = wake_after(AGAIN);
}

/// Has a byte written here for each signal that is [noted](Noted), instead of interrupting what waits.
#[cfg(feature = "between-machines")]
pub fn tell_by(pipe: PipeWriter) {
    tell_nobody();
    TOLD.store(OwnedFd::from(pipe).into_raw_fd(), Relaxed);
    if CAUGHT.load(Relaxed) {
        // It came before.
        note(WHICH.load(Relaxed));
    }
}

/// Undoes that.
#[cfg(feature = "between-machines")]
pub fn tell_nobody() {
    let told = TOLD.swap(-1, Relaxed);
    if told >= 0 {
        // SAFETY: it was put there by `tell_by`, and is nobody else's. No handler runs on this thread
        // meanwhile that has read it, and others have no handlers.
        drop(unsafe { OwnedFd::from_raw_fd(told) });
    }
}

/// Has [`Received::next`] come back, as if the command's state had changed: what is to be looked at besides
/// has. For another thread.
#[cfg(feature = "between-machines")]
pub fn look_again() {
    // SAFETY: takes no pointers. It is kept back for whoever receives, and ignored where nobody does.
    unsafe { libc::kill(libc::getpid(), SIGCHLD) };
}

extern "C" fn wake(_: c_int) {}

/// Has `SIGALRM` interrupt whatever waits, after this time and again and again.
pub fn wake_after(time: Duration) -> io::Result<()> {
    let value = |time: Duration| libc::timeval {
        tv_sec: time.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        tv_usec: time.subsec_micros().into(),
    };
    let again = if time.is_zero() { time } else { AGAIN };
    // Zero would be no timer.
    let first = if again.is_zero() { time } else { time.max(Duration::from_micros(1)) };
    let timer = libc::itimerval { it_interval: value(again), it_value: value(first) };
    // SAFETY: the timer is read, and nothing is written.
    let answer = unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, ptr::null_mut()) };
    if answer == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Calls off what this process waits for in line, as a signal does that ends it. For another thread.
pub fn call_off() {
    CAUGHT.store(true, Relaxed);
    let _ = wake_after(AGAIN);
}

/// Calls a function at a signal. It interrupts system calls.
fn handle(signal: c_int, handler: libc::sighandler_t) -> libc::sigaction {
    // SAFETY: all zeros is a value of this struct, with no flags and an empty mask.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = handler;
    let mut before = action;
    // SAFETY: both structs live until the call returns; `handler` is a function of this module that
    // does what a handler may do (stores, a system call), or one of the constants. It does not fail for
    // signals that can be handled.
    unsafe { libc::sigaction(signal, &raw const action, &raw mut before) };
    before
}

/// What is done at a signal now.
fn handler(signal: c_int) -> libc::sighandler_t {
    // SAFETY: all zeros is a value of this struct.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    // SAFETY: with no new action the old one is written to where it has room.
    unsafe { libc::sigaction(signal, ptr::null(), &raw mut action) };
    action.sa_sigaction
}

fn function(handler: extern "C" fn(c_int)) -> libc::sighandler_t {
    handler as *const () as libc::sighandler_t
}

/// Has a write beyond the limit on the length of files (`ulimit -f`) fail, and not end this process: what is
/// said while it holds a lock may go to a file. Commands get it as it was: [`give_back`].
pub fn outlive_long_files() {
    if handler(SIGXFSZ) == libc::SIG_DFL {
        handle(SIGXFSZ, libc::SIG_IGN);
        IS_OUTLIVED.store(true, Relaxed);
    }
}

/// Undoes, in a command that is about to begin, what only this program wants. Async-signal-safe.
pub fn give_back() {
    if IS_OUTLIVED.load(Relaxed) {
        handle(SIGXFSZ, libc::SIG_DFL);
    }
}

/// Has `SIGALRM` do nothing but interrupt. Its timer is started by [`wake_after`].
pub fn wake_by_alarm() {
    handle(SIGALRM, function(wake));
}

/// Notes signals that would end or stop this process, instead of ending or stopping.
#[derive(Debug)]
pub struct Noted(Vec<c_int>);

impl Noted {
    pub fn begin() -> Self {
        wake_by_alarm();
        let signals = ENDING.into_iter().chain([SIGTSTP]);
        let handled = signals.filter(|signal| handler(*signal) != libc::SIG_IGN);
        let handled: Vec<c_int> = handled.collect();
        for signal in &handled {
            handle(*signal, function(note));
        }
        Self(handled)
    }
}

/// As it was.
impl Drop for Noted {
    fn drop(&mut self) {
        let _ = wake_after(Duration::ZERO);
        for signal in &self.0 {
            handle(*signal, libc::SIG_DFL);
        }
    }
}

/// Does to this process what the signal that was noted does: ends it, or stops it. Comes back when it
/// has been continued; the signal is forgotten then. To be called when signals are no longer [noted](Noted),
/// and nothing is held.
pub fn obey() {
    let signal = WHICH.swap(0, Relaxed);
    CAUGHT.store(false, Relaxed);
    let _ = wake_after(Duration::ZERO);
    if signal != 0 {
        handle(signal, libc::SIG_DFL);
        // SAFETY: takes no pointers.
        unsafe { libc::raise(signal) };
    }
}

/// What signal has been noted, and whether it would have ended this process, and not only stopped it.
pub fn is_ending() -> bool {
    CAUGHT.load(Relaxed) && WHICH.load(Relaxed) != SIGTSTP
}

/// A set of signals.
#[derive(Clone, Copy)]
pub struct Set(libc::sigset_t);

impl Set {
    fn of(signals: impl IntoIterator<Item = c_int>) -> Self {
        let mut set = MaybeUninit::uninit();
        // SAFETY: there is room for a set, which is made empty.
        unsafe { libc::sigemptyset(set.as_mut_ptr()) };
        // SAFETY: it has just been made.
        let mut set = unsafe { set.assume_init() };
        for signal in signals {
            // SAFETY: the set is one.
            unsafe { libc::sigaddset(&raw mut set, signal) };
        }
        Self(set)
    }

    /// Makes this the set of signals that do not reach this thread. Async-signal-safe.
    pub fn block(&self) -> Self {
        let mut before = Self::of([]);
        // SAFETY: both sets live until the call returns.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, &raw mut before.0) };
        before
    }
}

/// Has no signal reach this thread, which is not the one that has to do with them.
pub fn leave_to_others() {
    let mut all = Set::of([]);
    // SAFETY: the set is one.
    unsafe { libc::sigfillset(&raw mut all.0) };
    all.block();
}

/// A signal that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal {
    pub number: c_int,
    /// Whether the kernel has sent it: a terminal's goes to the whole process group, so the command has
    /// it already.
    pub is_from_kernel: bool,
}

impl Signal {
    pub fn is_of_child(self) -> bool {
        self.number == SIGCHLD
    }
}

/// Signals are kept back, to be received one by one, from here until it is dropped.
pub struct Received {
    set: Set,
    before: Set,
}

impl Received {
    pub fn begin() -> Self {
        // Were it ignored, as it may be from the start, nobody could wait for the command.
        handle(SIGCHLD, libc::SIG_DFL);
        let passed_on = ENDING.into_iter().chain([SIGCONT]);
        let passed_on = passed_on.filter(|signal| handler(*signal) != libc::SIG_IGN);
        let set = Set::of(passed_on.chain([SIGCHLD]));
        let before = set.block();
        Self { set, before }
    }

    /// The signals that were kept back before.
    pub fn before(&self) -> Set {
        self.before
    }

    /// The next one, or `None` after this time, or if something else has interrupted the wait.
    pub fn next(&self, time: Option<Duration>) -> Option<Signal> {
        let time = time.map(|time| libc::timespec {
            tv_sec: time.as_secs().try_into().unwrap_or(libc::time_t::MAX),
            tv_nsec: time.subsec_nanos().into(),
        });
        let time = time.as_ref().map_or(ptr::null(), ptr::from_ref);
        let mut info = MaybeUninit::uninit();
        // SAFETY: the set is one, there is room for the answer, and the time is one or none.
        let number = unsafe { libc::sigtimedwait(&raw const self.set.0, info.as_mut_ptr(), time) };
        if number == -1 {
            return None;
        }
        // SAFETY: it was written, as a signal was received.
        let info: libc::siginfo_t = unsafe { info.assume_init() };
        Some(Signal { number, is_from_kernel: info.si_code == libc::SI_KERNEL })
    }

    /// Forgets those that have come so far.
    pub fn forget(&self) {
        // Of each kind one is kept back; those that come meanwhile are not to keep this going.
        for _ in 0..ENDING.len() + 2 {
            if self.next(Some(Duration::ZERO)).is_none() {
                break;
            }
        }
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        self.before.block();
    }
}
