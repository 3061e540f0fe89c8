//! A child that is stopped after so many instructions.

use std::ffi::c_void;
use std::io;
use std::ptr;
use std::time::Duration;

use rustix::process::{Pid, Signal, getpid, kill_process};

use super::route::Route;
use crate::process::{Child, End, until};

/// A process that stops when it is told to.
pub(super) struct Tracee(Child);

/// Whether the system lets a process be traced by its parent.
pub(super) fn may_trace() -> bool {
    let mut child = Child::fork(|| assert!(is_traced(), "refused"));
    child.end_within(Duration::from_secs(10)) == Some(End::Done)
}

fn is_traced() -> bool {
    let nothing = ptr::null_mut::<c_void>();
    // SAFETY: this request has no other arguments.
    unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, nothing, nothing) == 0 }
}

/// Where the path begins and ends.
pub(super) fn mark() {
    let _ = kill_process(getpid(), Signal::STOP);
}

/// Where a tracee has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// The next instruction, or a breakpoint.
    Trap,
    /// Its second mark.
    End,
}

/// How a stretch of a path went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    /// It stands where it was to stand.
    There,
    /// It came to the end of its path before, after so many steps.
    End(u64),
}

/// A wait for a tracee is over when this goes off.
struct Alarm;

impl Alarm {
    fn set(limit: Duration) -> Self {
        extern "C" fn interrupt(_: libc::c_int) {}

        let interrupt: extern "C" fn(libc::c_int) = interrupt;
        // SAFETY: all zeros is a value of this struct; the handler does nothing. Without
        // `SA_RESTART`, it interrupts system calls.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = interrupt as libc::sighandler_t;
            libc::sigaction(libc::SIGALRM, &raw const action, ptr::null_mut());
            libc::alarm(u32::try_from(limit.as_secs() + 1).unwrap_or(u32::MAX));
        }
        Self
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        // SAFETY: no arguments that could be wrong.
        unsafe { libc::alarm(0) };
    }
}

impl Tracee {
    /// Starts it, and waits until it is at its first mark.
    pub(super) fn start(role: impl FnOnce()) -> Self {
        let mut child = Child::fork(|| {
            assert!(is_traced(), "refused");
            role();
        });
        assert_eq!(child.stop(), Some(libc::SIGSTOP), "it stops at its mark");
        Self(child)
    }

    pub(super) fn pid(&self) -> Pid {
        self.0.pid()
    }

    pub(super) fn kill(&mut self) {
        self.0.kill();
    }

    /// Lets it go on from a stop, without a signal.
    fn resume(&self, request: i64) -> Result<(), String> {
        let nothing = ptr::null_mut::<c_void>();
        let request = request.try_into().expect("a small number");
        // SAFETY: the child is stopped; these requests take no address, and a signal: none here.
        match unsafe { libc::ptrace(request, self.0.pid().as_raw_pid(), nothing, nothing) } {
            0 => Ok(()),
            _ => Err(format!("it cannot be stepped: {}", io::Error::last_os_error())),
        }
    }

    fn stop(&mut self) -> Result<Stop, String> {
        match self.0.stop() {
            Some(libc::SIGTRAP) => Ok(Stop::Trap),
            Some(libc::SIGSTOP) => Ok(Stop::End),
            other => Err(format!("stuck, or stopped with {other:?}")),
        }
    }

    /// Takes so many steps, or those to its second mark, and tells the address of each instruction.
    pub(super) fn step(
        &mut self,
        most: u64,
        limit: Duration,
        mut at: impl FnMut(u64),
    ) -> Result<Reached, String> {
        let _alarm = Alarm::set(limit);
        for number in 0..most {
            at(self.address().unwrap_or(0));
            self.resume(libc::PTRACE_SINGLESTEP.into())?;
            if self.stop()? == Stop::End {
                return Ok(Reached::End(number));
            }
        }
        Ok(Reached::There)
    }

