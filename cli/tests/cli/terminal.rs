//! On a terminal: the line while it waits, and the keys.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::ptr;
use std::sync::{Arc, Mutex};
use std::thread;

use crate::support::{Place, Running, kill, shell, until};

/// A terminal, and what has been written to it.
struct Terminal {
    master: File,
    slave: OwnedFd,
    seen: Arc<Mutex<String>>,
}

impl Terminal {
    fn new() -> Self {
        let (mut master, mut slave) = (0, 0);
        let mut size = libc::winsize { ws_row: 24, ws_col: 60, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: there is room for both descriptors, and the size is one.
        let answer = unsafe {
            libc::openpty(
                &raw mut master,
                &raw mut slave,
                ptr::null_mut(),
                ptr::null_mut(),
                &raw mut size,
            )
        };
        assert_eq!(answer, 0);
        // SAFETY: they are new, and nobody else's.
        let (master, slave) = unsafe { (File::from_raw_fd(master), OwnedFd::from_raw_fd(slave)) };
        for descriptor in [master.as_raw_fd(), slave.as_raw_fd()] {
            // SAFETY: takes no pointers.
            unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
        let seen = Arc::new(Mutex::new(String::new()));
        let (mut reads, writes) = (master.try_clone().unwrap(), seen.clone());
        thread::spawn(move || {
            let mut bytes = [0; 1024];
            while let Ok(length @ 1..) = reads.read(&mut bytes) {
                writes.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..length]));
            }
        });
        Self { master, slave, seen }
    }

    /// In the foreground of it.
    fn start(&self, command: &mut Command) -> Running {
        let end = || Stdio::from(self.slave.try_clone().unwrap());
        command.stdin(end()).stdout(end()).stderr(end());
        let lead = || {
            // SAFETY: take no pointers.
            if unsafe { libc::setsid() == -1 || libc::ioctl(0, libc::TIOCSCTTY, 0) == -1 } {
                return Err(std::io::Error::last_os_error());
            }
            Ok(())
        };
        // SAFETY: makes two system calls.
        unsafe { command.pre_exec(lead) };
        Running::start(command)
    }

    fn press(&mut self, key: u8) {
        self.master.write_all(&[key]).unwrap();
    }

    fn seen(&self) -> String {
        self.seen.lock().unwrap().clone()
    }
}

#[test]
fn while_it_waits_it_says_so_in_one_line() {
    let place = Place::new();
    let held = place.inside("lock", &[], "held");
    let terminal = Terminal::new();
    let waiter = terminal.start(&mut place.run("lock", &[], "echo it is in"));
    until(|| terminal.seen().matches("\r\x1b[Klock: 1st in line, waiting ").count() >= 2);
    let seen = terminal.seen();
    assert!(seen.contains("; held by sh "), "{seen:?}");
    assert!(!seen.contains('\n'), "{seen:?}");
    // Of a narrow terminal it fills one line at the most.
    assert!(seen.split("\r\x1b[K").all(|line| line.chars().count() < 60), "{seen:?}");
    place.make("go.held");
    assert_eq!((waiter.code(), held.code()), (0, 0));
    until(|| terminal.seen().ends_with("\r\x1b[Kit is in\r\n"));
}

#[test]
fn quiet_it_says_nothing() {
    let place = Place::new();
    let held = place.inside("lock", &[], "held");
    let (loud, quiet) = (Terminal::new(), Terminal::new());
    let waiters = [
        loud.start(&mut place.run("lock", &[], "")),
        quiet.start(&mut place.run("lock", &["-q"], "echo done")),
    ];
    until(|| loud.seen().contains("in line"));
    place.make("go.held");
    for one in waiters.into_iter().chain([held]) {
        assert_eq!(one.code(), 0);
    }
    until(|| quiet.seen() == "done\r\n");
}

/// The terminal sends it to the command as well.
#[test]
fn ctrl_c_reaches_the_command_once() {
    let place = Place::new();
    let mut terminal = Terminal::new();
    let script = "trap 'echo int >>got; i=0' INT; i=30; : >up; while [ -d $PWD ] && { [ $i -gt 0 ] || [ ! -e go ]; }; do sleep .02; done; exit 5";
    let wrapper = terminal.start(&mut place.run("lock", &[], script));
    until(|| place.exists("up"));
    terminal.press(3);
    until(|| place.exists("got"));
    // A second one would be there by the time the command has ended.
    place.make("go");
    assert_eq!(wrapper.code(), 5);
    assert_eq!(place.read("got"), "int\n");
}

/// What the terminal tells the whole group is not told again: a command that is in another group does not get
/// it. (Of two at once it would see one.)
#[test]
fn ctrl_c_is_the_terminals_to_pass_on() {
    let place = Place::new();
    let mut terminal = Terminal::new();
    // Another one in the group, which says when it has got it.
    let script = "trap : INT; \"$BAKERY\" run lock -- setsid sh -c 'trap \"echo int >>got\" INT; trap \"echo usr1 >>got\" USR1; \
        echo $PPID >pid; mv pid up; until [ -e go ] || [ ! -d $PWD ]; do sleep .02; done' | \
        sh -c 'trap \"echo >>seen\" INT; : >ready; until [ -e go ] || [ ! -d $PWD ]; do sleep .02; done'";
    let shell = terminal.start(place.program("sh").args(["-c", script]));
    until(|| place.exists("up") && place.exists("ready"));
    terminal.press(3);
    until(|| place.exists("seen"));
    // The wrapper takes signals in the order of their numbers.
    kill(place.read("up").trim().parse().unwrap(), libc::SIGUSR1);
    until(|| place.exists("got"));
    place.make("go");
    shell.end();
    assert_eq!(place.read("got"), "usr1\n");
}

/// Both stop, and go on, as a shell's `fg` has it.
#[test]
fn ctrl_z_stops_and_goes_on() {
    let place = Place::new();
    let mut terminal = Terminal::new();
    // A shell that has jobs is in between, as the kernel stops no group that nobody would continue.
    let script = "set -m; \"$BAKERY\" run lock -- sh -c 'echo $$ >pid; : >up; until [ -e go ] || [ ! -d $PWD ]; do sleep .02; done; exit 5'; \
        : >stopped; fg >/dev/null; echo $? >status";
    let mut command = place.program("bash");
    let shell = terminal.start(command.args(["-c", script]));
    until(|| place.exists("up"));
    terminal.press(26);
    until(|| place.exists("stopped"));
    place.make("go");
    assert_eq!(shell.code(), 0);
    assert_eq!(place.read("status"), "5\n");
}

#[test]
fn ctrl_c_ends_one_that_waits() {
    let place = Place::new();
    let held = place.inside("lock", &[], "held");
    let mut terminal = Terminal::new();
    let waiter = terminal.start(place.bakery(["run", "lock", "--"]).args(shell("exit 3")));
    until(|| place.in_line("lock") == 1);
    terminal.press(3);
    assert_eq!(waiter.code(), 130);
    assert_eq!(place.in_line("lock"), 0);
    place.make("go.held");
    assert_eq!(held.code(), 0);
}
