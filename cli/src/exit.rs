//! What `bakery` answers: a status, or why it could not.

use std::fmt::{self, Display};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// The exit statuses. They are sysexits' where there is one that fits, and flock's.
pub mod status {
    /// Somebody else has the lock (`-n`), or the time was over (`-w`).
    pub const BUSY: u8 = 75;
    /// The same, for `bakery flock`.
    pub const FLOCK_BUSY: u8 = 1;
    /// The engine of a lock between machines does not answer, or refuses.
    #[cfg(feature = "between-machines")]
    pub const NO_ENGINE: u8 = 69;
    /// A lock between machines was lost, or was about to be, while it was held.
    pub const LOST: u8 = 74;
    /// `--max-time` was over.
    pub const TIME_OVER: u8 = 124;
    /// The command cannot be executed.
    pub const NOT_EXECUTABLE: u8 = 126;
    /// There is no such command.
    pub const NOT_FOUND: u8 = 127;
    /// Either, for `bakery flock`.
    pub const FLOCK_NO_COMMAND: u8 = 69;
    /// The last one died, and `--on-owner-died fail` was asked for, or the repair failed.
    pub const OWNER_DIED: u8 = 76;
    /// The lock is held by this process's own ancestor.
    pub const NESTED: u8 = 77;
    /// Wrong usage.
    pub const USAGE: u8 = 64;
    /// The descriptor is no open file's.
    pub const BAD_DESCRIPTOR: u8 = 65;
    /// The file cannot be opened.
    pub const CANNOT_OPEN: u8 = 66;
    /// The operating system would not do it.
    pub const SYSTEM: u8 = 71;
    /// The file or the lock cannot be made.
    pub const CANNOT_MAKE: u8 = 73;
}

/// Why `bakery` could not do what it was asked for: a status, and what it says on standard error.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    pub status: u8,
    pub message: String,
}

impl Failure {
    pub fn new(status: u8, message: impl Display) -> Self {
        Self { status, message: message.to_string() }
    }

    /// Wrong usage. The message says what to write instead.
    pub fn usage(message: impl Display) -> Self {
        Self::new(status::USAGE, message)
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// A verb's outcome: the exit status, or why there is none of its own.
pub type Outcome = Result<u8, Failure>;

/// A command's status as a shell gives it: its own, or 128 and the number of the signal that killed it.
pub fn of_command(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}
