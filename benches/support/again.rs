//! This program again, told by its first argument what to do.

use std::env;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, getpid, getppid, set_parent_process_death_signal};

/// Such a process. It is killed when this is dropped, and when the thread that started it ends, whatever
/// the way.
pub(crate) struct Again(pub(crate) Child);

impl Again {
    /// It hears what is written to it, and what it prints is heard.
    pub(crate) fn start(role: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(env::current_exe().expect("this program has a path"));
        command.args([role, &getpid().to_string()]).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        Self(command.spawn().expect("this program can be started"))
    }
}

impl Drop for Again {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What this process was told, if it was started here for this role.
pub(crate) fn told(role: &str) -> Option<Vec<String>> {
    let mut arguments = env::args().skip(1);
    arguments.next().filter(|first| first == role)?;
    let parent = arguments.next().and_then(|it| it.parse().ok()).and_then(Pid::from_raw);
    set_parent_process_death_signal(Some(Signal::KILL)).expect("it can be asked for");
    // Whoever ended before that was asked for sends no signal.
    assert!(parent.is_some() && getppid() == parent, "{role} is not for users");
    Some(arguments.collect())
}
