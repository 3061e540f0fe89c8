//! Children that are forked off, and waits with an end.
//!
//! The program that forks has one thread, but for that of its bells, which sleeps; so a child may do whatever
//! a process does.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::ptr::{self, NonNull};
use std::time::{Duration, Instant};

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, kill_process, set_parent_process_death_signal, waitpid,
};

/// Memory that the children share with this program, for as long as it runs.
///
/// # Safety
///
/// All zeros is a value of `T`, which is atomics only.
pub(crate) unsafe fn shared_memory<T>() -> &'static T {
    let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED);
    // SAFETY: a new mapping, at an address of the kernel's choice.
    let start = unsafe { mmap_anonymous(ptr::null_mut(), size_of::<T>(), access, flags) };
    let start = NonNull::new(start.expect("there is memory")).expect("which is not at address 0");
    // SAFETY: zeros, which the caller answers for; aligned to a page; and never unmapped.
    unsafe { start.cast().as_ref() }
}

/// A moment, as short as the kernel makes it.
pub(crate) fn moment() {
    std::thread::sleep(Duration::from_micros(20));
}

/// Sleeps end when they are over, not up to 50 microseconds later.
pub(crate) fn be_punctual() {
    // SAFETY: sets a number of this thread.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1) };
}

/// Waits until something is so, but not longer than this. Whether it is.
pub(crate) fn until(limit: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !is_so() {
        if start.elapsed() > limit {
            return false;
        }
        moment();
    }
    true
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// By itself, having done all that it was to do.
    Done,
    /// By SIGKILL.
    Killed,
    /// In another way: it panicked.
    Failed,
}

/// A child. Killed and waited for when dropped.
#[derive(Debug)]
pub(crate) struct Child {
    pid: Pid,
    end: Option<End>,
}

impl Child {
    /// Forks off a child that does this.
    pub(crate) fn fork(role: impl FnOnce()) -> Self {
        // SAFETY: this program has one thread that does anything.
        match unsafe { libc::fork() } {
            0 => {
                let _ = set_parent_process_death_signal(Some(Signal::KILL));
                set_hook(Box::new(|panic| {
                    eprintln!("participant {}: {panic}", std::process::id());
                }));
                let done = catch_unwind(AssertUnwindSafe(role)).is_ok();
                // SAFETY: ends the process at once; what its parent has open is its parent's.
                unsafe { libc::_exit(i32::from(!done)) }
            }
            pid => {
                let pid = Pid::from_raw(pid).filter(|pid| pid.as_raw_pid() > 0);
                let pid = pid.unwrap_or_else(|| panic!("fork: {}", io::Error::last_os_error()));
                Self { pid, end: None }
            }
        }
    }

    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    /// How it ended, if it has.
    pub(crate) fn end(&mut self) -> Option<End> {
        if self.end.is_none() {
            let (_, status) =
                waitpid(Some(self.pid), WaitOptions::NOHANG).expect("it is a child")?;
            self.end = Some(how(status));
        }
        self.end
    }

    /// Waits for its end, but not longer than this.
    pub(crate) fn end_within(&mut self, limit: Duration) -> Option<End> {
        until(limit, || self.end().is_some());
        self.end
    }

    pub(crate) fn signal(&self, signal: Signal) {
        if self.end.is_none() {
            let _ = kill_process(self.pid, signal);
        }
    }

    /// Kills it, and waits until it is gone. Whether it had not come to its end before.
    pub(crate) fn kill(&mut self) -> bool {
        self.signal(Signal::KILL);
        while self.end.is_none() {
            let (_, status) = waitpid(Some(self.pid), WaitOptions::empty())
                .expect("it is a child")
                .expect("waited for");
            // One that is traced stops a last time.
            self.end = (!status.stopped()).then(|| how(status));
        }
        self.end == Some(End::Killed)
    }

    /// Waits until it stops or ends: the signal that it stopped with. A signal ends the wait too.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        let Ok(Some((_, status))) = waitpid(Some(self.pid), WaitOptions::UNTRACED) else {
            return None;
        };
        if !status.stopped() {
            self.end = Some(how(status));
        }
        status.stopping_signal()
    }

    /// Whether it sleeps in the kernel.
    pub(crate) fn sleeps(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        // The state stands behind the program's name, which may hold anything.
        stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" S"))
    }
}

fn how(status: WaitStatus) -> End {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(0), _) => End::Done,
        (_, Some(signal)) if signal == Signal::KILL.as_raw() => End::Killed,
        _ => End::Failed,
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}
