//! A terminal, with a program on it: what it writes is read back as the screen that it makes.

use std::fs::File;
use std::io::{Read, Write};
use std::mem::MaybeUninit;
use std::num::NonZero;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::ptr;
use std::time::{Duration, Instant};

pub struct Terminal {
    keyboard: File,
    other_end: OwnedFd,
    pub program: Child,
    /// All that was written.
    seen: String,
    /// What it has come to.
    screen: vt100::Parser,
}

impl Terminal {
    /// Of 24 lines, with 80 columns.
    pub fn with(program: &mut Command) -> Self {
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
        program.stdin(end()).stdout(end()).stderr(end()).env("TERM", "xterm");
        let program = program.spawn().unwrap();
        let [rows, columns] = [24, 80].map(|size| NonZero::new(size).unwrap());
        let screen = vt100::Parser::new(rows, columns, 0);
        Self { keyboard: terminal, other_end, program, seen: String::new(), screen }
    }

    /// Reads until this has been written.
    pub fn until(&mut self, part: &str) {
        while !self.seen.contains(part) {
            self.read();
        }
    }

    fn read(&mut self) {
        let mut some = [0; 4096];
        let read = self.keyboard.read(&mut some).unwrap();
        self.seen.push_str(&String::from_utf8_lossy(&some[..read]));
        self.screen.process(&some[..read]);
    }

    /// Reads until a line like this is on the screen.
    pub fn until_line(&mut self, is_it: impl Fn(&str) -> bool) {
        self.until_lines(|lines| lines.iter().any(|line| is_it(line)));
    }

    /// Reads until the screen is like this.
    pub fn until_lines(&mut self, are_so: impl Fn(&[String]) -> bool) {
        let end = Instant::now() + Duration::from_mins(1);
        while !are_so(&self.lines()) {
            let mut poll =
                libc::pollfd { fd: self.keyboard.as_raw_fd(), events: libc::POLLIN, revents: 0 };
            // SAFETY: there is one such struct.
            let answer = unsafe { libc::poll(&raw mut poll, 1, 1000) };
            if answer > 0 {
                self.read();
            }
            assert!(Instant::now() < end, "{:#?}", self.lines());
        }
    }

    fn lines(&self) -> Vec<String> {
        self.screen.screen().rows(0, 80).map(|line| line.trim_end().to_owned()).collect()
    }

    pub fn cells(&self, row: u16) -> Vec<&vt100::Cell> {
        (0..80).filter_map(|column| self.screen.screen().cell(row, column)).collect()
    }

    pub fn press(&mut self, keys: &[u8]) {
        self.keyboard.write_all(keys).unwrap();
    }

    pub fn is_raw(&self) -> bool {
        let mut modes = MaybeUninit::<libc::termios>::uninit();
        // SAFETY: there is room for the answer.
        let answer = unsafe { libc::tcgetattr(self.other_end.as_raw_fd(), modes.as_mut_ptr()) };
        assert_eq!(answer, 0);
        // SAFETY: it was written, as the call did not fail.
        unsafe { modes.assume_init() }.c_lflag & libc::ICANON == 0
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}
