//! What `/proc` tells of processes. What it does not tell is `None`: they are gone, or another user's, or
//! hidden.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Read;
use std::mem::MaybeUninit;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::{Duration, SystemTime};

/// One of its files. They have no length to be asked for, and most come whole at one read.
fn read(pid: u32, file: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(4096);
    let file = File::open(format!("/proc/{pid}/{file}")).ok()?;
    file.take(u64::MAX).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// The words of its command line. `None` also for one that has none (a zombie).
pub fn command_line(pid: u32) -> Option<Vec<OsString>> {
    let line = read(pid, "cmdline")?;
    let line = line.strip_suffix(b"\0").unwrap_or(&line);
    let words = line.split(|byte| *byte == 0).map(|word| OsString::from_vec(word.to_vec()));
    (!line.is_empty()).then(|| words.collect())
}

/// The name of its program, of which the kernel keeps 15 bytes.
pub fn name(pid: u32) -> Option<OsString> {
    let mut name = read(pid, "comm")?;
    name.pop_if(|byte| *byte == b'\n');
    Some(OsString::from_vec(name))
}

/// A variable of the environment that it was started with.
pub fn variable(pid: u32, name: &str) -> Option<OsString> {
    let environment = read(pid, "environ")?;
    let value = environment
        .split(|byte| *byte == 0)
        .find_map(|entry| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
    Some(OsStr::from_bytes(value).to_owned())
}

/// Its parent, and when it was started.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    pub parent: u32,
    pub started: SystemTime,
}

pub fn origin(pid: u32) -> Option<Origin> {
    let stat = read(pid, "stat")?;
    // The second field is the program's name in parentheses, and may hold anything.
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let mut fields = str::from_utf8(&stat[end + 1..]).ok()?.split_ascii_whitespace();
    let parent = fields.nth(4 - 3)?.parse().ok()?;
    let ticks: u64 = fields.nth(22 - 5)?.parse().ok()?;
    // SAFETY: takes no pointers.
    let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    let per_second = u64::try_from(per_second).ok().filter(|number| *number > 0)?;
    let nanos = u128::from(ticks) * 1_000_000_000 / u128::from(per_second);
    let after_boot = Duration::from_nanos(u64::try_from(nanos).ok()?);
    let ago = since_boot()?.saturating_sub(after_boot);
    Some(Origin { parent, started: SystemTime::now().checked_sub(ago)? })
}

fn since_boot() -> Option<Duration> {
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: there is room for the answer.
    let answer = unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, time.as_mut_ptr()) };
    // SAFETY: it was written, as the call did not fail.
    let time = (answer == 0).then(|| unsafe { time.assume_init() })?;
    Some(Duration::new(time.tv_sec.try_into().ok()?, time.tv_nsec.try_into().ok()?))
}

/// Its children, as far as the kernel is built to tell them.
pub fn children(pid: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let children = children.unwrap_or_default();
    children.split_ascii_whitespace().filter_map(|child| child.parse().ok()).collect()
}

/// Every process that is to be seen.
pub fn all() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Those that were started after this one, which has ended: all that it has left behind are among them.
pub fn after(pid: u32) -> Vec<u32> {
    // Numbers are given out in turn, and this file ends with the last one.
    let loads = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let last: Option<u32> =
        loads.split_ascii_whitespace().next_back().and_then(|last| last.parse().ok());
    let is_after = |one: u32| match last {
        Some(last) if last >= pid => one > pid && one <= last,
        // They have begun anew.
        Some(last) => one > pid || one <= last,
        None => true,
    };
    if last == Some(pid) {
        Vec::new()
    } else {
        all().into_iter().filter(|one| is_after(*one)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_known() {
        let this = std::process::id();
        let origin = origin(this).unwrap();
        assert_eq!(origin.parent, std::os::unix::process::parent_id());
        assert!(origin.started <= SystemTime::now());
        assert_eq!(command_line(this).unwrap(), std::env::args_os().collect::<Vec<_>>());
        assert_eq!(variable(this, "PATH"), std::env::var_os("PATH"));
        assert_eq!(variable(this, "PAT"), None);
        assert!(all().contains(&this));
        assert!(name(this).is_some());
    }

    #[test]
    fn those_after_one_are_those_with_later_numbers() {
        let mut first = std::process::Command::new("true").spawn().unwrap();
        let mut second = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        first.wait().unwrap();
        let after = after(first.id());
        second.kill().unwrap();
        second.wait().unwrap();
        assert!(after.contains(&second.id()) && !after.contains(&first.id()), "{after:?}");
        assert!(!after.contains(&1));
    }

    #[test]
    fn there_is_nothing_to_say_of_none() {
        let none = u32::MAX;
        assert!(command_line(none).is_none() && name(none).is_none() && origin(none).is_none());
        assert!(children(none).is_empty() && variable(none, "PATH").is_none());
    }
}
