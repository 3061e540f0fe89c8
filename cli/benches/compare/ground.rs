//! Where a trial takes place, and the processes that end with it.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// What takes longer hangs.
const LONG: Duration = Duration::from_mins(1);

/// A directory, and one for locks.
pub struct Ground {
    directory: TempDir,
    locks: TempDir,
}

impl Ground {
    pub fn new() -> Self {
        let locks = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new());
        Self { directory: TempDir::new().unwrap(), locks: locks.unwrap() }
    }

    pub fn program(&self, name: &str) -> Command {
        let program = if name == "bakery" { env!("CARGO_BIN_EXE_bakery") } else { name };
        let mut command = Command::new(program);
        command
            .current_dir(self.directory.path())
            .env("BAKERY_LOCK_DIR", self.locks.path().join("names"))
            // Where some keep their locks.
            .env("HOME", self.directory.path())
            .stdin(Stdio::null());
        command
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    pub fn lines(&self, name: &str) -> usize {
        self.read(name).lines().count()
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// A script there, to be run by `sh`. (One of these programs takes its arguments apart again.) What
    /// loops ends with this place.
    pub fn script(&self, name: &str, text: &str) -> [String; 2] {
        self.write(name, text);
        ["sh".to_owned(), format!("./{name}")]
    }

    pub fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// Waits until there is such a file that is not empty.
    pub fn until_there(&self, name: &str) -> String {
        assert!(until(LONG, || !self.read(name).is_empty()), "{name} does not come");
        self.read(name)
    }
}

/// Whether it comes to that within this time.
pub fn until(time: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let begin = Instant::now();
    loop {
        if is_so() {
            return true;
        }
        if begin.elapsed() > time {
            return false;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// A process, in a group of its own, which is killed when this is dropped.
pub struct Running(Child);

impl Running {
    pub fn start(command: &mut Command) -> Self {
        command.process_group(0).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }

    pub fn pid(&self) -> i32 {
        self.0.id().try_into().unwrap()
    }

    pub fn signal(&self, signal: i32) {
        kill(self.pid(), signal);
    }

    pub fn end(&mut self) -> ExitStatus {
        assert!(until(LONG, || self.0.try_wait().unwrap().is_some()), "it does not end");
        self.0.wait().unwrap()
    }

    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        kill(-self.pid(), libc::SIGKILL);
        let _ = self.0.wait();
    }
}

pub fn kill(pid: i32, signal: i32) {
    // SAFETY: takes no pointers.
    unsafe { libc::kill(pid, signal) };
}
