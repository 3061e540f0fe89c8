//! Processes that do nothing but have their parent's descriptors, and for a while after its death.

use std::mem;
use std::process;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Pid, WaitOptions, getpid, getppid, set_child_subreaper, waitpid};

/// Who is kept alive: in memory that all share.
pub(crate) struct Kept {
    pids: [AtomicU32; 64],
    /// How many have been, after their death.
    outlived: AtomicU64,
}

impl Kept {
    pub(crate) fn wipe(&self) {
        self.pids.iter().for_each(|pid| pid.store(0, SeqCst));
        self.outlived.store(0, SeqCst);
    }

    pub(crate) fn has(&self, pid: u32) -> bool {
        self.pids.iter().any(|kept| kept.load(SeqCst) == pid)
    }

    pub(crate) fn outlived(&self) -> u64 {
        self.outlived.load(SeqCst)
    }

    fn add(&self, pid: u32) -> &AtomicU32 {
        let is_free = |kept: &&AtomicU32| kept.compare_exchange(0, pid, SeqCst, SeqCst).is_ok();
        self.pids.iter().find(is_free).expect("room for all")
    }
}

/// A child that keeps its parent alive, as far as that hangs on its descriptors.
pub(crate) struct Keeper<'a> {
    pid: Pid,
    let_go: &'a AtomicU32,
}

impl<'a> Keeper<'a> {
    /// If this process dies before it [lets go](Self::let_go) of the keeper, that ends so much later.
    pub(crate) fn fork(kept: &Kept, let_go: &'a AtomicU32, later: Duration) -> Self {
        let_go.store(0, SeqCst);
        let parent = process::id();
        // SAFETY: this process has one thread.
        match unsafe { libc::fork() } {
            0 => {
                let it = kept.add(parent);
                let is_orphan = || getppid().map(Pid::as_raw_pid) != i32::try_from(parent).ok();
                while !is_orphan() && let_go.load(SeqCst) == 0 {
                    sleep(Duration::from_micros(100));
                }
                if is_orphan() {
                    kept.outlived.fetch_add(1, SeqCst);
                    sleep(later);
                }
                it.store(0, SeqCst);
                // SAFETY: ends this process at once; the descriptors go with it.
                unsafe { libc::_exit(0) }
            }
            pid => Self { pid: Pid::from_raw(pid).expect("a child"), let_go },
        }
    }

    /// Ends it.
    pub(crate) fn let_go(self) {
        self.let_go.store(1, SeqCst);
        waitpid(Some(self.pid), WaitOptions::empty()).expect("it is a child");
    }
}

/// Has this process wait for keepers whose parents have died.
pub(crate) fn adopt_orphans() {
    set_child_subreaper(Some(getpid())).expect("it is permitted to all");
}

/// Clears away the keepers that have ended, as far as nobody else that has is in the way.
pub(crate) fn clear_orphans(is_other: impl Fn(Pid) -> bool) {
    loop {
        // SAFETY: all zeros is a value of this struct of integers.
        let mut info: libc::siginfo_t = unsafe { mem::zeroed() };
        let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
        // SAFETY: the answer is written to where there is room for it; without children it is an error,
        // and nothing is written.
        let pid = unsafe {
            libc::waitid(libc::P_ALL, 0, &raw mut info, flags);
            info.si_pid()
        };
        let Some(pid) = Pid::from_raw(pid).filter(|pid| !is_other(*pid)) else { return };
        waitpid(Some(pid), WaitOptions::empty()).expect("it is a child");
    }
}

/// Waits for all children that are left: keepers, which end by themselves.
pub(crate) fn wait_for_orphans() {
    while waitpid(None, WaitOptions::empty()).is_ok() {}
}
