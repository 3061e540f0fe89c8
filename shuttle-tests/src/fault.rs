//! A planted fault: one operation of the sources that is not done.

use std::fmt;

use crate::mutation;

/// Names the fault of a process that has one.
pub(crate) const FAULT: &str = "SHUTTLE_TESTS_FAULT";

/// Puts this process's fault in force, if it is to have one.
pub(crate) fn put_in_force() {
    if let Ok(site) = std::env::var(FAULT) {
        // Already in force if another test of this process was first.
        let _ = mutation::mutate(&site, "dropped");
    }
}

/// Where a fault is: at an operation that stands once in the sources behind these words.
pub(crate) struct Fault {
    pub(crate) file: &'static str,
    pub(crate) text: &'static str,
    pub(crate) behind: &'static str,
    pub(crate) operation: &'static str,
}

/// `file:line:column`.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, text, behind, operation } = self;
        let both = format!("{behind}{operation}");
        let parts: Vec<_> = text.split(&both).collect();
        let [before, _] = parts[..] else {
            panic!("{file} does not have this, or more than once: {both}");
        };
        let before = format!("{before}{behind}");
        let line = before.lines().last().unwrap_or_default();
        write!(f, "{file}:{}:{}", before.lines().count(), line.len() + 1)
    }
}
