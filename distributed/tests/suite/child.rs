//! Other processes: this program, started again in a role.

use std::env;
use std::ffi::OsStr;
use std::process::Command;

use anyhow::Result;

use crate::arena::Arena;
pub use crate::process::{Process, tell};

const ROLE: &str = "BAKERY_TEST_ROLE";
const WORDS: &str = "BAKERY_TEST_WORDS";

pub type Role = fn(&[&str]) -> Result<()>;

/// Plays the role that this process was started for, if any.
pub fn play(roles: &[(&str, Role)]) {
    let Ok(asked) = env::var(ROLE) else { return };
    let words = env::var(WORDS).unwrap();
    let (_, role) = roles.iter().find(|(role, _)| *role == asked).expect("an unknown role");
    role(&words.split('\n').collect::<Vec<_>>()).unwrap();
}

/// Runs something of a child's.
pub fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Runtime::new().unwrap().block_on(future)
}

impl Process {
    pub fn start(arena: &Arena, role: &str, words: &[&str]) -> Result<Self> {
        Self::start_with(arena, role, words, &[])
    }

    /// With these variables in its environment.
    pub fn start_with(
        arena: &Arena,
        role: &str,
        words: &[&str],
        variables: &[(&str, &OsStr)],
    ) -> Result<Self> {
        let words = [&[arena.url.as_str(), arena.name], words].concat();
        let mut command = Command::new(env::current_exe()?);
        command.args(["--exact", "child", "--nocapture"]).envs(variables.iter().copied());
        Self::spawn(command.env(ROLE, role).env(WORDS, words.join("\n")))
    }
}
