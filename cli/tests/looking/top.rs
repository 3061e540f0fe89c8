//! `bakery top`, on a terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::mem::MaybeUninit;
use std::num::NonZero;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::ptr;
use std::time::{Duration, Instant};

use crate::support::{Place, SLEEP, held_with, is_free, words};

/// A terminal, and a `bakery top` on it.
struct Shown {
    terminal: File,
    other_end: OwnedFd,
    top: Child,
    /// All that was written.
    seen: String,
    /// What it has come to on the screen.
    screen: vt100::Parser,
}

const UP: &[u8] = b"\x1b[A";
const DOWN: &[u8] = b"\x1b[B";

impl Shown {
    fn new(place: &Place) -> Self {
        Self::with(place, |_| {})
    }

    fn with(place: &Place, prepare: impl FnOnce(&mut Command)) -> Self {
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
        prepare(&mut top);
        let top = top.spawn().unwrap();
        let [rows, columns] = [24, 80].map(|size| NonZero::new(size).unwrap());
        let screen = vt100::Parser::new(rows, columns, 0);
        Self { terminal, other_end, top, seen: String::new(), screen }
    }

    /// Reads until this has been written.
    fn until(&mut self, part: &str) {
        while !self.seen.contains(part) {
            self.read();
        }
    }

    fn read(&mut self) {
        let mut some = [0; 4096];
        let read = self.terminal.read(&mut some).unwrap();
        self.seen.push_str(&String::from_utf8_lossy(&some[..read]));
        self.screen.process(&some[..read]);
    }

    /// Reads until a line like this is on the screen.
    fn until_line(&mut self, is_it: impl Fn(&str) -> bool) {
        self.until_lines(|lines| lines.iter().any(|line| is_it(line)));
    }

    /// Reads until the screen is like this.
    fn until_lines(&mut self, are_so: impl Fn(&[String]) -> bool) {
        let end = Instant::now() + Duration::from_mins(1);
        loop {
            let lines: Vec<String> = self.screen.screen().rows(0, 80).collect();
            if are_so(&lines) {
                return;
            }
            // It draws anew each second, so there is something to be read.
            assert!(Instant::now() < end, "{lines:#?}");
            self.read();
        }
    }

    fn press(&mut self, keys: &[u8]) {
        self.terminal.write_all(keys).unwrap();
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
    for part in ["deploy", "held", "sleep", "make", "1 lock,"] {
        shown.until(part);
    }
    shown.terminal.write_all(b"q").unwrap();
    shown.until(LEFT);
    assert!(shown.top.wait().unwrap().success());
    assert!(!shown.is_raw());
}

#[test]
fn a_key_ends_whoever_holds_a_lock_or_waits_for_it() {
    let place = Place::new();
    let mut holder = place.start(words(&["run", "deploy"], &SLEEP));
    let command = place.until("deploy", held_with(0))["holders"][0]["pid"].clone();
    let mut waiter = place.start(words(&["run", "deploy"], &["--", "make", "all"]));
    place.until("deploy", held_with(1));
    let mut shown = Shown::new(&place);
    shown.until_line(|line| line.contains("make all"));
    // Nothing is chosen yet.
    shown.press(b"k");
    shown.until_line(|line| line.starts_with("choose a lock"));
    // The first line, and the one below.
    shown.press(&[DOWN, DOWN, b"k"].concat());
    let asked = format!("end make {}, which waits for deploy? y", waiter.id());
    shown.until_line(|line| line.starts_with(&asked));
    shown.press(b"n");
    shown.until_line(|line| line.starts_with("nothing was ended"));
    assert!(!waiter.has_ended());
    shown.press(b"k");
    shown.until_line(|line| line.starts_with(&asked));
    shown.press(b"y");
    assert_eq!(waiter.end(), None);
    shown.until_line(|line| line.starts_with("deploy") && line.contains(" 0 "));
    shown.press(&[UP, b"k"].concat());
    let asked = format!("end sleep {command}, which has deploy? y");
    shown.until_line(|line| line.starts_with(&asked));
    shown.press(b"y");
    assert_eq!(holder.end(), Some(128 + libc::SIGTERM));
    shown.until_line(|line| line.starts_with("deploy") && line.contains("free"));
    shown.press(b"k");
    shown.until_line(|line| line.starts_with("nobody has deploy"));
    shown.press(b"q");
    assert!(shown.top.wait().unwrap().success());
}

#[test]
fn a_key_pauses_a_lock_and_resumes_it() {
    let place = Place::new();
    place.text(["run", "deploy", "--", "true"]);
    let mut shown = Shown::new(&place);
    shown.until_line(|line| line.starts_with("deploy") && line.contains("free"));
    shown.press(&[DOWN, b"p"].concat());
    shown.until_line(|line| line.starts_with("deploy") && line.contains("paused"));
    assert_eq!(place.look("deploy")["state"], "paused");
    shown.press(b"p");
    shown.until_line(|line| line.starts_with("deploy") && line.contains("free"));
    place.until("deploy", is_free);
}

#[test]
fn a_key_finds_locks_by_names_and_commands() {
    let place = Place::new();
    for name in ["deploy", "backup"] {
        place.text(["run", name, "--", "true"]);
    }
    let _holder = place.start(words(&["run", "gpu"], &SLEEP));
    place.until("gpu", held_with(0));
    let mut shown = Shown::new(&place);
    shown.until_line(|line| line.starts_with("deploy"));
    for (keys, name) in [(&b"/back\r"[..], "backup"), (b"/sleep\r", "gpu")] {
        shown.press(keys);
        shown.until_lines(|lines| {
            lines[1].starts_with(name)
                && lines[2].trim().is_empty()
                && lines[22].starts_with("3 locks")
        });
    }
    shown.press(b"/\x1b");
    shown.until_line(|line| line.starts_with("deploy"));
}

#[test]
fn without_colours_there_are_none() {
    let place = Place::new();
    let _holder = place.start(words(&["run", "deploy"], &SLEEP));
    place.until("deploy", held_with(0));
    let has_colour = |shown: &mut Shown| {
        shown.until_line(|line| line.starts_with("deploy"));
        let cells = (0..80).filter_map(|column| shown.screen.screen().cell(1, column));
        cells.into_iter().any(|cell| cell.fgcolor() != vt100::Color::Default)
    };
    assert!(has_colour(&mut Shown::new(&place)));
    let mut shown = Shown::with(&place, |command| {
        command.env("NO_COLOR", "1");
    });
    assert!(!has_colour(&mut shown));
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
