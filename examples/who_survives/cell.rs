//! What came of one case with one lock.

use std::fmt;

pub struct Cell {
    text: String,
    pub is_as_it_should_be: bool,
}

impl Cell {
    pub fn good(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_as_it_should_be: true }
    }

    pub fn bad(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_as_it_should_be: false }
    }

    pub fn stuck() -> Self {
        Self::bad("stuck")
    }

    /// For more processes than the lock has room for.
    pub fn no_room() -> Self {
        Self::good("-")
    }

    /// Not to be had on this machine.
    pub fn not_run() -> Self {
        Self::good("not run")
    }

    /// Good if that is so, or else bad.
    pub fn either(is_so: bool, good: &str, bad: &str) -> Self {
        if is_so { Self::good(good) } else { Self::bad(bad) }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}