    /// Comes to where a route is after so many steps, most of them in one go.
    pub(super) fn go_along(
        &mut self,
        route: &Route,
        steps: u64,
        limit: Duration,
    ) -> Result<Reached, String> {
        let Some((address, passes, rest)) = route.near(steps) else {
            return self.step(steps, limit, |_| ());
        };
        {
            let _alarm = Alarm::set(limit);
            if self.run_to(address, passes)? != Stop::Trap {
                return Ok(Reached::End(0));
            }
        }
        self.step(rest, limit, |_| ())
    }

    /// Lets it go to its end from its second mark.
    pub(super) fn finish(&mut self, limit: Duration) -> Result<(), String> {
        self.resume(libc::PTRACE_CONT.into())?;
        match self.0.end_within(limit) {
            Some(End::Done) => Ok(()),
            _ => Err("stuck, or failed, at its end".to_owned()),
        }
    }

    pub(super) fn run_until_asleep(&mut self, limit: Duration) -> Result<(), String> {
        self.resume(libc::PTRACE_CONT.into())?;
        if until(limit, || self.0.sleeps()) { Ok(()) } else { Err("stuck awake".to_owned()) }
    }
}

/// Breakpoints.
#[cfg(target_arch = "x86_64")]
impl Tracee {
    fn registers(&self) -> Option<libc::user_regs_struct> {
        let nothing = ptr::null_mut::<c_void>();
        // SAFETY: all zeros is a value of this struct of integers, which the request fills.
        unsafe {
            let mut registers: libc::user_regs_struct = std::mem::zeroed();
            let pid = self.0.pid().as_raw_pid();
            let answer = libc::ptrace(libc::PTRACE_GETREGS, pid, nothing, &raw mut registers);
            (answer == 0).then_some(registers)
        }
    }

    /// Where its next instruction is.
    fn address(&self) -> Option<u64> {
        Some(self.registers()?.rip)
    }

    /// Runs until it has passed an address so often and is there once more, or to its second mark.
    fn run_to(&mut self, address: u64, passes: u64) -> Result<Stop, String> {
        const BREAKPOINT: i64 = 0xcc;

        let (pid, nothing) = (self.0.pid().as_raw_pid(), ptr::null_mut::<c_void>());
        let place = address as *mut c_void;
        // SAFETY: reads the memory of a child that is stopped; an address that it has not is an
        // error.
        let word = unsafe { libc::ptrace(libc::PTRACE_PEEKTEXT, pid, place, nothing) };
        let poke = |word: i64| {
            // SAFETY: writes to the memory of a child that is stopped, as above.
            unsafe { libc::ptrace(libc::PTRACE_POKETEXT, pid, place, word as *mut c_void) };
        };
        for pass in 0..=passes {
            if pass > 0 {
                self.resume(libc::PTRACE_SINGLESTEP.into())?;
                if self.stop()? == Stop::End {
                    return Ok(Stop::End);
                }
            }
            poke(word & !0xff | BREAKPOINT);
            self.resume(libc::PTRACE_CONT.into())?;
            if self.stop()? == Stop::End {
                return Ok(Stop::End);
            }
            poke(word);
            let mut registers = self.registers().ok_or("it has no registers")?;
            if registers.rip != address + 1 {
                return Err(format!("stopped at {:x}, not at {address:x}", registers.rip));
            }
            registers.rip = address;
            // SAFETY: the request reads this struct.
            unsafe { libc::ptrace(libc::PTRACE_SETREGS, pid, nothing, &raw mut registers) };
        }
        Ok(Stop::Trap)
    }
}

/// Without breakpoints every step is a single one.
#[cfg(not(target_arch = "x86_64"))]
impl Tracee {
    fn address(&self) -> Option<u64> {
        None
    }

    fn run_to(&mut self, _: u64, _: u64) -> Result<Stop, String> {
        Err("there are no breakpoints here".to_owned())
    }
}
