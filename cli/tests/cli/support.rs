//! Real processes of the real program, in a directory of their own, with locks of their own.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use bakery_lock::shared::{Data, Error, Mutex, Options, Status};
use tempfile::TempDir;

/// Makes a failure of what would otherwise hang for ever; no measure of anything.
const LIMIT: Duration = Duration::from_mins(1);

pub const BAKERY: &str = env!("CARGO_BIN_EXE_bakery");

/// A command that says by a file that it is in (`up.NAME`), and stays until there is another (`go.NAME`),
/// or the place is gone.
pub fn stays(name: &str) -> [OsString; 3] {
    shell(&format!(
        "echo $$ >pid.{name}; mv pid.{name} up.{name}; until [ -e go.{name} ] || [ ! -d $PWD ]; do sleep .02; done; echo {name} >>out"
    ))
}

pub fn shell(script: &str) -> [OsString; 3] {
    ["sh".into(), "-c".into(), script.into()]
}

/// Waits until something is so.
#[track_caller]
pub fn until(mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < LIMIT, "it does not come to that");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Where a test takes place.
pub struct Place {
    directory: TempDir,
    /// In memory, where names are otherwise.
    locks: TempDir,
}

/// What is started from here on heeds signals, even if this program was started in a shell's background or
/// by nohup, whose children ignore some.
fn heed_signals() {
    for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT] {
        // SAFETY: no handler is set.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

impl Place {
    pub fn new() -> Self {
        heed_signals();
        let memory = Path::new("/dev/shm");
        let locks = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
        Self { directory: TempDir::new().unwrap(), locks: locks.unwrap() }
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    pub fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    pub fn make(&self, name: &str) {
        fs::write(self.path(name), "").unwrap();
    }

    /// The process that has said that it is up.
    pub fn pid(&self, name: &str) -> u32 {
        let file = format!("up.{name}");
        until(|| self.exists(&file));
        self.read(&file).trim().parse().unwrap()
    }

    /// A program in this place.
    pub fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.directory.path())
            .env("BAKERY_LOCK_DIR", self.locks.path().join("names"))
            .env("BAKERY", BAKERY)
            .env_remove("BAKERY_ENGINE")
            .env_remove("BAKERY_HELD")
            .env_remove("BAKERY_WAIT")
            .stdin(Stdio::null());
        command
    }

    pub fn bakery<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = self.program(BAKERY);
        command.args(arguments);
        command
    }

    /// `bakery run NAME [options] -- sh -c SCRIPT`
    pub fn run(&self, name: &str, options: &[&str], script: &str) -> Command {
        let mut command = self.bakery(["run", name]);
        command.args(options).arg("--").args(shell(script));
        command
    }

    /// What came of it.
    #[track_caller]
    #[expect(clippy::unused_self, reason = "it takes place there")]
    pub fn outcome(&self, command: &mut Command) -> (i32, String, String) {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let Output { status, stdout, stderr } = Running::from(child).output();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (code(status), text(&stdout), text(&stderr))
    }

    /// The status alone.
    #[track_caller]
    pub fn status(&self, command: &mut Command) -> i32 {
        self.outcome(command).0
    }

    /// Whether somebody who does not wait is turned away.
    #[track_caller]
    pub fn is_busy(&self, name: &str, options: &[&str]) -> bool {
        match self.status(&mut self.run(name, &[&["-nq"], options].concat(), "exit 3")) {
            3 => false,
            75 => true,
            other => panic!("{other}"),
        }
    }

    /// Starts a command that [stays], and waits until it is in.
    #[track_caller]
    pub fn inside(&self, lock: &str, options: &[&str], name: &str) -> Running {
        let running = self.queued(lock, options, name);
        until(|| self.exists(&format!("up.{name}")));
        running
    }

    pub fn queued(&self, lock: &str, options: &[&str], name: &str) -> Running {
        let mut command = self.bakery(["run", lock]);
        command.args(options).arg("--").args(stays(name));
        Running::start(&mut command)
    }

    pub fn segment(&self, name: &str) -> PathBuf {
        self.locks.path().join("names").join(name)
    }

    pub fn look(&self, name: &str) -> Result<Status, Error> {
        Options::status_at(self.segment(name))
    }

    /// How many are in line behind whoever is inside, or at the head.
    pub fn in_line(&self, name: &str) -> usize {
        self.look(name).map_or(0, |status| status.queue.len())
    }

    /// The line of a file, as `bakery flock` calls it.
    pub fn line_of(&self, file: &str) -> String {
        use std::os::unix::fs::MetadataExt;
        let metadata = fs::metadata(self.path(file)).unwrap();
        format!("file-{:x}-{}", metadata.dev(), metadata.ino())
    }

    /// What a Rust program has.
    pub fn mutex<T: Data>(&self, name: &str, value: T) -> Mutex<T> {
        let directory = self.locks.path().join("names");
        if !directory.exists() {
            use std::os::unix::fs::DirBuilderExt;
            fs::DirBuilder::new().mode(0o700).create(&directory).unwrap();
        }
        Options::new().open_at(self.segment(name), value).unwrap()
    }
}

/// A status as a shell gives it.
pub fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap())
}

/// A process. Killed when dropped, should it still be there.
pub struct Running(Child);

impl From<Child> for Running {
    fn from(child: Child) -> Self {
        Self(child)
    }
}

impl Running {
    pub fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    pub fn signal(&self, signal: i32) {
        kill(self.pid(), signal);
    }

    /// Waits for its end.
    #[track_caller]
    pub fn end(mut self) -> ExitStatus {
        let mut status = None;
        until(|| {
            status = self.0.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    /// The same, as a shell's status.
    #[track_caller]
    pub fn code(self) -> i32 {
        code(self.end())
    }

    #[track_caller]
    fn output(mut self) -> Output {
        let reads = |pipe: Option<Box<dyn Read + Send>>| {
            thread::spawn(move || {
                let mut bytes = Vec::new();
                if let Some(mut pipe) = pipe {
                    pipe.read_to_end(&mut bytes).unwrap();
                }
                bytes
            })
        };
        let stdout = reads(self.0.stdout.take().map(|pipe| Box::new(pipe) as _));
        let stderr = reads(self.0.stderr.take().map(|pipe| Box::new(pipe) as _));
        let status = self.end();
        Output { status, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn kill(pid: u32, signal: i32) {
    // SAFETY: takes no pointers.
    unsafe { libc::kill(libc::pid_t::try_from(pid).unwrap(), signal) };
}

/// Whether there is such a process that is not a zombie.
pub fn is_alive(pid: u32) -> bool {
    state(pid).is_some_and(|state| state != 'Z')
}

/// The letter of its state in `/proc`.
pub fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}
