//! Further processes of a test: this program again, told by an environment variable what to do.
//!
//! A child runs one test, [`play`]'s, and nothing else: it may fork, count descriptors, and panic
//! as it likes. It talks to the test through its standard input and output, a line at a time, and
//! does not outlive it.

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{self, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, set_parent_process_death_signal};

const ORDERS: &str = "BAKERY_LOCK_TEST_CHILD";

/// Tells what a child says from what the test harness prints.
const MARK: &str = ">> ";

/// Makes a failure of what would otherwise hang for ever; no measure of anything.
const LIMIT: Duration = Duration::from_mins(1);

/// What a child is to do, by name, and with which arguments.
type Role<'a> = (&'a str, fn(&[&str]));

/// In a child: does what it was started for. Elsewhere: nothing.
pub fn play(roles: &[Role]) {
    let Ok(orders) = env::var(ORDERS) else { return };
    set_parent_process_death_signal(Some(Signal::KILL)).unwrap();
    let words: Vec<&str> = orders.split('\n').collect();
    let (_, role) = roles.iter().find(|(name, _)| *name == words[0]).expect("there is such a role");
    role(&words[1..]);
}

/// Says something to the test that started this process.
pub fn say(line: &str) {
    let mut out = io::stdout().lock();
    // The harness has left its line unfinished.
    writeln!(out, "\n{MARK}{line}").and_then(|()| out.flush()).unwrap();
}

/// What the test tells this process next. `None` when it will say no more.
pub fn hear() -> Option<String> {
    io::stdin().lines().next().map(Result::unwrap)
}

/// The command that starts this program again with a part to play.
pub fn command(role: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["child", "--exact", "--nocapture", "--test-threads=1"])
        .env(ORDERS, [&[role], arguments].concat().join("\n"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// A child. Killed when dropped, should it still be there.
pub struct Child {
    role: String,
    process: process::Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Child {
    pub fn start(role: &str, arguments: &[&str]) -> Self {
        Self::spawn(&mut command(role, arguments))
    }

    pub fn spawn(command: &mut Command) -> Self {
        let role = format!("{:?}", command.get_envs().collect::<Vec<_>>());
        let mut process = command.spawn().unwrap();
        let out = BufReader::new(process.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if let Some(line) = line.strip_prefix(MARK) {
                    let _ = sender.send(line.to_owned());
                }
            }
        });
        Self { role, input: process.stdin.take(), process, lines }
    }

    pub fn tell(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// What it says next.
    #[track_caller]
    pub fn hear(&self) -> String {
        match self.lines.recv_timeout(LIMIT) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => panic!("{} has failed", self.role),
            Err(RecvTimeoutError::Timeout) => panic!("{} hangs", self.role),
        }
    }

    #[track_caller]
    pub fn ask(&mut self, line: &str) -> String {
        self.tell(line);
        self.hear()
    }

    #[track_caller]
    pub fn expect(&self, line: &str) {
        assert_eq!(self.hear(), line, "{}", self.role);
    }

    /// Has nothing more to tell it, and waits for its end, which has to be a good one.
    #[track_caller]
    pub fn finish(mut self) {
        drop(self.input.take());
        loop {
            match self.lines.recv_timeout(LIMIT) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("{} hangs", self.role),
            }
        }
        let status = self.process.wait().unwrap();
        assert!(status.success(), "{}: {status}", self.role);
    }

    /// Ends it by SIGKILL, and waits until it is gone.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    pub fn signal(&self, which: Signal) {
        signal(self.pid(), which);
    }

    /// Waits until this is what `/proc` says of its state: `Z` for a zombie, `T` for a stopped one.
    #[track_caller]
    pub fn until_state(&self, state: char) {
        until(|| {
            let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
            stat.rsplit(')').next().unwrap().trim_start().starts_with(state)
        });
    }

    /// Waits until it does nothing but sleep.
    #[track_caller]
    pub fn until_asleep(&self) {
        until(|| sleep(self.process.id(), |_| true));
    }
}

/// To a process that is there, or that nobody has waited for yet.
pub fn signal(process: u32, which: Signal) {
    let pid = Pid::from_raw(process.cast_signed()).unwrap();
    kill_process(pid, which).unwrap();
}

/// Whether the threads of a process sleep in the kernel, as far as they count.
pub fn sleep(process: u32, counts: impl Fn(&str) -> bool) -> bool {
    let task = format!("/proc/{process}/task");
    let mut threads = fs::read_dir(task).unwrap().map(|entry| entry.unwrap());
    threads.all(|thread| {
        let name = thread.file_name();
        let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        // The state stands behind the program's name, which may hold anything.
        !counts(name.to_str().unwrap()) || stat.rsplit(')').next().unwrap().starts_with(" S")
    })
}

/// Waits until something is so that others bring about.
#[track_caller]
pub fn until(is_so: impl Fn() -> bool) {
    const LOOK: Duration = Duration::from_millis(1);

    for _ in 0..LIMIT.as_millis() / LOOK.as_millis() {
        if is_so() {
            return;
        }
        thread::sleep(LOOK);
    }
    panic!("it does not come to be");
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts a child for each list of arguments, and waits until each has joined.
pub fn crowd<'a>(role: &str, each: impl IntoIterator<Item = Vec<&'a str>>) -> Vec<Child> {
    let children: Vec<_> =
        each.into_iter().map(|arguments| Child::start(role, &arguments)).collect();
    for child in &children {
        child.expect("joined");
    }
    children
}

/// Lets all of them begin, and waits until all have ended.
#[track_caller]
pub fn go(mut children: Vec<Child>) {
    for child in &mut children {
        child.tell("go");
    }
    children.into_iter().for_each(Child::finish);
}
