//! A directory of locks for each test, and processes that end with it.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take before it counts as hanging.
const LONG: Duration = Duration::from_mins(1);

pub struct Place(TempDir);

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Where nobody cleans up.
    pub fn in_memory() -> Self {
        Self(tempfile::tempdir_in("/dev/shm").unwrap())
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn locks(&self) -> PathBuf {
        self.path("locks")
    }

    pub fn command<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bakery"));
        command.args(words).env("BAKERY_LOCK_DIR", self.locks()).current_dir(self.0.path());
        command.env_remove("NO_COLOR").env_remove("BAKERY_ENGINE").stdin(Stdio::null());
        command
    }

    pub fn output<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Output {
        self.command(words).output().unwrap()
    }

    /// Its standard output, after it has ended well.
    pub fn text<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> String {
        let output = self.output(words);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts it, in a process group of its own, which is killed with what it leaves behind.
    pub fn start<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Running {
        let mut command = self.command(words);
        command.process_group(0).stdout(Stdio::null()).stderr(Stdio::null());
        Running(command.spawn().unwrap())
    }

    /// What `status --json` says of it now.
    pub fn look(&self, name: impl AsRef<OsStr>) -> Value {
        let output = self.output([OsStr::new("status"), name.as_ref(), OsStr::new("--json")]);
        let text = String::from_utf8(output.stdout).unwrap();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text:?}"))
    }

    /// Waits until it says this.
    pub fn until(&self, name: impl AsRef<OsStr>, is_so: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + LONG;
        loop {
            let look = self.look(&name);
            if is_so(&look) {
                return look;
            }
            assert!(Instant::now() < end, "{look}");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Whether somebody holds it, and has begun its command; and so many wait.
pub fn held_with(waiting: usize) -> impl Fn(&Value) -> bool {
    move |look| {
        let holder = &look["holders"][0];
        look["state"] == "held"
            && holder["wrapper"] != holder["pid"]
            && look["queue"].as_array().unwrap().len() == waiting
    }
}

pub fn holders(look: &Value) -> usize {
    look["holders"].as_array().map_or(0, Vec::len)
}

pub fn is_free(look: &Value) -> bool {
    look["state"] == "free"
}

/// A process, and all of its group.
pub struct Running(Child);

impl Running {
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// SIGKILL for the one process that was started.
    pub fn kill_it_alone(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    pub fn terminate(&mut self) {
        let pid = i32::try_from(self.0.id()).unwrap();
        // SAFETY: takes no pointers; it has not been waited for.
        unsafe { libc::kill(pid, libc::SIGTERM) };
    }

    /// Waits for its end.
    pub fn end(&mut self) -> Option<i32> {
        let end = Instant::now() + LONG;
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < end, "it does not end");
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let group = i32::try_from(self.0.id()).unwrap();
        // SAFETY: takes no pointers; the group is this test's own.
        unsafe { libc::kill(-group, libc::SIGKILL) };
        let _ = self.0.wait();
    }
}

pub fn kill(pid: &Value) {
    let pid = i32::try_from(pid.as_i64().unwrap()).unwrap();
    assert!(pid > 1);
    // SAFETY: takes no pointers; the process is one of this test's.
    unsafe { libc::kill(pid, libc::SIGKILL) };
}

/// What is run under a lock: it ends when its test does.
pub const SLEEP: [&str; 3] = ["--", "sleep", "300"];

pub fn words<'a>(parts: &[&'a str], command: &[&'a str]) -> Vec<&'a str> {
    [parts, command].concat()
}

/// A shell that locks a file by flock(1), and sleeps as `exec` does.
pub fn plain_flock(place: &Place, file: &str) -> Running {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("exec 9>{file}; flock 9; exec sleep 300")]);
    command.current_dir(place.0.path()).process_group(0);
    Running(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap())
}

pub fn exists(path: impl AsRef<Path>) -> bool {
    fs::symlink_metadata(path).is_ok()
}
