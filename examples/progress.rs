//! How far a run is, for whoever waits at a terminal.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

/// One line on the terminal, from the first second on; nothing elsewhere.
pub struct Progress {
    expected: u64,
    next: Instant,
    is_shown: bool,
}

impl Progress {
    pub fn new(expected: u64) -> Self {
        Self { expected, next: Instant::now() + Duration::from_secs(1), is_shown: false }
    }

    pub fn show(&mut self, done: u64) {
        if Instant::now() >= self.next && stderr().is_terminal() {
            eprint!("\r{done} of {}", self.expected);
            self.is_shown = true;
            self.next = Instant::now() + Duration::from_millis(100);
        }
    }

    /// Makes room for something else.
    pub fn clear(&mut self) {
        if self.is_shown {
            eprint!("\r\x1b[K");
            self.is_shown = false;
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
