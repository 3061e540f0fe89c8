//! A process that uses a segment as somebody else, or somewhere else, one step at a time.
//!
//! It is started with settings (`uid=12001`, say), applies them in the order of [`Settings`], opens a
//! segment, joins, and says `joined`; or what went wrong. Then it does what it is told:
//!
//! | told | says |
//! |---|---|
//! | `lock`, `repair` | the count, which it has added one to |
//! | `enter`, then `wait` | `in line`, then the count |
//! | inside: `leave` | `out` |
//! | `status` | how many are joined, and whether somebody is inside |
//! | `path` | where the segment is |
//! | `leave a child` | the child's id: it has all descriptors, and does nothing |

use std::fmt::Display;
use std::path::Path;
use std::process::{Command, Stdio};

use bakery_lock::shared::{Access, Error, Guard, Mutex, Options};
use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, geteuid, setrlimit, umask};

use crate::child::{Child, command, hear, say};
use crate::outcome::Opened;

/// Starts one that has these settings.
pub fn servant(settings: &[&str]) -> Child {
    Child::spawn(&mut command("serves", settings))
}

/// The same, in a mount namespace of its own that this shell script has changed. `None`, and said, if
/// that is not permitted here.
pub fn elsewhere(script: &str, settings: &[&str]) -> Option<Child> {
    let unshared = || {
        let mut command = Command::new("unshare");
        // Without it there are ids for one user only, and no devices.
        let flags = if geteuid().is_root() { "-m" } else { "-Urm" };
        command.args([flags, "--", "sh", "-c"]);
        command
    };
    let tried = unshared().arg(format!("set -e; {script}")).output();
    if !tried.as_ref().is_ok_and(|tried| tried.status.success()) {
        println!("SKIPPED, as it is not permitted here: {script}: {tried:?}");
        return None;
    }
    let part = command("serves", settings);
    let mut command = unshared();
    command.arg(format!("set -e; {script}; exec \"$@\"")).arg("sh");
    command.arg(part.get_program()).args(part.get_args());
    command.envs(part.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Some(Child::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped())))
}

/// What a servant is told to be.
struct Settings<'a>(&'a [&'a str]);

impl Settings<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find_map(|setting| setting.strip_prefix(name)?.strip_prefix('='))
    }

    fn number(&self, name: &str) -> Option<u32> {
        self.get(name).map(|number| number.parse().unwrap())
    }

    fn access(&self) -> Access {
        match self.get("access") {
            None => Access::User,
            Some("everybody") => Access::Everybody,
            Some(group) => Access::Group(group.parse().unwrap()),
        }
    }

    fn open(&self, options: &Options) -> Opened {
        match (self.get("at"), self.get("name")) {
            (Some(path), _) => options.open_at(path, 0),
            (_, Some(name)) => options.open(name, 0),
            _ => options.anonymous(0),
        }
    }

    fn path(&self, options: &Options) -> Result<String, Error> {
        Ok(match self.get("at") {
            Some(path) => path.to_owned(),
            None => options.path(self.get("name").unwrap())?.display().to_string(),
        })
    }
}

/// For the rest of the process, all of its threads included.
pub fn become_user(user: u32, group: u32, groups: &[u32]) {
    // SAFETY: system calls with plain numbers and a slice's length.
    let answers = unsafe {
        [
            libc::setgroups(groups.len(), groups.as_ptr()),
            libc::setresgid(group, group, group),
            libc::setresuid(user, user, user),
        ]
    };
    assert_eq!(answers, [0; 3]);
}

fn tell(what: impl Display) {
    say(&what.to_string());
}

/// What it is, and what it says.
fn complain(error: &Error) {
    tell(format!("{error:?}: {error}"));
}

pub fn serves(arguments: &[&str]) {
    let settings = Settings(arguments);
    if let Some(mask) = settings.get("umask") {
        umask(Mode::from_raw_mode(u32::from_str_radix(mask, 8).unwrap()));
    }
    if let Some(most) = settings.number("limit") {
        let limit = Rlimit { current: Some(most.into()), maximum: Some(most.into()) };
        setrlimit(Resource::Fsize, limit).unwrap();
    }
    let groups: Vec<u32> = settings.number("also").into_iter().collect();
    let change_user = |name| {
        if let Some(user) = settings.number(name) {
            become_user(user, settings.number("gid").unwrap_or(user), &groups);
        }
    };
    change_user("uid");
    let options = Options::new().access(settings.access());
    let mutex = match settings.open(&options) {
        Ok(mutex) => mutex,
        Err(error) => return complain(&error),
    };
    change_user("uid-once-open");
    obey(&mutex, &|| settings.path(&options));
}

fn obey(mutex: &Mutex<u64>, path: &dyn Fn() -> Result<String, Error>) {
    let mut me = match mutex.join() {
        Ok(me) => me,
        Err(error) => return complain(&error),
    };
    say("joined");
    while let Some(order) = hear() {
        match order.as_str() {
            "lock" => inside(me.lock()),
            "repair" => inside(me.lock_or_repair(|_, _| {})),
            "enter" => {
                let waiting = me.enter().unwrap();
                say("in line");
                if hear().as_deref() == Some("wait") {
                    inside(waiting.wait());
                }
            }
            "status" => {
                let status = mutex.status().unwrap();
                tell(format!("{} {}", status.joined, status.holder.is_some()));
            }
            "path" => tell(path().unwrap()),
            "leave a child" => tell(leave_a_child()),
            _ => say("what?"),
        }
    }
}

fn inside(outcome: Result<Guard<'_, u64>, Error>) {
    let mut count = match outcome {
        Ok(guard) => guard,
        Err(error) => return complain(&error),
    };
    *count += 1;
    tell(*count);
    while let Some(order) = hear() {
        match order.as_str() {
            "leave" => {
                drop(count);
                return say("out");
            }
            "leave a child" => tell(leave_a_child()),
            _ => say("what?"),
        }
    }
}

/// A child that keeps what this process has open, for two minutes at most.
fn leave_a_child() -> i32 {
    // SAFETY: the child calls nothing but what a signal handler may call.
    match unsafe { libc::fork() } {
        0 => unsafe {
            // SAFETY: as above. The test reads the parent's output to its end.
            libc::close(1);
            libc::close(2);
            libc::sleep(120);
            libc::_exit(0)
        },
        child => child,
    }
}

/// A directory with this mode that is this user's and group's, in shared memory.
pub fn directory(user: u32, group: u32, mode: u32) -> tempfile::TempDir {
    directory_in(Path::new("/dev/shm"), user, group, mode)
}

pub fn directory_in(parent: &Path, user: u32, group: u32, mode: u32) -> tempfile::TempDir {
    use std::os::unix::fs::{PermissionsExt, chown};

    let directory = tempfile::tempdir_in(parent).unwrap();
    chown(directory.path(), Some(user), Some(group)).unwrap();
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    directory
}

/// Whether this is the superuser, who may be everybody else. Says so if not.
pub fn may_be_others() -> bool {
    let may = geteuid().is_root();
    if !may {
        println!("SKIPPED: only the superuser may be somebody else");
    }
    may
}
