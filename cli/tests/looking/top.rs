//! `bakery top`, on a terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::ptr;

use crate::support::{Place, SLEEP, held_with, words};

/// A terminal, and a `bakery top` on it.
struct Shown {
    terminal: File,
    other_end: OwnedFd,
    top: Child,
    seen: String,
}

impl Shown {
    fn new(place: &Place) -> Self {
        let (mut terminal, mut other_end) = (0, 0);
        let size = libc::winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: there is room for both descriptors; the size is read, and the rest is not asked for.
        let answer = unsafe {
            libc::openpty(
                &raw mut terminal,
                &raw mut other_end,
                ptr::null_mut(),
                ptr::null(),
                &raw const size,
            )
        };
        assert_eq!(answer, 0);
        // SAFETY: both have just been opened, and nothing else has them.
        let (terminal, other_end) =
            unsafe { (File::from_raw_fd(terminal), OwnedFd::from_raw_fd(other_end)) };
        let end = || Stdio::from(other_end.try_clone().unwrap());
        let mut top = place.command(["top"]);
        top.stdin(end()).stdout(end()).stderr(end()).env("TERM", "xterm");
        let top = top.spawn().unwrap();
        Self { terminal, other_end, top, seen: String::new() }
    }

    /// Reads until this has been shown.
    fn until(&mut self, part: &str) {
        let mut some = [0; 4096];
        while !self.seen.contains(part) {
            let read = self.terminal.read(&mut some).unwrap();
            self.seen.push_str(&String::from_utf8_lossy(&some[..read]));
        }
    }

    fn is_raw(&self) -> bool {
        let mut modes = MaybeUninit::<libc::termios>::uninit();
        // SAFETY: there is room for the answer.
        let answer = unsafe { libc::tcgetattr(self.other_end.as_raw_fd(), modes.as_mut_ptr()) };
        assert_eq!(answer, 0);
        // SAFETY: it was written, as the call did not fail.
        unsafe { modes.assume_init() }.c_lflag & libc::ICANON == 0
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        let _ = self.top.kill();
        let _ = self.top.wait();
    }
}

const LEFT: &str = "\x1b[?1049l";

#[test]
fn locks_are_shown_until_q_is_pressed() {
    let place = Place::new();
    let _holder = place.start(words(&["run", "deploy"], &SLEEP));
    place.until("deploy", held_with(0));
    let _waiter = place.start(words(&["run", "deploy"], &["--", "make", "all"]));
    place.until("deploy", held_with(1));
    let mut shown = Shown::new(&place);
    shown.until("hand-overs");
    assert!(shown.is_raw());
    for part in ["deploy", "held", "sleep", "make", "1 locks"] {
        shown.until(part);
    }
    shown.terminal.write_all(b"q").unwrap();
    shown.until(LEFT);
    assert!(shown.top.wait().unwrap().success());
    assert!(!shown.is_raw());
}

#[test]
fn a_signal_gives_the_terminal_back() {
    let place = Place::new();
    let mut shown = Shown::new(&place);
    shown.until("hand-overs");
    let pid = i32::try_from(shown.top.id()).unwrap();
    // SAFETY: takes no pointers; it has not been waited for.
    unsafe { libc::kill(pid, libc::SIGTERM) };
    shown.until(LEFT);
    assert_eq!(shown.top.wait().unwrap().signal(), Some(libc::SIGTERM));
    assert!(!shown.is_raw());
}

#[test]
fn without_a_terminal_it_says_what_to_write() {
    let place = Place::new();
    let output = place.output(["top"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("bakery ls"), "{output:?}");
}
