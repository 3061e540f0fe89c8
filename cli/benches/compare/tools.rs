//! The programs, and how each is told to lock.

use std::process::{Command, Stdio};

use crate::ground::Ground;

pub struct Tool {
    pub name: &'static str,
    /// Waits, locks alone, and runs what follows. `%` stands for the lock.
    alone: &'static str,
    /// The same, together with others; if it can.
    shared: Option<&'static str>,
    /// The same as `alone`, but waits for 0.3 seconds at the most; if it can.
    timed: Option<&'static str>,
    /// Of Debian.
    package: &'static str,
}

const TOOLS: [Tool; 8] = [
    Tool {
        name: "bakery run",
        alone: "bakery run % -q --",
        shared: Some("bakery run % -qs --"),
        timed: Some("bakery run % -q -w .3 --"),
        package: "this one",
    },
    Tool {
        name: "bakery flock",
        alone: "bakery flock ./%",
        shared: Some("bakery flock -s ./%"),
        timed: Some("bakery flock -w .3 ./%"),
        package: "this one",
    },
    Tool {
        name: "flock",
        alone: "flock ./%",
        shared: Some("flock -s ./%"),
        timed: Some("flock -w .3 ./%"),
        package: "util-linux",
    },
    Tool {
        name: "lckdo",
        alone: "lckdo -w ./%",
        shared: Some("lckdo -w -s ./%"),
        timed: None,
        package: "moreutils",
    },
    Tool {
        name: "setlock",
        alone: "setlock ./%",
        shared: None,
        timed: None,
        package: "daemontools",
    },
    Tool { name: "chpst", alone: "chpst -l ./%", shared: None, timed: None, package: "runit" },
    Tool {
        name: "with-lock-ex",
        alone: "with-lock-ex -w ./%",
        shared: None,
        timed: None,
        package: "chiark-utils-bin",
    },
    Tool {
        name: "sem",
        alone: "sem --will-cite --fg -j 1 --id %",
        shared: None,
        timed: None,
        package: "parallel",
    },
];

impl Tool {
    pub fn alone(&self, ground: &Ground) -> Command {
        command(ground, self.alone)
    }

    pub fn shared(&self, ground: &Ground) -> Option<Command> {
        Some(command(ground, self.shared?))
    }

    pub fn timed(&self, ground: &Ground) -> Option<Command> {
        Some(command(ground, self.timed?))
    }
}

fn command(ground: &Ground, words: &str) -> Command {
    let mut words = words.split(' ').map(|word| word.replace('%', "lock"));
    let mut command = ground.program(&words.next().unwrap());
    command.args(words);
    command
}

/// Those that are installed. It is said which are not.
pub fn found() -> Vec<Tool> {
    TOOLS.into_iter().filter(is_installed).collect()
}

fn is_installed(tool: &Tool) -> bool {
    let ground = Ground::new();
    let mut command = tool.alone(&ground);
    let works =
        command.arg("true").stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    if !works {
        println!("SKIPPED: {} is not here (Debian: apt-get install {})", tool.name, tool.package);
    }
    works
}
