//! While a command waits: one line on a terminal, rewritten; now and then one in a log, if asked for.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::mem::{self, MaybeUninit};
use std::sync::{Condvar, Mutex as ThreadMutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use bakery_lock::shared::{Competitor, Status};

use crate::hold::line::position;
use crate::message;
use crate::screen::cut;
use crate::signals;

/// When to say something first, and how often after that.
const ON_A_TERMINAL: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(1));
const IN_A_LOG: (Duration, Duration) = (Duration::from_millis(100), Duration::from_mins(10));

/// How to say that it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    Silent,
    /// One line, rewritten.
    Terminal,
    Log,
}

impl Manner {
    pub fn of(is_quiet: bool, is_verbose: bool) -> Self {
        match io::stderr().is_terminal() {
            _ if is_quiet => Self::Silent,
            true => Self::Terminal,
            false if is_verbose => Self::Log,
            false => Self::Silent,
        }
    }
}

/// Waits, and says meanwhile how the wait goes: on a thread of its own, which is only there if something
/// may be said.
///
/// `look` sees the lock, and `is_me` who in it waits so.
pub fn during<T>(
    watch: Watch<'_>,
    look: impl Fn() -> Option<Status> + Sync,
    is_me: impl Fn(&Competitor) -> bool + Sync,
    wait: impl FnOnce() -> T,
) -> T {
    if watch.manner == Manner::Silent {
        return wait();
    }
    let (look, is_me, over) = (&look, &is_me, Over::default());
    thread::scope(|scope| {
        let line = thread::Builder::new().spawn_scoped(scope, || say(watch, look, is_me, &over));
        // Without the thread it waits in silence.
        let _ = line;
        let waited = wait();
        over.tell();
        waited
    })
}

/// Of what to say that it waits, and how.
#[derive(Clone, Copy, Debug)]
pub struct Watch<'a> {
    pub name: &'a str,
    pub manner: Manner,
}

/// Whether the wait is over.
#[derive(Debug, Default)]
struct Over(ThreadMutex<bool>, Condvar);

impl Over {
    fn tell(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.1.notify_all();
    }

    fn is_within(&self, time: Duration) -> bool {
        let over = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (over, _) = self
            .1
            .wait_timeout_while(over, time, |over| !*over)
            .unwrap_or_else(PoisonError::into_inner);
        *over
    }
}

fn say(
    Watch { name, manner }: Watch<'_>,
    look: impl Fn() -> Option<Status>,
    is_me: impl Fn(&Competitor) -> bool,
    over: &Over,
) {
    signals::leave_to_others();
    let begin = Instant::now();
    let Some(mut voice) = Voice::of(manner) else { return };
    while !over.is_within(voice.pause()) {
        if let Some(status) = look() {
            voice.say(&describe(name, &status, &is_me, begin.elapsed()));
        }
    }
}

/// Says the same again and again: on a terminal in one line, which is gone in the end.
pub struct Voice {
    is_on_a_terminal: bool,
    is_written: bool,
    pause: Duration,
    again: Duration,
}

impl Voice {
    /// `None`: nothing is said.
    pub fn of(manner: Manner) -> Option<Self> {
        let is_on_a_terminal = manner == Manner::Terminal;
        let (pause, again) = match manner {
            Manner::Silent => return None,
            Manner::Terminal => ON_A_TERMINAL,
            Manner::Log => IN_A_LOG,
        };
        Some(Self { is_on_a_terminal, is_written: false, pause, again })
    }

    /// How long not to say anything next.
    pub fn pause(&mut self) -> Duration {
        mem::replace(&mut self.pause, self.again)
    }

    pub fn say(&mut self, text: &str) {
        if self.is_on_a_terminal {
            let line = cut(&message::harmless(text), width().saturating_sub(1));
            let _ = io::stderr().write_all(format!("\r\x1b[K{line}").as_bytes());
            self.is_written = true;
        } else {
            message::say(text);
        }
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        if self.is_written {
            let _ = io::stderr().write_all(b"\r\x1b[K");
        }
    }
}

/// `deploy: 3rd in line, waiting 2m05s; held by make 41877 for 14m (token 812)`
fn describe(
    name: &str,
    status: &Status,
    is_me: impl Fn(&Competitor) -> bool,
    waited: Duration,
) -> String {
    let waited = message::time(waited);
    let is_first = status.holder.as_ref().is_some_and(&is_me);
    if is_first {
        return format!("{name}: first in line, waiting {waited} for those who are inside");
    }
    let place = position(status, is_me).map_or_else(
        || "in line".to_owned(),
        |place| format!("{} in line", message::ordinal(place)),
    );
    let holder = status.holder.as_ref().map(|holder| format!("; held by {}", who(holder)));
    format!("{name}: {place}, waiting {waited}{}", holder.unwrap_or_default())
}

/// A holder, for people: its command if it is a wrapper.
pub fn who(holder: &Competitor) -> String {
    let (command, pid) = command_of(holder).unwrap_or_else(|| (holder.command.clone(), holder.pid));
    let since = holder.since.and_then(|since| SystemTime::now().duration_since(since).ok());
    let time = since.map(|since| format!(" for {}", message::time(since))).unwrap_or_default();
    format!("{} {pid}{time} (token {})", message::shown(command), holder.token)
}

/// What a wrapper runs, and under which number.
fn command_of(holder: &Competitor) -> Option<(String, u32)> {
    let pid = holder.pid;
    if !holder.command.starts_with(env!("CARGO_BIN_NAME")) {
        return None;
    }
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    let child = children.split(' ').next()?.parse().ok()?;
    let command = fs::read_to_string(format!("/proc/{child}/comm")).ok()?;
    Some((command.trim_end().to_owned(), child))
}

/// The width of the terminal, or a usual one.
fn width() -> usize {
    // SAFETY: all zeros is a value of this struct of integers.
    let mut size: libc::winsize = unsafe { MaybeUninit::zeroed().assume_init() };
    // SAFETY: there is room for the answer.
    let answer = unsafe { libc::ioctl(libc::STDERR_FILENO, libc::TIOCGWINSZ, &raw mut size) };
    if answer == -1 || size.ws_col == 0 { 80 } else { size.ws_col.into() }
}
