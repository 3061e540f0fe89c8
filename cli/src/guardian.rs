//! A process that kills the command when nobody else would: if `bakery` has been killed, or has been stopped
//! for so long that what the command needs would be lost.
//!
//! It is a fork that heeds no signals and has no descriptor but a pipe. Whom it guards, and until when, is
//! written into that; when nobody has the other end, or the time is over, it kills.

use std::io::{self, PipeWriter, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use libc::{SIGKILL, c_int, pid_t};

use crate::signals;

/// Whom to kill (a group if it is less than 0, nobody if it is 0), and when, on [`now`]'s clock.
const LENGTH: usize = 12;

/// Until it is dropped.
pub struct Guardian {
    pipe: PipeWriter,
    pid: pid_t,
}

impl Guardian {
    /// # Errors
    ///
    /// There is no process, or no descriptor, to be had.
    pub fn start() -> io::Result<Self> {
        let (read, pipe) = io::pipe()?;
        // It may be stopped: then it is not waited for.
        // SAFETY: takes no pointers.
        unsafe { libc::fcntl(pipe.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) };
        let (reads, writes) = (read.as_raw_fd(), pipe.as_raw_fd());
        // SAFETY: there are other threads, so the child only makes system calls.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            0 => guard(reads, writes),
            pid => Ok(Self { pipe, pid }),
        }
    }

    /// From here on kills this process, or the group, when so much time has gone by, or this process has
    /// ended.
    pub fn guard(&mut self, target: pid_t, left: Duration) {
        let end = now().saturating_add(u64::try_from(left.as_nanos()).unwrap_or(u64::MAX));
        let mut words = [0; LENGTH];
        words[..4].copy_from_slice(&target.to_ne_bytes());
        words[4..].copy_from_slice(&end.to_ne_bytes());
        // One that is gone guards no more; the command has what the kernel does.
        let _ = self.pipe.write(&words);
    }
}

/// Nobody is guarded any more.
impl Drop for Guardian {
    fn drop(&mut self) {
        self.guard(0, Duration::ZERO);
        // SAFETY: takes no pointers but one that is none. One that is stopped is not waited for.
        unsafe { libc::waitpid(self.pid, std::ptr::null_mut(), libc::WNOHANG) };
    }
}

/// In nanoseconds; it goes on while the machine is suspended.
fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: there is room for the answer.
    unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &raw mut time) };
    let part = |part: i64| u64::try_from(part).unwrap_or(0);
    part(time.tv_sec) * 1_000_000_000 + part(time.tv_nsec)
}

/// What the child does: nothing but system calls.
fn guard(reads: RawFd, writes: RawFd) -> ! {
    signals::leave_to_others();
    // SAFETY: take no pointers, but for a name that ends with a zero. In this process nobody else has a
    // descriptor. That descriptors cannot be closed at once is known of old kernels: then it keeps open what
    // its parent has, until it ends.
    unsafe {
        libc::setsid();
        libc::prctl(libc::PR_SET_NAME, c"bakery-guardian".as_ptr());
        libc::close(writes);
        libc::dup2(reads, 0);
        libc::syscall(libc::SYS_close_range, 1, c_int::MAX, 0);
    }
    let (mut target, mut end): (pid_t, Option<u64>) = (0, None);
    loop {
        if !is_readable(end) {
            if end.is_some_and(|end| end <= now()) {
                kill(target);
                end = None;
            }
            continue;
        }
        let mut words = [0_u8; LENGTH];
        // SAFETY: there is room for so many bytes.
        let read = unsafe { libc::read(0, words.as_mut_ptr().cast(), LENGTH) };
        if usize::try_from(read) != Ok(LENGTH) {
            kill(target);
            break;
        }
        let [t0, t1, t2, t3, e0, e1, e2, e3, e4, e5, e6, e7] = words;
        target = pid_t::from_ne_bytes([t0, t1, t2, t3]);
        end = Some(u64::from_ne_bytes([e0, e1, e2, e3, e4, e5, e6, e7]));
        if target == 0 {
            break;
        }
    }
    // SAFETY: takes no pointers.
    unsafe { libc::_exit(0) }
}

/// Whether there are words, or nobody who would write any, before it is that late.
fn is_readable(end: Option<u64>) -> bool {
    // Not for long: the clock of the wait stands still while the machine is suspended.
    let left = end.map(|end| end.saturating_sub(now()).div_ceil(1_000_000).min(1000));
    let left = left.and_then(|left| c_int::try_from(left).ok()).unwrap_or(-1);
    let mut poll = libc::pollfd { fd: 0, events: libc::POLLIN, revents: 0 };
    // SAFETY: there is one such struct.
    unsafe { libc::poll(&raw mut poll, 1, left) > 0 }
}

fn kill(target: pid_t) {
    if target != 0 {
        // SAFETY: takes no pointers. That there is nobody any more is no error.
        unsafe { libc::kill(target, SIGKILL) };
    }
}
